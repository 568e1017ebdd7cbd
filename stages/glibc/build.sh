# glibc, by the compiler that is for musl, told by -mglibc (the stage cross gives it the name). All of it is configured for
# the place where it will run: headers and start files in usr, libraries in lib, the loader where programs name it.

. /usr/share/repro/cross.sh
# glibc wants to be optimised, and to choose by itself what it protects.
export CFLAGS="-O2 -g0 -ffile-prefix-map=/src/glibc=glibc -ffile-prefix-map=/build=."

# The archive comes without the manual, and make would go there.
sed -i 's/ wctype manual shadow / wctype shadow /' /src/glibc/Makeconfig

echo "== configure"
# libc_cv_slibdir, libc_cv_rtlddir: its own choice would be lib64 for both on x86_64.
# No profile, nscd, time zone tools, makeinfo: nothing that an image has. -werror: other compilers, other warnings.
/src/glibc/configure --build="$build" --host="$target" --prefix=/usr --libdir=/usr/lib --libexecdir=/usr/libexec \
    --with-headers=/target/usr/include --enable-kernel=5.4 --disable-profile --disable-nscd --disable-timezone-tools \
    --disable-werror --without-selinux --without-gd --with-pkgversion=repro \
    libc_cv_slibdir=/lib libc_cv_rtlddir="${loader%/*}" ac_cv_prog_MAKEINFO=: BUILD_CC=false

echo "== make"
make

echo "== install"
make install install_root=/build/installed
cd /build/installed
mkdir -p /out/dev/usr /out/run/lib "/out/run${loader%/*}"
cp -R usr/include /out/dev/usr/include
mkdir /out/dev/usr/lib
cp -P usr/lib/*.o usr/lib/*.a usr/lib/*.so /out/dev/usr/lib/
cp -RP lib /out/dev/lib
[ -d lib64 ] && cp -RP lib64 /out/dev/lib64
cp -P lib/*.so.* /out/run/lib/
cp -P ".$loader" "/out/run$loader"
find /out/run /out/dev/lib -name '*.so*' -type f -exec "$STRIP" --strip-unneeded {} +

echo "== check"
[ -f /out/dev/usr/lib/crt1.o ] && [ -f /out/dev/usr/include/stdio.h ] || { echo "glibc: incomplete" >&2; exit 1; }
emulator=
[ "$arch" = x86_64 ] || emulator=qemu-$arch-static
$emulator "/out/run$loader" --library-path /out/run/lib /out/run/lib/libc.so.6 | grep -F 'GNU C Library (repro)' ||
    { echo "glibc: it does not run" >&2; exit 1; }
