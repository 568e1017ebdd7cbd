# GNU nano.

. /usr/share/repro/cross.sh
flags nano

echo "== configure"
autotools nano --disable-dependency-tracking --disable-nls --disable-libmagic --enable-utf8

echo "== make"
# Nothing of its documents.
for part in lib src; do make -C "$part"; done

echo "== install"
for part in src syntax; do make -C "$part" DESTDIR=/out/run install; done
finish

echo "== check"
"$READELF" -d /out/run/usr/bin/nano | grep -F NEEDED | grep -qF libncursesw.so.6 ||
    { echo "nano: not linked with ncurses" >&2; exit 1; }
try /out/run/usr/bin/nano --version >report
grep -qF 'GNU nano, version 7.2' report
! grep -qF -- '--disable-utf8' report
[ "$(find /out/run/usr/share/nano -name '*.nanorc' | wc -l)" -gt 40 ]
