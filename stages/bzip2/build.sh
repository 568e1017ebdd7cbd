# bzip2 and its library, by makefiles written by hand: one for the programs, one for the shared library.

. /usr/share/repro/cross.sh
flags bzip2
CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64"
cp -R /src/bzip2 /build/bzip2
cd /build/bzip2

echo "== make"
# Objects for the shared library have the names of those for the static one.
make CC="$CC" AR="$AR" RANLIB="$RANLIB" CFLAGS="$CFLAGS" libbz2.a bzip2recover
mv libbz2.a /build/libbz2.a
rm ./*.o
make -f Makefile-libbz2_so CC="$CC" CFLAGS="$CFLAGS -fPIC"

echo "== install"
mkdir -p /out/run/usr/bin /out/run/usr/lib /out/dev/usr/include /out/dev/usr/lib
cp bzip2-shared /out/run/usr/bin/bzip2
ln -s bzip2 /out/run/usr/bin/bunzip2
ln -s bzip2 /out/run/usr/bin/bzcat
cp bzip2recover bzgrep bzmore bzdiff /out/run/usr/bin/
chmod 0755 /out/run/usr/bin/bz*
cp libbz2.so.1.0.8 /out/run/usr/lib/
ln -s libbz2.so.1.0.8 /out/run/usr/lib/libbz2.so.1.0
finish
cp -P /out/run/usr/lib/libbz2.so.1.0* /out/dev/usr/lib/
ln -s libbz2.so.1.0 /out/dev/usr/lib/libbz2.so
cp /build/libbz2.a /out/dev/usr/lib/
cp bzlib.h /out/dev/usr/include/

echo "== check"
try /out/run/usr/bin/bzip2 -c LICENSE >text.bz2
bzip2 -dc text.bz2 | cmp - LICENSE
try /out/run/usr/bin/bzip2 -dc sample1.bz2 | cmp - sample1.ref
