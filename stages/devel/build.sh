# The trees that other stages have at /target, as they lie in a system of its own. The libraries themselves come with the run
# parts; here is what the compiler and the linker look for by name.

mkdir -p /out/run/usr/include /out/run/usr/lib
cp -R /in/linux-headers/usr/include/. "/in/$REPRO_LIBC/usr/include/." /out/run/usr/include/
cp -P "/in/$REPRO_LIBC"/usr/lib/*.o "/in/$REPRO_LIBC"/usr/lib/*.a "/in/$REPRO_LIBC"/usr/lib/*.so /out/run/usr/lib/
cp -P /in/gcc-libs/usr/lib/libgcc_s.so /out/run/usr/lib/
[ -f /out/run/usr/lib/crt1.o ] && [ -f /out/run/usr/include/stdio.h ] && [ -f /out/run/usr/include/linux/version.h ] ||
    { echo "devel: incomplete" >&2; exit 1; }
