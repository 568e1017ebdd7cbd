# gcc's run-time library (libgcc) is compiled against the C library's headers, the C library by that gcc. musl's headers
# need no compiler, only sed, so the circle is cut here.

echo "== install headers"
# Said on the command line instead of configure, which wants a compiler.
make -f /src/musl/Makefile srcdir=/src/musl ARCH="$REPRO_ARCH" prefix=/usr DESTDIR=/out install-headers

[ -f /out/usr/include/bits/alltypes.h ] || { echo "musl-headers: bits/alltypes.h was not generated" >&2; exit 1; }
