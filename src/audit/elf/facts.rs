//! What is kept of an object.

use std::collections::BTreeSet;
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

/// What an object says about the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// It says nothing.
    Unsaid,
    /// It wants it executable.
    Executable,
    /// It does not.
    Plain,
}

/// A symbol that another object has to define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undefined {
    /// Its name.
    pub name: String,
    /// Whether the object can do without.
    pub weak: bool,
}

/// A library's symbol version that an object asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedVersion {
    /// The library, as in DT_NEEDED.
    pub library: String,
    /// The version.
    pub version: String,
    /// Whether the object can do without.
    pub weak: bool,
}

/// What a kernel module says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Module {
    /// The kernel's release and settings.
    pub vermagic: String,
    /// Modules that it needs, by name.
    pub depends: Vec<String>,
}

/// An object.
#[derive(Debug, Clone)]
pub struct Elf {
    /// What it is for.
    pub machine: Machine,
    /// `e_type`.
    pub kind: u16,
    /// PT_INTERP.
    pub interpreter: Option<String>,
    /// DT_SONAME.
    pub soname: Option<String>,
    /// DT_NEEDED, in order.
    pub needed: Vec<String>,
    /// DT_RPATH.
    pub rpath: Option<String>,
    /// DT_RUNPATH.
    pub runpath: Option<String>,
    /// DF_1_PIE: a program, not a library.
    pub pie: bool,
    /// DF_1_NODEFLIB: the loader's own directories are not searched.
    pub no_default: bool,
    /// It has a dynamic section.
    pub dynamic: bool,
    /// DT_TEXTREL or DF_TEXTREL.
    pub text_relocations: bool,
    /// What it says about the stack.
    pub stack: Stack,
    /// A segment is both writable and executable.
    pub writable_code: bool,
    /// Versions of others that it needs.
    pub wanted: Vec<WantedVersion>,
    /// Versions that it defines.
    pub versions: BTreeSet<String>,
    /// Symbols of others that it needs.
    pub undefined: Vec<Undefined>,
    /// Hashes of the names of symbols that it gives to others, sorted.
    pub exports: Vec<u64>,
    /// Oldest kernel that it runs on (.note.ABI-tag).
    pub kernel: Option<[u32; 3]>,
    /// What the compilers that made it call themselves: .comment and DW_AT_producer.
    pub compilers: BTreeSet<String>,
    /// Absolute directories that its debugging information names.
    pub directories: BTreeSet<String>,
    /// Set for kernel modules.
    pub module: Option<Module>,
    /// Names of libraries among its constants, if it calls dlopen.
    pub loads: BTreeSet<String>,
    /// Names of static functions that matter to a rule, as far as they are told.
    pub static_calls: BTreeSet<String>,
}

impl Elf {
    /// Whether the loader works on it: a program or a library that is linked dynamically.
    pub fn is_dynamic(&self) -> bool {
        self.dynamic && self.kind != elf::ET_REL.0 && (self.interpreter.is_some() || !self.is_static())
    }

    /// Whether it is a program without a loader.
    pub fn is_static(&self) -> bool {
        let program = self.kind == elf::ET_EXEC.0 || (self.kind == elf::ET_DYN.0 && self.pie);
        program && self.interpreter.is_none() && self.needed.is_empty()
    }

    /// Whether it is a part of something that will be linked.
    pub fn is_relocatable(&self) -> bool {
        self.kind == elf::ET_REL.0
    }

    /// Whether it defines a symbol.
    pub fn exports(&self, name: &str) -> bool {
        self.exports.binary_search(&symbol_hash(name.as_bytes())).is_ok()
    }
}

/// FNV-1a, 64 bits: symbols are compared by it, so that the names of all libraries need not be held in memory.
pub fn symbol_hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
