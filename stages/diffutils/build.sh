# GNU diffutils.

. /usr/share/repro/cross.sh
flags diffutils

echo "== configure"
# Where `diff -l` will find pr: said, because it would look for it here.
ac_cv_path_PR_PROGRAM=/usr/bin/pr autotools diffutils --disable-dependency-tracking --disable-nls

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
finish

echo "== check"
printf '1\n2\n3\n' >a
printf '1\n3\n4\n' >b
[ "$(try /out/run/usr/bin/diff a b | tr '\n' ' ')" = "2d1 < 2 3a3 > 4 " ] ||
    { echo "diffutils: a wrong difference" >&2; exit 1; }
if try /out/run/usr/bin/cmp a b; then echo "diffutils: cmp sees no difference" >&2; exit 1; fi
