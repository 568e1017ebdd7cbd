# @name@: configure, make, make install.

. /usr/share/repro/cross.sh
flags @source@

echo "== configure"
autotools @source@

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
@deliver@
