# dropbear as one program with a link for each of its names; zlib is the shared library of its own stage, libtomcrypt
# and libtommath are the ones in its source.

target=$REPRO_ARCH-repro-linux-musl
programs="dropbear dbclient dropbearkey scp"

echo "== configure"
# The login records (utmp, wtmp, lastlog) exist in musl as functions that do nothing: leave them out.
/src/dropbear/configure --build=x86_64-pc-linux-gnu --host="$target" --prefix=/usr \
    --enable-zlib --enable-bundled-libtom --disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx --disable-loginfunc \
    --disable-pututline --disable-pututxline \
    CFLAGS="-O2 -g0 -ffile-prefix-map=/src/dropbear=dropbear -ffile-prefix-map=/build=."

echo "== make"
make PROGRAMS="$programs" MULTI=1

echo "== install"
# Not `make install`, whose links are absolute.
mkdir -p /out/usr/bin /out/usr/sbin
cp dropbearmulti /out/usr/bin/dropbearmulti
"$target-strip" -s /out/usr/bin/dropbearmulti
for program in dbclient dropbearkey scp; do ln -s dropbearmulti "/out/usr/bin/$program"; done
ln -s dbclient /out/usr/bin/ssh
ln -s ../bin/dropbearmulti /out/usr/sbin/dropbear

echo "== check"
"$target-readelf" -d /out/usr/bin/dropbearmulti | grep -F 'NEEDED' | grep -F 'libz.so.1' ||
    { echo "dropbear: not linked with zlib" >&2; exit 1; }
/target/usr/lib/libc.so --library-path /target/usr/lib /out/usr/bin/dropbearmulti dropbearkey -t ed25519 -f /tmp/key |
    grep -qF ssh-ed25519 || { echo "dropbear: cannot make a key" >&2; exit 1; }
