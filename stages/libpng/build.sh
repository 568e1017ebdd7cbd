# libpng, without its small programs.

. /usr/share/repro/cross.sh
flags libpng

echo "== configure"
autotools libpng --disable-dependency-tracking --disable-tools

echo "== make"
make

echo "== install"
make DESTDIR=/out/dev install
rm -rf /out/dev/usr/share /out/dev/usr/bin
mkdir -p /out/run/usr/lib
cp -P /out/dev/usr/lib/libpng16.so.* /out/run/usr/lib/
finish
cp -P /out/run/usr/lib/libpng16.so.* /out/dev/usr/lib/

echo "== check"
cat >t.c <<'END'
#include <png.h>
#include <stdio.h>
#include <string.h>
int main(void) {
    png_byte in[64 * 64 * 3], out[sizeof in], file[32768];
    png_alloc_size_t size = sizeof file;
    png_image image = {.version = PNG_IMAGE_VERSION, .width = 64, .height = 64, .format = PNG_FORMAT_RGB};
    png_image back = {.version = PNG_IMAGE_VERSION};
    for (size_t i = 0; i < sizeof in; i++) in[i] = (png_byte)(i * i >> 4);
    if (!png_image_write_to_memory(&image, file, &size, 0, in, 0, NULL)) return 1;
    if (!png_image_begin_read_from_memory(&back, file, size)) return 2;
    back.format = PNG_FORMAT_RGB;
    if (!png_image_finish_read(&back, NULL, out, 0, NULL)) return 3;
    return memcmp(in, out, sizeof in) ? 4 : 0;
}
END
"$CC" $CFLAGS -I/out/dev/usr/include t.c -o t -L/out/dev/usr/lib -lpng16 -Wl,-rpath-link,/target/usr/lib
try ./t || { echo "libpng: an image came back different" >&2; exit 1; }
