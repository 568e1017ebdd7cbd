# FreeType, the second of two passes: see freetype-pass1, which also draws a letter. Both are the same source and have the
# same interface, and so HarfBuzz finds in this one what it was built with.

. /usr/share/repro/cross.sh
flags freetype
export LDFLAGS=-Wl,-rpath-link,/target/usr/lib

echo "== configure"
# A list of what it exports is made by a program of its own, which runs here.
host="$target-gcc -static"
[ "$arch" = x86_64 ] || host=gcc
CC_BUILD=$host autotools freetype --disable-static --with-zlib=yes --with-png=yes --with-harfbuzz=yes --with-brotli=no \
    --with-bzip2=no --with-librsvg=no

echo "== make"
make

echo "== install"
make DESTDIR=/out/dev install
rm -rf /out/dev/usr/share
mkdir -p /out/run/usr/lib
cp -P /out/dev/usr/lib/libfreetype.so.6* /out/run/usr/lib/
finish
cp -P /out/run/usr/lib/libfreetype.so.6* /out/dev/usr/lib/

echo "== check"
library=usr/lib/libfreetype.so.6
"$READELF" -d /out/run/$library | grep -F NEEDED | grep -qF libharfbuzz.so.0 ||
    { echo "freetype: not linked with HarfBuzz" >&2; exit 1; }
exports() { "$NM" --dynamic --defined-only --format=just-symbols "$1"; }
exports /target/$library >first
exports /out/run/$library >second
grep -qx FT_Load_Glyph first
cmp first second || { echo "freetype: the two passes have not the same interface" >&2; exit 1; }
