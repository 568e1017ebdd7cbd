# GNU gzip with its scripts.

. /usr/share/repro/cross.sh
flags gzip

echo "== configure"
# Where its scripts will find grep and less: what stands here must not count.
GREP=/usr/bin/grep ac_cv_prog_LESS=less autotools gzip --disable-dependency-tracking

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
# `uncompress` is a second name that other packages claim too.
rm -f /out/run/usr/bin/uncompress
finish

echo "== check"
cp /src/gzip/COPYING text
try /out/run/usr/bin/gzip -9nc text >text.gz
try /out/run/usr/bin/gzip -dc text.gz | cmp - text
gzip -dc text.gz | cmp - text
[ "$(wc -c <text.gz)" -lt "$(wc -c <text)" ] || { echo "gzip: does not compress" >&2; exit 1; }
