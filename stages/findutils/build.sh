# GNU find and xargs. Not locate: its database would be of the machine that it runs on.

. /usr/share/repro/cross.sh
flags findutils

echo "== configure"
autotools findutils --disable-dependency-tracking --disable-nls --without-selinux

echo "== make"
# Nothing of its documents and tests.
for part in gl lib find xargs; do make -C "$part"; done

echo "== install"
for part in find xargs; do make -C "$part" DESTDIR=/out/run install; done
finish

echo "== check"
mkdir -p t/a/b
printf 1 >t/a/one
printf 22 >"t/a/b/two words"
[ "$(try /out/run/usr/bin/find t -type f -size -3c -printf '%P %s\n' | sort | tr '\n' ' ')" = "a/b/two words 2 a/one 1 " ] ||
    { echo "findutils: files were not found" >&2; exit 1; }
[ "$(try /out/run/usr/bin/find t -type f -print0 | try /out/run/usr/bin/xargs -0 -n1 cat | wc -c)" -eq 3 ] ||
    { echo "findutils: xargs went wrong" >&2; exit 1; }
