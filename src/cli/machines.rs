//! The virtual machines that images are started in: what qemu is told for each architecture.

/// A machine without anything in it.
pub struct Machine {
    /// The sysroot that has qemu and the firmware.
    pub sysroot: &'static str,
    /// The program and its board.
    program: &'static [&'static str],
    /// UEFI: its code, and fresh variables.
    pub efi: [&'static str; 2],
    /// Whether there is firmware of the older kind.
    pub bios: bool,
    /// What an optical disc is put into; the last word gets the drive's name.
    pub disc: &'static [&'static str],
}

/// Of any architecture: no device that is not named; the console is the terminal, with a menu behind Ctrl-A.
const COMMON: &[&str] = &[
    "-nodefaults",
    "-no-user-config",
    "-display",
    "none",
    "-accel",
    "tcg",
    "-serial",
    "mon:stdio",
    "-device",
    "virtio-rng-pci",
    "-netdev",
    "user,id=net,restrict=on",
    "-device",
    "virtio-net-pci,netdev=net,romfile=",
];

const PC: Machine = Machine {
    sysroot: "vm",
    program: &["/usr/bin/qemu-system-x86_64", "-machine", "q35,usb=off", "-cpu", "max"],
    efi: ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
    bios: true,
    disc: &["-device", "ide-cd"],
};

const VIRT: Machine = Machine {
    sysroot: "vm-aarch64",
    program: &["/usr/bin/qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72"],
    efi: ["/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"],
    bios: false,
    disc: &["-device", "virtio-scsi-pci", "-device", "scsi-cd"],
};

impl Machine {
    /// The machine for an architecture, as the parameter `arch` names it; none for one that is not known.
    pub fn of(architecture: &str) -> Option<&'static Self> {
        match architecture {
            "x86_64" => Some(&PC),
            "aarch64" => Some(&VIRT),
            _ => None,
        }
    }

    /// qemu's command line, but for memory and what is started.
    pub fn command(&self) -> Vec<String> {
        self.program.iter().chain(COMMON).map(|word| (*word).to_owned()).collect()
    }
}
