//! What is kept of an object.

use std::collections::BTreeSet;

use object::elf;

use crate::loader::Asks;
pub use crate::loader::Machine;

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
    /// What it says about where its libraries are.
    pub fn asks(&self) -> Asks<'_> {
        Asks {
            machine: self.machine,
            rpath: self.rpath.as_deref(),
            runpath: self.runpath.as_deref(),
            no_default: self.no_default,
        }
    }

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
