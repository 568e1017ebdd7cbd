# GNU coreutils as one program with a link for each of its names.

. /usr/share/repro/cross.sh
flags coreutils

echo "== configure"
autotools coreutils --disable-dependency-tracking --disable-nls --enable-single-binary=symlinks --disable-acl \
    --disable-xattr --disable-libcap --without-selinux --without-openssl --without-libgmp --disable-libsmack \
    --enable-no-install-program=kill,uptime

echo "== make"
# Manual pages would be made by running its programs; SUBDIRS has translations and tests.
make SUBDIRS=. man1_MANS=

echo "== install"
make SUBDIRS=. man1_MANS= DESTDIR=/out/run install
# For stdbuf, a library to be loaded before others, which a program as one file has no use for.
rm -rf /out/run/usr/libexec
rm -f /out/run/usr/bin/stdbuf
finish

echo "== check"
bin=/out/run/usr/bin
[ "$(find $bin -type l | wc -l)" -gt 90 ] || { echo "coreutils: programs are missing" >&2; exit 1; }
[ "$(printf 'b 10\na 9\nc 2\n' | try $bin/sort -k2n | try $bin/cut -d' ' -f1 | try $bin/tr -d '\n')" = cab ] ||
    { echo "coreutils: sort, cut or tr went wrong" >&2; exit 1; }
[ "$(printf abc | try $bin/sha256sum | try $bin/head -c 8)" = ba7816bf ] ||
    { echo "coreutils: a wrong digest" >&2; exit 1; }
[ "$(try $bin/date -u -d @86400 +%F)" = 1970-01-02 ] || { echo "coreutils: a wrong date" >&2; exit 1; }
mkdir -p t/u
try $bin/ln -s u t/link
[ "$(try $bin/readlink -f t/link)" = /build/t/u ] || { echo "coreutils: readlink went wrong" >&2; exit 1; }
[ "$(try $bin/factor 1000000007000000049 | try $bin/wc -w)" -ge 2 ] ||
    { echo "coreutils: factor went wrong" >&2; exit 1; }
