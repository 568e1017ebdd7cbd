# @name@: make, make install. A makefile that assigns CC or CFLAGS does not see the environment's: it is told as well.

. /usr/share/repro/cross.sh
flags @source@
cd /src/@source@

told() { make CC="$CC" CXX="$CXX" AR="$AR" RANLIB="$RANLIB" PKG_CONFIG="$PKG_CONFIG" PREFIX=/usr prefix=/usr "$@"; }

echo "== make"
told

echo "== install"
told DESTDIR=/out/run install
@deliver@
