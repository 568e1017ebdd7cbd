# gcc as a program of the target, for images that compile, by our own cross compiler: the compiler proper alone, since the
# run-time libraries are those that the cross compiler made for the same target.

. /usr/share/repro/cross.sh
flags gcc
version=$(cat /src/gcc/gcc/BASE-VER)
# Its generators run here: made by our own compiler, statically, where what it makes runs here.
native="$target-gcc -static" nativexx="$target-g++ -static"
[ "$arch" = x86_64 ] || { native=gcc; nativexx=g++; }

# Built as parts of gcc, with the times of their files: newer sources would have make run automake. The archive's gmp comes
# without its manual, which its configure still wants to configure.
for library in gmp mpfr mpc; do cp -Rp "/src/$library" "/src/gcc/$library"; done
mkdir -p /src/gcc/gmp/doc
printf 'all install install-data-am check clean:\n' >/src/gcc/gmp/doc/Makefile.in

echo "== configure"
autotools gcc --target="$target" --with-pkgversion=repro --with-native-system-header-dir=/usr/include \
    --with-build-sysroot=/target --without-isl \
    --without-zstd --enable-languages=c --disable-bootstrap --enable-shared --enable-threads=posix --disable-multilib \
    --disable-nls --disable-libssp --disable-libquadmath --disable-libgomp --disable-libatomic --disable-libitm \
    --disable-libvtv --disable-libsanitizer --disable-libcc1 --disable-lto --disable-plugin --enable-checking=release \
    --enable-initfini-array --enable-default-pie --enable-linker-build-id --disable-gcov --libexecdir=/usr/libexec \
    CC_FOR_BUILD="$native" CXX_FOR_BUILD="$nativexx" CFLAGS_FOR_BUILD="-O1 -g0" CXXFLAGS_FOR_BUILD="-O1 -g0" \
    AR_FOR_BUILD="$AR" RANLIB_FOR_BUILD="$RANLIB" \
    CFLAGS_FOR_TARGET="-O2 -g0"

echo "== make"
make configure-gcc
# What `gcc -v` says; it would name places of this build.
sed -i 's|"/src/gcc/configure [^"]*"|"configure --target='"$target"'"|' gcc/configargs.h
# As in the stage gcc: no manuals, no self-tests.
sed -i -e '/^all\.cross:/,/^$/s/ doc selftest//' -e '/^all\.internal:/,/^$/s/ doc selftest//' \
    -e '/^native:/,/^$/s/ doc selftest//' -e '/^install:/,/^$/s/install-man install-info//' gcc/Makefile
make all-gcc

echo "== install"
make DESTDIR=/out/run install-gcc
lib=/out/run/usr/lib/gcc/$target/$version
# What the cross compiler's folder has for the target; it is named for musl whatever it compiles for.
from=/in/gcc/usr/lib/gcc/$arch-repro-linux-musl/$version
cp "$from"/libgcc.a "$from"/libgcc_eh.a "$from"/crt*.o "$lib/"
cp "$from/include/unwind.h" "$lib/include/"
rm -rf /out/run/usr/share /out/run/usr/include "$lib/install-tools" "$lib/plugin" \
    "/out/run/usr/libexec/gcc/$target/$version/install-tools"
# Copies of the library's headers, mended for compilers of other times.
find "$lib/include-fixed" -type f ! -name limits.h ! -name syslimits.h -exec rm {} +
# Names of a cross compiler.
rm -f /out/run/usr/bin/"$target"-*
ln -s gcc /out/run/usr/bin/cc
finish

echo "== check"
printf 'int f(void) { return 42; }\n' >t.c
try /out/run/usr/libexec/gcc/"$target/$version"/cc1 -quiet -O2 t.c -o t.s
grep -q 'GCC: (repro)' t.s || { echo "gcc-native: it does not compile" >&2; exit 1; }
