# FreeType, the second of two passes: see freetype-pass1. Both are the same source and have the same interface, and so
# HarfBuzz finds in this one what it was built with.

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
"$READELF" -d /out/run/usr/lib/libfreetype.so.6 | grep -F NEEDED | grep -qF libharfbuzz.so.0 ||
    { echo "freetype: not linked with HarfBuzz" >&2; exit 1; }
cat >one.bdf <<'END'
STARTFONT 2.1
FONT -repro-one-medium-r-normal--8-80-75-75-c-80-iso10646-1
SIZE 8 75 75
FONTBOUNDINGBOX 8 8 0 0
STARTPROPERTIES 2
FONT_ASCENT 8
FONT_DESCENT 0
ENDPROPERTIES
CHARS 1
STARTCHAR A
ENCODING 65
SWIDTH 1000 0
DWIDTH 8 0
BBX 8 8 0 0
BITMAP
18
3C
66
66
7E
66
66
00
ENDCHAR
ENDFONT
END
cat >t.c <<'END'
#include <ft2build.h>
#include FT_FREETYPE_H
int main(void) {
    FT_Library library;
    FT_Face face;
    if (FT_Init_FreeType(&library) || FT_New_Face(library, "one.bdf", 0, &face)) return 1;
    if (FT_Set_Pixel_Sizes(face, 0, 8) || FT_Load_Char(face, 'A', FT_LOAD_RENDER)) return 2;
    FT_Bitmap *map = &face->glyph->bitmap;
    return map->rows == 8 && map->width == 8 && map->buffer[4 * map->pitch] == 0x7e ? 0 : 3;
}
END
"$CC" $CFLAGS -I/out/dev/usr/include/freetype2 t.c -o t -L/out/dev/usr/lib -lfreetype -Wl,-rpath-link,/target/usr/lib
try ./t || { echo "freetype: a letter is not drawn" >&2; exit 1; }
