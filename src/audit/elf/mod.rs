//! ELF objects as facts, read with `object` and `gimli`.
//!
//! Program headers decide, as they do for the kernel and the loader; section headers are read where they are, for symbols,
//! versions, comments and debugging information. An object that contradicts itself is malformed and not a panic.

mod compressed;
mod dwarf;
mod dynamic;
mod facts;
mod notes;
mod read;
mod rules;
mod statics;

pub use facts::Machine;
pub(super) use facts::{Elf, Module, symbol_hash};
pub(super) use read::{Limits, is_elf, read};
pub(super) use rules::{check, search_tags};
