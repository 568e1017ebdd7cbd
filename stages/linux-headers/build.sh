# Kernel headers. The kernel compiles a few programs of its own for this (unifdef, fixdep, relocs): with our compiler,
# statically against our musl, so that they run here and no compiler of the seed is needed.

[ "$REPRO_ARCH" = x86_64 ] || { echo "linux-headers: no recipe for architecture $REPRO_ARCH" >&2; exit 1; }

echo "== make headers"
make -C /src/linux O=/build ARCH="$REPRO_ARCH" HOSTCC="$REPRO_ARCH-repro-linux-musl-gcc -static" headers

echo "== copy"
# Not `headers_install`, which does the same by rsync.
mkdir -p /out/usr
cp -R usr/include /out/usr/include
find /out/usr/include -type f ! -name '*.h' -exec rm {} +
[ -f /out/usr/include/linux/version.h ] && [ -f /out/usr/include/asm/unistd_64.h ] ||
    { echo "linux-headers: incomplete" >&2; exit 1; }
