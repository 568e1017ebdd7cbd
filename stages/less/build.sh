# less.

. /usr/share/repro/cross.sh
flags less

echo "== configure"
autotools less --with-editor=vi --with-regex=posix

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
finish

echo "== check"
"$READELF" -d /out/run/usr/bin/less | grep -F NEEDED | grep -qF libncursesw.so.6 ||
    { echo "less: not linked with ncurses" >&2; exit 1; }
# Not on a terminal, it copies; it knows its own commands.
printf 'one\ntwo\n' >text
[ "$(try /out/run/usr/bin/less text </dev/null)" = "$(cat text)" ] || { echo "less: a text is not shown" >&2; exit 1; }
printf '#command\nq quit\n' >keys
try /out/run/usr/bin/lesskey -o keys.less keys
[ -s keys.less ]
