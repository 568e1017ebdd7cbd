# The one compiler of the project. Its programs are static, so that later stages run them without any library of the
# seed; the only target code made here is libgcc.a, libgcc_eh.a, libgcov.a and crt*.o, compiled by the new compiler
# itself against musl's headers. Shared libraries need musl first: see the stage gcc-libs. Code for glibc comes from the
# same compiler, by -mglibc: see the stage cross.

target=$REPRO_ARCH-repro-linux-musl
machine=x86_64-pc-linux-gnu # said, not guessed: config.guess looks at the running machine
version=$(cat /src/gcc/gcc/BASE-VER)

echo "== configure"
# --with-gxx-include-dir below the sysroot: the C++ headers are an output of gcc-libs and come to /target like others.
# --with-pkgversion: `GCC: (repro)` in .comment tells our own code from that of any other compiler.
# --disable-lto, --disable-plugin: nothing to load at run time, so the programs can be static.
/src/gcc/configure --build=$machine --host=$machine --target="$target" --prefix=/usr --with-sysroot=/target \
    --with-gxx-include-dir="/target/usr/include/c++/$version" --with-pkgversion=repro \
    --with-gmp=/in/gcc-deps --with-mpfr=/in/gcc-deps --with-mpc=/in/gcc-deps --without-isl --without-zstd \
    --enable-languages=c,c++ --disable-bootstrap --enable-shared --enable-threads=posix --disable-multilib \
    --disable-nls --disable-libssp --disable-libquadmath --disable-libgomp --disable-libatomic --disable-libitm \
    --disable-libvtv --disable-libsanitizer --disable-libstdcxx-pch --disable-libcc1 --disable-lto --disable-plugin \
    --enable-checking=release --enable-initfini-array --enable-default-pie --enable-linker-build-id \
    CFLAGS="-O2 -g0" CXXFLAGS="-O2 -g0" LDFLAGS="-static -s" \
    CFLAGS_FOR_TARGET="-O2 -g0 -ffile-prefix-map=/src/gcc=gcc -ffile-prefix-map=/build=."

echo "== compiler"
make configure-gcc
# Manuals: the archive's gcc has not all of their texts, and making them stops the build. Self-tests test the compiler,
# not the result. Both hang on two lines of this makefile.
sed -i -e '/^all\.cross:/,/^$/s/ doc selftest//' -e '/^install:/,/^$/s/install-man install-info//' gcc/Makefile
if grep -E 'lang\.all\.cross doc|install-cpp install-man' gcc/Makefile; then
    echo "gcc: its makefile has changed: manuals are still wanted" >&2; exit 1
fi
make all-gcc

echo "== static libgcc"
make configure-target-libgcc
cd "$target/libgcc"
# Named files instead of `all`, which includes libgcc_s.so and with it musl's crti.o and libc. Configured as shared all
# the same, since the unwinder then goes to libgcc_eh.a, as the finished compiler expects.
# LIBGCC2_DEBUG_CFLAGS: its own -g, which no other variable reaches.
make LIBGCC2_DEBUG_CFLAGS=-g0 libgcc.a libgcc_eh.a libgcov.a libgcc-extra-parts
cd /build

echo "== install"
make DESTDIR=/out/tools install-gcc
lib=/out/tools/usr/lib/gcc/$target/$version
cp "$target"/libgcc/libgcc.a "$target"/libgcc/libgcc_eh.a "$target"/libgcc/libgcov.a "$target"/libgcc/crt*.o "$lib/"
cp "$target/libgcc/unwind.h" "$lib/include/"
rm -rf /out/tools/usr/share /out/tools/usr/include "$lib/install-tools" \
    "/out/tools/usr/libexec/gcc/$target/$version/install-tools"

echo "== for gcc-libs"
mkdir -p /out/build/gcc
cp gcc/*.h gcc/libgcc.mvars /out/build/gcc/
# Not these: the garbage collector of the compiler itself.
rm /out/build/gcc/gt-*.h /out/build/gcc/gtype-*.h

echo "== check"
cc=/out/tools/usr/bin/$target-gcc
printf 'int f(void) { return 42; }\n' >t.c
# Not `-c`: it looks for its assembler where it is not installed.
"$cc" -O2 -S t.c
grep -F 'GCC: (repro)' t.s || { echo "gcc: unexpected .ident" >&2; exit 1; }
for program in "$cc" "/out/tools/usr/libexec/gcc/$target/$version/cc1plus"; do
    if readelf -lW "$program" | grep INTERP; then echo "gcc: $program is not static" >&2; exit 1; fi
done
