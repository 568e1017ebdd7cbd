# gmp, mpfr, mpc for the compiler itself; nothing of them reaches the target. A stage of its own because it is nearly all
# serial configure: it runs beside binutils.

# Said, not guessed: gmp's config.guess names the very processor it runs on and takes assembler written for that one.
machine=x86_64-pc-linux-gnu
common="--build=$machine --host=$machine --prefix=/usr --disable-shared --enable-static --with-pic"

echo "== gmp"
# The archive's gmp comes without its manual, which its configure still wants to configure.
mkdir -p /src/gmp/doc
printf 'all install install-data-am check clean:\n' >/src/gmp/doc/Makefile.in
mkdir gmp && cd gmp
/src/gmp/configure $common ABI=64 CFLAGS="-O2 -g0"
make
make DESTDIR=/build/prefix install
# libtool's archives name /usr, where this libgmp is not.
rm /build/prefix/usr/lib/*.la

echo "== mpfr"
mkdir ../mpfr && cd ../mpfr
/src/mpfr/configure $common --with-gmp=/build/prefix/usr CFLAGS="-O2 -g0"
make
make DESTDIR=/build/prefix install
rm /build/prefix/usr/lib/*.la

echo "== mpc"
mkdir ../mpc && cd ../mpc
/src/mpc/configure $common --with-gmp=/build/prefix/usr --with-mpfr=/build/prefix/usr CFLAGS="-O2 -g0"
make
make DESTDIR=/build/prefix install

echo "== tidy"
mkdir -p /out/lib
cp -R /build/prefix/usr/include /out/include
cp /build/prefix/usr/lib/libgmp.a /build/prefix/usr/lib/libmpfr.a /build/prefix/usr/lib/libmpc.a /out/lib/
