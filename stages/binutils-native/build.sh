# The binutils once more, as programs of the target, for images that compile: no word of the seed is in them.

. /usr/share/repro/cross.sh
flags binutils

# A program that makes its manuals runs here, wanted or not.
native="$target-gcc -static"
[ "$arch" = x86_64 ] || native=gcc

echo "== configure"
autotools binutils --target="$target" --with-sysroot=/ --with-pkgversion=repro --disable-nls --disable-werror \
    --disable-multilib --disable-gdb --disable-gdbserver --disable-sim --disable-gprofng --disable-gold --disable-shared \
    --disable-plugins --enable-deterministic-archives --enable-new-dtags --enable-default-hash-style=gnu \
    --without-zstd --without-debuginfod --without-system-zlib CC_FOR_BUILD="$native"

echo "== make"
make MAKEINFO=true

echo "== install"
make MAKEINFO=true DESTDIR=/out/run install
# A second name for each, for cross compilers; libraries and headers for programs that take files apart; linker scripts
# that the linker has inside.
rm -rf /out/run/usr/"$target" /out/run/usr/include /out/run/usr/lib /out/run/usr/etc
finish

echo "== check"
printf '.globl f\nf:\n' >t.s
try /out/run/usr/bin/as t.s -o t.o
try /out/run/usr/bin/nm t.o | grep -q ' f$' || { echo "binutils-native: they do not work" >&2; exit 1; }
