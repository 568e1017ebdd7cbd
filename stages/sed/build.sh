# GNU sed.

. /usr/share/repro/cross.sh
flags sed

echo "== configure"
autotools sed --disable-dependency-tracking --disable-nls --disable-acl --without-selinux --disable-i18n

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
finish

echo "== check"
[ "$(printf 'one two\n' | try /out/run/usr/bin/sed -E 's/(\w+) (\w+)/\2 \1/')" = "two one" ] ||
    { echo "sed: a substitution failed" >&2; exit 1; }
