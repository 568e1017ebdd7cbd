# The trees that other stages have at /target, as they lie in a system of its own. The libraries themselves come with the run
# parts; here is what the compiler and the linker look for by name.

lib=/out/run/usr/lib
mkdir -p /out/run/usr/include "$lib"
cp -R /in/linux-headers/usr/include/. "/in/$REPRO_LIBC/usr/include/." /out/run/usr/include/
cp -P "/in/$REPRO_LIBC"/usr/lib/*.o "/in/$REPRO_LIBC"/usr/lib/*.a "$lib/"
cp /in/gcc-libs/usr/lib/libgcc_s.so "$lib/"
case $REPRO_LIBC in
    musl) ln -s "../../lib/ld-musl-$REPRO_ARCH.so.1" "$lib/libc.so" ;;
    # Links to /lib, and linker scripts.
    glibc) cp -P /in/glibc/usr/lib/*.so "$lib/" ;;
esac
[ -f "$lib/crt1.o" ] && [ -f /out/run/usr/include/stdio.h ] && [ -f /out/run/usr/include/linux/version.h ] ||
    { echo "sdk: incomplete" >&2; exit 1; }
