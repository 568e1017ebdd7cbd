# xz and its library.

. /usr/share/repro/cross.sh
flags xz

echo "== configure"
# Its scripts say which shell runs them: the target's, not the one that configure prefers here.
gl_cv_posix_shell=/bin/sh autotools xz --disable-dependency-tracking --disable-nls --disable-doc

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
mkdir -p /out/dev/usr/lib
mv /out/run/usr/include /out/dev/usr/include
mv /out/run/usr/lib/pkgconfig /out/run/usr/lib/liblzma.a /out/dev/usr/lib/
finish
rm -f /out/run/usr/lib/liblzma.la
mv /out/run/usr/lib/liblzma.so /out/dev/usr/lib/
cp -P /out/run/usr/lib/liblzma.so.* /out/dev/usr/lib/

echo "== check"
"$READELF" -d /out/run/usr/bin/xz | grep -F NEEDED | grep -qF liblzma.so.5 ||
    { echo "xz: not linked with its own library" >&2; exit 1; }
cp /src/xz/COPYING.GPLv3 text
try /out/run/usr/bin/xz -T2 -kc text >text.xz
xz -dc text.xz | cmp - text
try /out/run/usr/bin/xz -dc text.xz | cmp - text
