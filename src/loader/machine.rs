//! Machines, as ELF headers name them.

use std::fmt;

use object::elf;

/// Machine, class and byte order: what has to agree within a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// `e_machine`.
    pub machine: u16,
    /// 64 or 32.
    pub bits: u8,
    /// Byte order.
    pub little: bool,
}

/// Names in `--arch`, `audit.toml` and reports.
const NAMES: [(&str, u16, u8, bool); 12] = [
    ("x86_64", elf::EM_X86_64.0, 64, true),
    ("x32", elf::EM_X86_64.0, 32, true),
    ("i386", elf::EM_386.0, 32, true),
    ("aarch64", elf::EM_AARCH64.0, 64, true),
    ("arm", elf::EM_ARM.0, 32, true),
    ("riscv64", elf::EM_RISCV.0, 64, true),
    ("riscv32", elf::EM_RISCV.0, 32, true),
    ("ppc64le", elf::EM_PPC64.0, 64, true),
    ("ppc64", elf::EM_PPC64.0, 64, false),
    ("s390x", elf::EM_S390.0, 64, false),
    ("mips", elf::EM_MIPS.0, 32, false),
    ("bpf", elf::EM_BPF.0, 64, true),
];

impl Machine {
    /// The machine of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(known, ..)| *known == name);
        found.map(|(_, machine, bits, little)| Self { machine: *machine, bits: *bits, little: *little })
    }

    /// Names that [`from_name`](Self::from_name) knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, ..)| *name)
    }

    /// Programs of the kernel's own virtual machine: no part of the system's binary interface.
    pub fn is_bpf(self) -> bool {
        self.machine == elf::EM_BPF.0
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same =
            |known: &&(&str, u16, u8, bool)| known.1 == self.machine && known.2 == self.bits && known.3 == self.little;
        match NAMES.iter().find(same) {
            Some((name, ..)) => f.write_str(name),
            None => {
                let order = if self.little { "little" } else { "big" };
                write!(f, "machine {}, {} bits, {order}-endian", self.machine, self.bits)
            }
        }
    }
}
