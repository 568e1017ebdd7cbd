# dropbear as one program with a link for each of its names; zlib is the shared library of its own stage, libtomcrypt
# and libtommath are the ones in its source.

. /usr/share/repro/cross.sh
flags dropbear
programs="dropbear dbclient dropbearkey scp"

echo "== configure"
# The login records (utmp, wtmp, lastlog) exist in musl as functions that do nothing: leave them out.
autotools dropbear --enable-zlib --enable-bundled-libtom --disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx --disable-loginfunc \
    --disable-pututline --disable-pututxline

echo "== make"
make PROGRAMS="$programs" MULTI=1

echo "== install"
# Not `make install`, whose links are absolute.
mkdir -p /out/run/usr/bin /out/run/usr/sbin
cp dropbearmulti /out/run/usr/bin/dropbearmulti
for program in dbclient dropbearkey scp; do ln -s dropbearmulti "/out/run/usr/bin/$program"; done
ln -s dbclient /out/run/usr/bin/ssh
ln -s ../bin/dropbearmulti /out/run/usr/sbin/dropbear

finish

echo "== check"
"$READELF" -d /out/run/usr/bin/dropbearmulti | grep -F 'NEEDED' | grep -F 'libz.so.1' ||
    { echo "dropbear: not linked with zlib" >&2; exit 1; }
try /out/run/usr/bin/dropbearmulti dropbearkey -t ed25519 -f /tmp/key |
    grep -qF ssh-ed25519 || { echo "dropbear: cannot make a key" >&2; exit 1; }
