# The two run-time libraries that gcc's own build would have made after the compiler, had there been a C library: each
# configured on its own, the way gcc's top-level makefile does it, with the installed compiler instead of the one in its
# build folder.

. /usr/share/repro/cross.sh
version=$(cat /src/gcc/gcc/BASE-VER)
flags="-O2 -g0 -ffile-prefix-map=/src/gcc=gcc -ffile-prefix-map=/build=."
hosts="--build=$build --host=$target --target=$target --with-cross-host=$build"

echo "== libgcc_s"
# libgcc looks for gcc's generated headers in ../../gcc, so the folders are those of a whole gcc build.
cp -R /in/gcc/build/gcc /build/gcc
mkdir /build/gcc/include # libgcc leaves unwind.h there
mkdir -p "/build/$target/libgcc" && cd "/build/$target/libgcc"
/src/gcc/libgcc/configure $hosts --prefix=/usr --enable-shared --enable-threads=posix --disable-multilib \
    --disable-nls CC="$target-gcc" CFLAGS="$flags"
# LIBGCC2_DEBUG_CFLAGS: its own -g, which no other variable reaches.
make LIBGCC2_DEBUG_CFLAGS=-g0
mkdir -p /out/dev/usr/lib /out/run/lib
cp libgcc_s.so.1 libgcc_s.so /out/dev/usr/lib/

echo "== libstdc++"
# CXX is the C driver: g++ would link the configure tests with the very library that is to be built.
mkdir -p "/build/$target/libstdc++-v3" && cd "/build/$target/libstdc++-v3"
/src/gcc/libstdc++-v3/configure $hosts --prefix=/usr --libdir=/usr/lib --enable-shared --enable-threads=posix \
    --disable-multilib --disable-nls --disable-libstdcxx-pch --with-gxx-include-dir="/usr/include/c++/$version" \
    CC="$target-gcc -L/out/dev/usr/lib" CXX="$target-gcc -shared-libgcc -nostdinc++ -L/out/dev/usr/lib" \
    CFLAGS="$flags" CXXFLAGS="$flags"
make
# A cross compiler's libraries go to usr/$target/lib64; for us they belong to the target like any other library. What
# is left behind: libtool's archives and the debugger's scripts, which hold paths of the build.
make DESTDIR=/build/installed install
lib=/build/installed/usr/$target/lib64
cp -R /build/installed/usr/include /out/dev/usr/include
# The compiler looks for them by its own name, whatever library it compiles for.
headers=/out/dev/usr/include/c++/$version compiler=$arch-repro-linux-musl
[ "$target" = "$compiler" ] || mv "$headers/$target" "$headers/$compiler"
cp -P "$lib"/libstdc++.a "$lib"/libstdc++fs.a "$lib"/libsupc++.a "$lib"/libstdc++.so /out/dev/usr/lib/
cp -P "$lib"/libstdc++.so.6 "$lib"/libstdc++.so.6.*[0-9] /out/dev/usr/lib/

echo "== strip"
"$target-strip" --strip-unneeded /out/dev/usr/lib/libgcc_s.so.1 /out/dev/usr/lib/libstdc++.so.6.*[0-9]
cp -P /out/dev/usr/lib/libgcc_s.so.1 /out/dev/usr/lib/libstdc++.so.6* /out/run/lib/

echo "== check"
# A program that throws across libgcc_s and libstdc++, run by our own loader: unwinding is what a wrong configuration
# of libgcc breaks first.
cat >t.cc <<'EOF'
#include <iostream>
#include <stdexcept>
#include <string>
int main() {
    try { throw std::runtime_error(std::string("caught ") + std::to_string(6 * 7)); }
    catch (const std::exception &e) { std::cout << e.what() << std::endl; }
}
EOF
"$CXX" -O2 -nostdinc++ -isystem "/out/dev/usr/include/c++/$version" \
    -isystem "/out/dev/usr/include/c++/$version/$compiler" -L/out/dev/usr/lib t.cc -o t
try ./t | grep -x 'caught 42' ||
    { echo "gcc-libs: an exception was not caught" >&2; exit 1; }
