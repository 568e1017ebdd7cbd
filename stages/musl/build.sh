# musl: the first code for the target, and the only one that is compiled without a /target.

target=$REPRO_ARCH-repro-linux-musl
loader=ld-musl-$REPRO_ARCH.so.1

echo "== configure"
# --syslibdir=/lib is what every program carries as its loader (PT_INTERP). No wrapper: we have a real cross compiler.
# No -g0 here: its configure takes any -g for a wish for debug information and hands --gdwarf to the assembler, whose
# records keep the build path whatever the prefix maps say.
/src/musl/configure --target="$target" --prefix=/usr --syslibdir=/lib --disable-wrapper CROSS_COMPILE="$target-" \
    CFLAGS="-O2 -ffile-prefix-map=/src/musl=musl -ffile-prefix-map=/build=."

echo "== make"
make

echo "== install"
# dev/lib/$loader would be an absolute link to usr/lib/libc.so: nothing is loaded from /target, so it is left out.
make DESTDIR=/out/dev install
rm -r /out/dev/lib
"$target-strip" --strip-unneeded /out/dev/usr/lib/libc.so
mkdir -p /out/run/lib
cp /out/dev/usr/lib/libc.so "/out/run/lib/$loader"
# The loader answers for libc.so itself; the link is for tools (and people) who look for what NEEDED names.
ln -s "$loader" /out/run/lib/libc.so

echo "== check"
[ -f /out/dev/usr/lib/crti.o ] && [ -f /out/dev/usr/include/stdio.h ] || { echo "musl: incomplete" >&2; exit 1; }
emulator=
[ "$REPRO_ARCH" = x86_64 ] || emulator=qemu-$REPRO_ARCH-static
$emulator "/out/run/lib/$loader" 2>&1 | grep -F "musl libc ($REPRO_ARCH)" || { echo "musl: the loader does not run" >&2; exit 1; }
