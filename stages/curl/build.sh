# curl and its library. TLS is Mbed TLS.

. /usr/share/repro/cross.sh
flags curl
# Libraries that libraries need.
export LDFLAGS=-Wl,-rpath-link,/target/usr/lib

echo "== configure"
# It knows Mbed TLS in the usual place by a function that is gone by now.
ac_cv_lib_mbedtls_mbedtls_havege_init=yes \
    autotools curl --disable-dependency-tracking --disable-static --enable-threaded-resolver --with-mbedtls \
    --with-zlib --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --with-random=/dev/urandom --disable-ldap --disable-ldaps \
    --disable-manual --disable-ntlm-wb --without-brotli --without-libgsasl --without-libidn2 --without-libpsl \
    --without-librtmp --without-libssh2 --without-nghttp2 --without-zstd --without-fish-functions-dir \
    --without-zsh-functions-dir
grep -qx '#define USE_MBEDTLS 1' lib/curl_config.h
grep -qx '#define HAVE_LIBZ 1' lib/curl_config.h

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
# It says how the compiler was called; pkg-config's file says what others need.
rm -r /out/run/usr/bin/curl-config
mkdir -p /out/dev/usr/lib
mv /out/run/usr/include /out/dev/usr/include
mv /out/run/usr/lib/pkgconfig /out/dev/usr/lib/
rm -rf /out/run/usr/share/aclocal
finish
mv /out/run/usr/lib/libcurl.so /out/dev/usr/lib/
cp -P /out/run/usr/lib/libcurl.so.* /out/dev/usr/lib/

echo "== check"
try /out/run/usr/bin/curl --version >report
grep -q '^curl 7.88.1 .* mbedTLS/2.28.3 zlib/1.2.13' report || { cat report >&2; echo "curl: without TLS or zlib" >&2; exit 1; }
grep -q '^Protocols:.* https' report
try /out/run/usr/bin/curl -sS -o copy file:///src/curl/COPYING
cmp copy /src/curl/COPYING
# Nobody answers here, and it knows.
status=0
try /out/run/usr/bin/curl -sS --max-time 5 https://127.0.0.1:9/ 2>report || status=$?
[ "$status" = 7 ] || { cat report >&2; echo "curl: wrong exit status $status" >&2; exit 1; }
