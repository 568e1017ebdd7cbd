# GNU tar.

. /usr/share/repro/cross.sh
flags tar

echo "== configure"
# Which programs it will start for an archive on another machine; and that mknod works, which is only asked of root.
RSH=/usr/bin/ssh gl_cv_func_mknod_works=yes autotools tar --disable-dependency-tracking --disable-nls --disable-acl \
    --without-selinux --with-rmt=/usr/sbin/rmt

echo "== make"
# Nothing of its documents and tests.
for part in gnu lib src; do make -C "$part"; done

echo "== install"
make -C src DESTDIR=/out/run install
finish

echo "== check"
mkdir -p t/folder back
cp /src/tar/COPYING t/folder/file
ln t/folder/file t/folder/other
ln -s file t/folder/link
try /out/run/usr/bin/tar -cf t.tar --sort=name --owner=0 --group=0 --mtime=@0 -C t folder
try /out/run/usr/bin/tar -xf t.tar -C back
diff -r t back
[ "$(readlink back/folder/link)" = file ]
[ "$(try /out/run/usr/bin/tar -tf t.tar | wc -l)" -eq 4 ] || { echo "tar: a list is wrong" >&2; exit 1; }
