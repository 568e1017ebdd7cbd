# GNU patch.

. /usr/share/repro/cross.sh
flags patch

echo "== configure"
# Where it will find ed, for patches that are ed's scripts.
ac_cv_path_ED=/usr/bin/ed autotools patch --disable-dependency-tracking --disable-xattr

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
finish

echo "== check"
printf '1\n2\n3\n' >a
printf '1\n3\n4\n' >b
{ diff -u a b || true; } | try /out/run/usr/bin/patch a
cmp a b
