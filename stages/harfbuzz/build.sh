# HarfBuzz. It is built with the FreeType of the first pass, and runs with that of the second: see freetype-pass1.

. /usr/share/repro/cross.sh
flags harfbuzz
export LDFLAGS=-Wl,-rpath-link,/target/usr/lib

echo "== configure"
autotools harfbuzz --disable-dependency-tracking --disable-gtk-doc --with-freetype=yes --with-cairo=no --with-chafa=no \
    --with-glib=no --with-gobject=no --with-graphite2=no --with-icu=no --enable-introspection=no

echo "== make"
# Nothing of its documents and tests; its programs would want glib.
make -C src

echo "== install"
make -C src DESTDIR=/out/dev install
rm -rf /out/dev/usr/lib/cmake
mkdir -p /out/run/usr/lib
cp -P /out/dev/usr/lib/libharfbuzz*.so.0* /out/run/usr/lib/
finish
cp -P /out/run/usr/lib/libharfbuzz*.so.0* /out/dev/usr/lib/

echo "== check"
"$READELF" -d /out/run/usr/lib/libharfbuzz.so.0 | grep -F NEEDED | grep -qF libfreetype.so.6 ||
    { echo "harfbuzz: not linked with FreeType" >&2; exit 1; }
cat >t.c <<'END'
#include <hb.h>
#include <hb-ft.h>
#include <stdio.h>
int main(int count, char **names) {
    FT_Library library;
    FT_Face face;
    if (count != 2 || FT_Init_FreeType(&library) || FT_New_Face(library, names[1], 0, &face)) return 1;
    FT_Set_Char_Size(face, 0, 1000, 0, 0);
    hb_font_t *font = hb_ft_font_create_referenced(face);
    hb_buffer_t *text = hb_buffer_create();
    hb_buffer_add_utf8(text, "abc", -1, 0, -1);
    hb_buffer_guess_segment_properties(text);
    hb_shape(font, text, NULL, 0);
    unsigned length;
    hb_glyph_info_t *glyphs = hb_buffer_get_glyph_infos(text, &length);
    hb_glyph_position_t *places = hb_buffer_get_glyph_positions(text, NULL);
    for (unsigned i = 0; i < length; i++)
        if (glyphs[i].codepoint == 0 || glyphs[i].cluster != i || places[i].x_advance <= 0) return 2;
    return length == 3 ? 0 : 3;
}
END
"$CC" $CFLAGS -I/out/dev/usr/include/harfbuzz -I/target/usr/include/freetype2 t.c -o t -L/out/dev/usr/lib -lharfbuzz \
    -lfreetype -Wl,-rpath-link,/target/usr/lib
try ./t /src/harfbuzz/test/api/fonts/Roboto-Regular.abc.ttf || { echo "harfbuzz: a text is not shaped" >&2; exit 1; }
