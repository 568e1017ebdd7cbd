# util-linux. Left out: who logs in and out, which other packages are for, what coreutils and others have, and what is for
# hardware of old.

. /usr/share/repro/cross.sh
flags util-linux
export LDFLAGS=-Wl,-rpath-link,/target/usr/lib

echo "== configure"
autotools util-linux --bindir=/usr/bin --sbindir=/usr/sbin --libdir=/usr/lib --runstatedir=/run \
    --disable-dependency-tracking --disable-nls --disable-asciidoc --disable-poman --disable-bash-completion \
    --disable-makeinstall-chown --disable-makeinstall-setuid --disable-use-tty-group --disable-pylibmount \
    --disable-bfs --disable-chfn-chsh --disable-cramfs --disable-eject --disable-hwclock --disable-kill --disable-last \
    --disable-login --disable-lslogins --disable-mesg --disable-minix --disable-nologin --disable-raw --disable-runuser \
    --disable-su --disable-sulogin --disable-utmpdump --disable-uuidd --disable-wall --disable-wdctl --disable-rfkill \
    --without-audit --without-btrfs --without-cap-ng --without-cryptsetup --without-econf --without-libmagic \
    --without-libz --without-python --without-readline --without-selinux --without-systemd --without-tinfo \
    --without-udev --without-user --without-utempter

echo "== make"
make

echo "== install"
make DESTDIR=/out/run install
mkdir -p /out/dev/usr/lib
mv /out/run/usr/include /out/dev/usr/include
mv /out/run/usr/lib/pkgconfig /out/run/usr/lib/*.a /out/dev/usr/lib/
finish
for library in blkid fdisk mount smartcols uuid; do
    mv "/out/run/usr/lib/lib$library.so" /out/dev/usr/lib/
    cp -P /out/run/usr/lib/lib"$library".so.* /out/dev/usr/lib/
done

echo "== check"
bin=/out/run/usr/bin sbin=/out/run/usr/sbin
for program in $bin/mount $bin/umount $bin/findmnt $bin/lsblk $bin/getopt $bin/flock $sbin/losetup $sbin/mkswap \
    $sbin/fdisk $sbin/cfdisk $sbin/agetty $sbin/switch_root; do
    [ -x "$program" ] || { echo "util-linux: without $program" >&2; exit 1; }
done
truncate -s 8M disk
printf 'label: gpt\nlabel-id: 12345678-1234-1234-1234-123456789ABC\nstart=2048, size=4096, type=L, name=one\n' |
    try $sbin/sfdisk -q disk
try $sbin/fdisk -l disk | grep -q 'disk1  *2048  *6143  *4096' || { echo "util-linux: fdisk sees no partition" >&2; exit 1; }
[ "$(try $sbin/blkid -p -o value -s PTTYPE disk)" = gpt ] || { echo "util-linux: blkid sees no table" >&2; exit 1; }
[ "$(try $bin/uuidgen -s -n @dns -N example.com)" = cfbff0d1-9375-5685-968c-48ce8b15ae17 ] ||
    { echo "util-linux: a wrong uuid" >&2; exit 1; }
[ "$(try $bin/getopt -o ab: -- -b x -a y)" = " -b 'x' -a -- 'y'" ] || { echo "util-linux: getopt went wrong" >&2; exit 1; }
try $bin/findmnt -n -o TARGET / | grep -qx / || { echo "util-linux: findmnt sees no root" >&2; exit 1; }
