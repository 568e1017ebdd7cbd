# GNU grep, without Perl's regular expressions.

. /usr/share/repro/cross.sh
flags grep

echo "== configure"
autotools grep --disable-dependency-tracking --disable-nls --disable-perl-regexp

echo "== make"
# Nothing of its documents and tests.
make SUBDIRS="lib src"

echo "== install"
make SUBDIRS="lib src" DESTDIR=/out/run install
finish

echo "== check"
[ "$(printf 'aa\nabab\n' | try /out/run/usr/bin/grep -nE '^(ab)\1$')" = "2:abab" ] ||
    { echo "grep: a line was not found" >&2; exit 1; }
