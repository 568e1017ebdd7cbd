# zlib. Its configure is written by hand: the compiler comes in by CHOST, flags by the environment.

. /usr/share/repro/cross.sh
flags zlib
export CHOST="$target"

echo "== configure"
/src/zlib/configure --prefix=/usr --libdir=/usr/lib

echo "== make"
make

echo "== install"
make DESTDIR=/out/dev install
rm -r /out/dev/usr/share
mkdir -p /out/run/usr/lib
cp -P /out/dev/usr/lib/libz.so.1* /out/run/usr/lib/
finish
cp -P /out/run/usr/lib/libz.so.1* /out/dev/usr/lib/

# Its configure falls back to a static library alone, with exit status 0, when its test of a shared one fails.
[ -f /out/run/usr/lib/libz.so.1 ] || { echo "zlib: no shared library was made" >&2; exit 1; }
