# e2fsprogs. libblkid, libuuid and fsck are those of util-linux.

. /usr/share/repro/cross.sh
flags e2fsprogs
export LDFLAGS=-Wl,-rpath-link,/target/usr/lib

echo "== configure"
# A program of its own that fills in templates runs here.
host="$target-gcc -static"
[ "$arch" = x86_64 ] || host=gcc
BUILD_CC=$host LDCONFIG=: autotools e2fsprogs --with-root-prefix=/usr --enable-elf-shlibs --enable-relative-symlinks \
    --enable-symlink-install --disable-libblkid --disable-libuuid --disable-uuidd --disable-fsck --disable-fuse2fs \
    --disable-nls --with-crond-dir=no --with-systemd-unit-dir=no --with-udev-rules-dir=no

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
make DESTDIR=/out/dev install-libs
# Generators of tables of messages and of commands, which no other package asks for.
rm -f /out/run/usr/bin/compile_et /out/run/usr/bin/mk_cmds
rm -rf /out/dev/usr/bin /out/dev/usr/share /out/run/usr/share /out/run/usr/include /out/run/usr/lib/pkgconfig
rm -f /out/run/usr/lib/lib*.so /out/run/usr/lib/lib*.a
finish
cp -P /out/run/usr/lib/lib*.so.* /out/dev/usr/lib/

echo "== check"
bin=/out/run/usr/sbin
truncate -s 16M disk
mkdir -p t/folder
cp /src/e2fsprogs/NOTICE t/folder/notice
try $bin/mke2fs -q -t ext4 -d t -U 12345678-1234-1234-1234-123456789abc disk
try $bin/e2fsck -fn disk
[ "$(try $bin/debugfs -R 'cat folder/notice' disk 2>/dev/null | sha256sum)" = "$(sha256sum <t/folder/notice)" ] ||
    { echo "e2fsprogs: a file came back different" >&2; exit 1; }
try $bin/debugfs -w -R 'set_super_value volume_name label' disk
try $bin/dumpe2fs -h disk 2>/dev/null | grep -q '^Filesystem volume name: *label' || { echo "e2fsprogs: no label" >&2; exit 1; }
try $bin/e2fsck -fn disk
