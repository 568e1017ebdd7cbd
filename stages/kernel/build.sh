# The kernel: tinyconfig, kernel.config on top, and the proof that every line of it is in effect.

[ "$REPRO_ARCH" = x86_64 ] || { echo "kernel: no recipe for architecture $REPRO_ARCH" >&2; exit 1; }

# What the kernel would otherwise take from the clock, the user and the machine. The time must be text: `@315532800`
# would appear literally in `uname -v`.
KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %e %H:%M:%S UTC %Y')
export KBUILD_BUILD_TIMESTAMP
export KBUILD_BUILD_USER=repro KBUILD_BUILD_HOST=repro KBUILD_BUILD_VERSION=1
export KCONFIG_NOTIMESTAMP=1
export ARCH=$REPRO_ARCH CROSS_COMPILE=$REPRO_ARCH-repro-linux-musl-

patch -d /src/linux -p1 </stage/builtin-initrd.patch

objects=/build/linux
mkdir "$objects"
kmake() { make --no-print-directory -C /src/linux O="$objects" "$@"; }

echo "== configure"
kmake tinyconfig
(cd "$objects" && /src/linux/scripts/kconfig/merge_config.sh -m .config /stage/kernel.config)
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
                echo "kernel: in effect, though kernel.config turns it off: $name" >&2
                bad=1
            fi ;;
    esac
done </stage/kernel.config
[ "$bad" = 0 ] || exit 1

echo "== build"
kmake bzImage

echo "== deliver"
mkdir -p /out/boot
cp "$objects/arch/x86/boot/bzImage" /out/boot/bzImage
cp "$objects/.config" /out/config
banner=$(grep -a -o -m1 "Linux version [^ ]* (repro@repro).*1980" "$objects/vmlinux") || {
    echo "kernel: the version banner does not carry the fixed user, host and time" >&2
    exit 1
}
echo "$banner"
