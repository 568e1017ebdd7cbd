# Mbed TLS: its three libraries, by its own makefile, which builds in its source.

. /usr/share/repro/cross.sh
flags mbedtls
cp -R /src/mbedtls /build/mbedtls
cd /build/mbedtls

echo "== make"
make -C library CC="$CC" AR="$AR" CFLAGS="$CFLAGS" SHARED=1

echo "== install"
mkdir -p /out/dev/usr/include /out/dev/usr/lib /out/run/usr/lib
cp -R include/mbedtls include/psa /out/dev/usr/include/
cp -P library/libmbed*.a library/libmbed*.so library/libmbed*.so.* /out/dev/usr/lib/
cp -P library/libmbed*.so.* /out/run/usr/lib/
finish
cp -P /out/run/usr/lib/libmbed*.so.* /out/dev/usr/lib/

echo "== check"
# Its own self-test of every algorithm, against the shared library.
"$CC" $CFLAGS -Iinclude -Itests/include programs/test/selftest.c -o t -L/out/dev/usr/lib \
    -lmbedtls -lmbedx509 -lmbedcrypto
# (Not of the clock: it measures how busy this machine is.)
try ./t -x timing >report || { cat report >&2; echo "mbedtls: its self-test failed" >&2; exit 1; }
grep -qF 'All tests PASS' report
