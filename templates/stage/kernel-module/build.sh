# @name@: a module for the kernel of stage `kernel`, with that kernel's configuration and build-time programs.

case $REPRO_ARCH in
    x86_64) arch=x86 ;;
    aarch64) arch=arm64 ;;
    *) echo "@name@: no recipe for architecture $REPRO_ARCH" >&2; exit 1 ;;
esac
export ARCH=$arch CROSS_COMPILE=$REPRO_ARCH-repro-linux-musl-

cp -R /in/kernel /build/kernel
cp -R /src/@source@ /build/module
chmod -R u+w /build/kernel /build/module

echo "== make"
make --no-print-directory -C /src/linux O=/build/kernel M=/build/module modules

echo "== install"
modules=/out/lib/modules/$(cat /build/kernel/include/config/kernel.release)/extra
mkdir -p "$modules"
find /build/module -name '*.ko' -exec cp {} "$modules" \;
"${CROSS_COMPILE}strip" --strip-debug "$modules"/*.ko
