# Kernel headers. The kernel compiles a few programs of its own for this (unifdef, fixdep, relocs), which run here: where the
# target's programs do, with our own compiler, statically against our musl; else with the seed's.

case $REPRO_ARCH in
    x86_64) arch=x86 host="$REPRO_ARCH-repro-linux-musl-gcc -static" ;;
    aarch64) arch=arm64 host=gcc ;;
    *) echo "linux-headers: no recipe for architecture $REPRO_ARCH" >&2; exit 1 ;;
esac

echo "== make headers"
make -C /src/linux O=/build ARCH="$arch" HOSTCC="$host" headers

echo "== copy"
# Not `headers_install`, which does the same by rsync.
mkdir -p /out/usr
cp -R usr/include /out/usr/include
find /out/usr/include -type f ! -name '*.h' -exec rm {} +
[ -f /out/usr/include/linux/version.h ] && [ -f /out/usr/include/asm/unistd.h ] ||
    { echo "linux-headers: incomplete" >&2; exit 1; }
