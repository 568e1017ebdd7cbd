# file. Its database is compiled by a `file` that runs here: that of the tools, which has to be of the same version.

. /usr/share/repro/cross.sh
flags file

echo "== configure"
# It does not look into compressed files, nor does it confine itself.
autotools file --disable-dependency-tracking --disable-static --disable-zlib --disable-bzlib --disable-xzlib \
    --disable-zstdlib --disable-lzlib --disable-libseccomp

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
mkdir -p /out/dev/usr/lib
mv /out/run/usr/include /out/dev/usr/include
mv /out/run/usr/lib/pkgconfig /out/dev/usr/lib/
rm -f /out/run/usr/lib/libmagic.la
finish
mv /out/run/usr/lib/libmagic.so /out/dev/usr/lib/
cp -P /out/run/usr/lib/libmagic.so.* /out/dev/usr/lib/

echo "== check"
export MAGIC=/out/run/usr/share/misc/magic.mgc
try /out/run/usr/bin/file -b /out/run/usr/bin/file | grep -qE '^ELF 64-bit LSB .*dynamically linked' ||
    { echo "file: does not know a program" >&2; exit 1; }
printf '\037\213\010\000' >t
[ "$(try /out/run/usr/bin/file -b --mime-type t)" = application/gzip ] ||
    { echo "file: does not know gzip" >&2; exit 1; }
