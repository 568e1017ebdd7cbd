# The images. No boot loader: firmware starts the kernel's EFI stub, which fetches the initramfs from its own volume
# (the built-in command line says so). Every identifier follows from what is inside, so equal contents give equal
# images, and images of different contents can be told apart.

[ "$REPRO_ARCH" = x86_64 ] || { echo "image: no recipe for architecture $REPRO_ARCH" >&2; exit 1; }
kernel=/in/kernel/boot/bzImage
initramfs=/in/initramfs/initramfs.img
mib=1048576
# A FAT volume holds local times: mtools asks the zone.
export TZ=UTC

# identifier NAME: a UUID (RFC 9562, version 8) from the digests of the contents and the name of what it is for.
contents=$(sha256sum <"$kernel"; sha256sum <"$initramfs")
identifier() {
    printf '%s\n%s\n' "$contents" "$1" | sha256sum |
        sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-8\3-8\4-\5/'
}

# Gathers the files of a volume, all of one age.
gather() {
    mkdir -p "$1/EFI/BOOT"
    cp "$kernel" "$1/EFI/BOOT/BOOTX64.EFI"
    cp "$initramfs" "$1/initramfs.img"
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

echo "== EFI system partition"
gather esp
# FAT16 with clusters of 4 KiB, which UEFI firmware reads and which holds up to 255 MiB; at least 20 MiB, because less
# would have too few clusters for FAT16. 1 MiB on top of the files for tables and folders.
bytes=$(($(stat -c %s "$kernel") + $(stat -c %s "$initramfs")))
size=$((bytes / mib + 2))
[ "$size" -ge 20 ] || size=20
[ "$size" -le 255 ] || { echo "image: $bytes bytes are too many for a FAT16 volume" >&2; exit 1; }
serial=$(identifier fat-serial | cut -c1-8)
truncate -s "${size}M" esp.img
# -H: where the volume starts on disk.img.
mformat -i esp.img -H 2048 -h 64 -s 32 -T $((size * 2048)) -c 8 -N "$serial" -v REPRO ::
# mformat's boot sector says in machine code that it cannot boot. No code of others: zeros say as much.
dd if=/dev/zero of=esp.img bs=1 seek=62 count=448 conv=notrunc status=none
# -m: the files' own time instead of now. Folders take theirs from SOURCE_DATE_EPOCH.
mcopy -i esp.img -s -m esp/EFI esp/initramfs.img ::
mdir -i esp.img -/ ::

echo "== disk"
# 1 MiB before and after the partition: alignment, and the two partition tables.
truncate -s $((size + 2))M /out/disk.img
sfdisk --quiet --no-reread --no-tell-kernel /out/disk.img <<EOF
label: gpt
label-id: $(identifier disk)
unit: sectors
first-lba: 2048
start=2048, size=$((size * 2048)), type=uefi, uuid=$(identifier partition), name="EFI system"
EOF
dd if=esp.img of=/out/disk.img bs=1M seek=1 conv=notrunc,sparse status=none
sfdisk --verify /out/disk.img

echo "== ISO"
# The same volume as an appended partition, for UEFI from an optical disc (El Torito) and, by the GPT, from a stick.
# The files also stand in the ISO 9660 tree, for other loaders and for people.
mkdir iso
mkdir iso/boot
cp "$kernel" iso/boot/bzImage
cp "$initramfs" iso/boot/initramfs.img
cp /in/rootfs/manifest iso/boot/manifest
find iso -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
# With SOURCE_DATE_EPOCH in force, xorriso uses it for all of the volume's times.
xorriso -as mkisofs -quiet -o /out/image.iso -volid REPRO -full-iso9660-filenames -joliet -rational-rock \
    --gpt_disk_guid "$(identifier iso)" --modification-date="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)" \
    -append_partition 2 C12A7328-F81F-11D2-BA4B-00A0C93EC93B esp.img -appended_part_as_gpt \
    -e --interval:appended_partition_2:all:: -no-emul-boot iso
for image in disk.img image.iso; do
    cmp -n 440 "/out/$image" /dev/zero || { echo "image: boot code at the start of $image" >&2; exit 1; }
done
xorriso -indev /out/image.iso -report_el_torito plain -report_system_area plain

echo "== kernel, initramfs, manifest"
cp "$kernel" /out/kernel
cp "$initramfs" /out/initramfs.img
cp /in/rootfs/manifest /out/manifest
cd /out
sha256sum disk.img image.iso initramfs.img kernel manifest | tee SHA256SUMS
