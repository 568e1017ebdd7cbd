# GNU awk, without the extensions that are loaded at run time.

. /usr/share/repro/cross.sh
flags gawk

echo "== configure"
# Persistent memory would want a program that is always at the same address.
ac_cv_func_working_mktime=yes autotools gawk --disable-dependency-tracking --disable-nls --disable-mpfr --disable-extensions --disable-pma \
    --without-readline --without-libsigsegv-prefix

echo "== make"
# Nothing of its documents and tests, nor the functions for login shells. Its library of functions is extracted from the manual,
# which the archive comes without.
make SUBDIRS="support ."

echo "== install"
make SUBDIRS="support ." DESTDIR=/out/run install
# The second is for the extensions; the first says how the compiler was called, the third is a second name.
rm -rf /out/run/usr/bin/gawkbug /out/run/usr/include /out/run/usr/bin/gawk-5.2.1
finish

echo "== check"
[ "$(printf 'a 1\nb 2\na 3\n' | try /out/run/usr/bin/gawk '{ n[$1] += $2 }
    END { PROCINFO["sorted_in"] = "@ind_str_asc"; for (k in n) printf "%s=%d ", k, n[k] }')" = "a=4 b=2 " ] ||
    { echo "gawk: a sum is wrong" >&2; exit 1; }
[ "$(try /out/run/usr/bin/gawk 'BEGIN { print gensub(/(b+)/, "<\\1>", "g", "abba"), strftime("%F", 86400, 1) }')" = \
    "a<bb>a 1970-01-02" ] || { echo "gawk: a substitution or a date is wrong" >&2; exit 1; }
