# The root file system: run-time parts of other stages, files/ of this one, and the table of what belongs to whom.
# A tree has neither owners nor special modes, so those stand in `ownership` and travel beside the tree.

echo "== directories"
mkdir /build/root
cd /build/root
# Only what is empty: mount points, and places for files that come and go while the system runs.
mkdir -p dev proc sys run tmp mnt root var/empty
# The kernel unpacks the image and starts rdinit=; whoever leaves that out gets /init.
ln -s sbin/init init

echo "== merge"
python3 /stage/rootfs.py merge /build/root /stage/files /in/*

echo "== own files"
mkdir -p etc usr/lib
sed -e "s/@ARCH@/$REPRO_ARCH/" /stage/os-release.in >usr/lib/os-release
ln -s ../usr/lib/os-release etc/os-release
ln -s ../run/resolv.conf etc/resolv.conf
ln -s ../proc/self/mounts etc/mtab

echo "== ownership"
python3 /stage/rootfs.py manifest /build/root /stage/ownership usr/share/repro/manifest /build/manifest

mv /build/root /out/root
mv /build/manifest /out/manifest
