# Owners, modes and devices come from the table: the tree has none of them.

python3 /stage/cpio.py /in/rootfs/root /in/rootfs/manifest /build/initramfs.cpio
# -n: no name and no time in the header.
gzip -n -9 </build/initramfs.cpio >/out/initramfs.img
gzip -l /out/initramfs.img
