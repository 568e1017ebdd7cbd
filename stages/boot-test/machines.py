"""The machines that boot: which qemu, which firmware, and every way in that an image has."""

# `-nodefaults`: no device that is not named here. tb-size: else qemu sizes its cache by the machine's memory.
COMMON = [
    "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-smp", "1", "-serial", "stdio",
    "-rtc", "base=2000-01-01", "-device", "virtio-rng-pci", "-accel", "tcg,thread=single,tb-size=128",
]
# `-cpu max` of a PC has the instruction that seeds the random generator; that of aarch64 signs pointers, which is slow to
# emulate.
QEMU = {
    "x86_64": ["qemu-system-x86_64", "-machine", "q35,usb=off", "-cpu", "max"],
    "aarch64": ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72"],
}
FIRMWARE = {
    "x86_64": ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    "aarch64": ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
}
ASK = ["-fw_cfg", "name=opt/repro/selfcheck,string=1"]


def disk(path, name, first=False):
    # A boot index only for what firmware is to start.
    index = ",bootindex=1" if first else ""
    return [
        "-drive", f"if=none,id={name},format=raw,readonly=on,file={path}", "-device", f"virtio-blk-pci,drive={name}{index}",
    ]


class Machine:
    def __init__(self, architecture, scratch):
        self.architecture, self.scratch = architecture, scratch
        self.common = QEMU[architecture] + COMMON
        self.pc = architecture == "x86_64"

    def efi(self, name):
        code, fresh = FIRMWARE[self.architecture]
        # A copy of the variables that the firmware may write to; its code is shared.
        variables = f"{self.scratch}/{name}.vars"
        with open(fresh, "rb") as source, open(variables, "wb") as copy:
            copy.write(source.read())
        return [
            "-drive", f"if=pflash,format=raw,readonly=on,file={code}", "-drive", f"if=pflash,format=raw,file={variables}",
        ]

    def disc(self, images):
        drive = ["-drive", f"if=none,id=iso,format=raw,media=cdrom,readonly=on,file={images}/image.iso"]
        # A PC has its drive on SATA; the other machine has no such thing.
        where = ["-device", "ide-cd,drive=iso,bootindex=1"]
        return drive + (where if self.pc else ["-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=iso,bootindex=1"])

    def direct(self, images, memory, initrd, command):
        return ["-m", str(memory), "-kernel", f"{images}/kernel", "-initrd", initrd, "-append", command]

    def boots(self, images, profile):
        """(name, network card, arguments): each card, disk and way in is used at least once."""
        # A root file system in memory takes what it is large; the small profiles need 64 MiB.
        devel = profile == "devel"
        least, usual, large = (512, 512, 1024) if devel else (64, 128, 256)
        virtio, other = "virtio-net-pci", "e1000" if self.pc else "virtio-net-pci"
        # Disks of each file system besides, and one with partitions.
        kinds = ["ext4", "squashfs", "erofs"]
        disks = [part for kind in kinds for part in disk(f"{images}/root.{kind}", kind)]
        disks += disk(f"{images}/disk.img", "disk") + ["-fw_cfg", f"name=opt/repro/disks,string={' '.join(kinds)} vfat"]
        command = "repro.selfcheck rdinit=/sbin/init"
        yield "direct", virtio, self.direct(images, least, f"{images}/initramfs.img", command) + disks
        yield "disk", other, [*self.efi("disk"), *ASK, "-m", str(large), *disk(f"{images}/disk.img", "disk", True)]
        yield "iso", virtio, [*self.efi("iso"), *ASK, "-m", str(large), *self.disc(images)]
        if self.pc:
            # SeaBIOS, qemu's own default. The same bytes of the ISO once more as a stick.
            bios = ["-m", str(usual), *ASK]
            yield "disk-bios", virtio, [*bios, *disk(f"{images}/disk.img", "disk", True)]
            yield "iso-bios", other, [*bios, *self.disc(images)]
            yield "stick-bios", virtio, [*bios, *disk(f"{images}/image.iso", "stick", True)]
        # Each file system as the root, read by the kernel itself.
        for kind in kinds:
            command = f"repro.selfcheck root=/dev/vda rootfstype={kind} ro init=/sbin/init"
            kernel = ["-m", str(least), "-kernel", f"{images}/kernel", "-append", command]
            yield kind, virtio, [*kernel, *disk(f"{images}/root.{kind}", "root")]
