# The kernel: tinyconfig, common.config and the machine's own on top, and the proof that every line of them is in effect.

# The kernel's name of the machine, and what its makefile makes that firmware, a boot loader or qemu can start.
case $REPRO_ARCH in
    x86_64) arch=x86 image=arch/x86/boot/bzImage ;;
    aarch64) arch=arm64 image=arch/arm64/boot/Image ;;
    *) echo "kernel: no recipe for architecture $REPRO_ARCH" >&2; exit 1 ;;
esac

# What the kernel would otherwise take from the clock, the user and the machine. The time must be text: `@315532800`
# would appear literally in `uname -v`.
KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %e %H:%M:%S UTC %Y')
export KBUILD_BUILD_TIMESTAMP
export KBUILD_BUILD_USER=repro KBUILD_BUILD_HOST=repro KBUILD_BUILD_VERSION=1
export KCONFIG_NOTIMESTAMP=1
export ARCH=$arch CROSS_COMPILE=$REPRO_ARCH-repro-linux-musl-

patch -d /src/linux -p1 </stage/builtin-initrd.patch

objects=/build/linux
mkdir "$objects"
kmake() { make --no-print-directory -C /src/linux O="$objects" "$@"; }

echo "== configure"
kmake tinyconfig
cat /stage/common.config "/stage/$REPRO_ARCH.config" >/build/wanted
(cd "$objects" && /src/linux/scripts/kconfig/merge_config.sh -m .config /build/wanted)
kmake olddefconfig

# kconfig drops in silence what it does not know or whose dependencies are missing.
bad=0
while IFS= read -r line; do
    case $line in
        CONFIG_*) grep -qxF -e "$line" "$objects/.config" || { echo "kernel: not in effect: $line" >&2; bad=1; } ;;
        '# CONFIG_'*' is not set')
            name=${line#'# '}
            name=${name%' is not set'}
            if grep -q "^$name=" "$objects/.config"; then
                echo "kernel: in effect, though the configuration turns it off: $name" >&2
                bad=1
            fi ;;
    esac
done </build/wanted
[ "$bad" = 0 ] || exit 1

echo "== build"
kmake "${image##*/}" modules

echo "== deliver"
mkdir -p /out/boot
cp "$objects/$image" /out/boot/kernel
cp "$objects/.config" /out/config
banner=$(grep -a -o -m1 "Linux version [^ ]* (repro@repro).*1980" "$objects/vmlinux") || {
    echo "kernel: the version banner does not carry the fixed user, host and time" >&2
    exit 1
}
echo "$banner"

# What a module of somebody else is built with, beside the sources: `make -C /src/linux O=COPY M=…`.
mkdir /out/dev
cd "$objects"
cp --parents .config Makefile Module.symvers scripts/module.lds /out/dev/
cp -R --parents include/config include/generated "arch/$arch/include/generated" /out/dev/
for tool in scripts/basic/fixdep scripts/mod/modpost tools/objtool/objtool; do
    if [ -e "$tool" ]; then cp --parents "$tool" /out/dev/; fi
done
