# GNU make. Its archive comes without the manual and without its configure script.

. /usr/share/repro/cross.sh
flags make
cp -Rp /src/make /build/make
cd /build/make

echo "== configure"
# Of the macros of pkg-config only the search for Guile is made, which is not wanted.
cat >m4/pkg.m4 <<'END'
AC_DEFUN([PKG_PROG_PKG_CONFIG])
AC_DEFUN([PKG_CHECK_EXISTS], [:])
AC_DEFUN([PKG_CHECK_MODULES], [:])
END
# Whoever took the manual out left its folder's makefile under the name of the main one.
sed -i 's|po/Makefile.in Makefile |po/Makefile.in |' configure.ac
aclocal-1.16 -I m4
autoconf
autoheader
# Of its folders, documents and their pages are not there.
mkdir -p doc
: >doc/make.1
automake-1.16 --add-missing --copy --foreign
cd /build
mkdir -p made
cd made
/build/make/configure --build="$build" --host="$target" --prefix=/usr --disable-dependency-tracking --disable-nls \
    --without-guile

echo "== make"
# Nothing of its translations.
make -C lib
make SUBDIRS=

echo "== install"
make SUBDIRS= man_MANS= DESTDIR=/out/run install
mkdir -p /out/dev/usr
mv /out/run/usr/include /out/dev/usr/include
finish

echo "== check"
cat >t.mk <<'END'
names := $(sort c b a)
all: $(names:%=%.out)
	cat $^ >$@
%.out:
	echo $(words $(names)) $* >$@
END
(unset MAKEFLAGS MAKELEVEL; try /out/run/usr/bin/make -s -j2 -f t.mk)
[ "$(tr '\n' ' ' <all)" = "3 a 3 b 3 c " ] || { echo "make: a rule went wrong" >&2; exit 1; }
