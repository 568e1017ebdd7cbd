# GNU m4.

. /usr/share/repro/cross.sh
flags m4

echo "== configure"
autotools m4 --disable-dependency-tracking --disable-nls --with-syscmd-shell=/bin/sh

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
finish

echo "== check"
[ "$(printf 'define(`twice'\'', `$1$1'\'')twice(`eval(6 * 7)'\'')' | try /out/run/usr/bin/m4)" = 4242 ] ||
    { echo "m4: a wrong expansion" >&2; exit 1; }
