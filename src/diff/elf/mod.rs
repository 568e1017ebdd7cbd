//! Two ELF files: headers, sections, symbols, instructions, debugging information.
//!
//! # How
//! Headers are read, and sections are matched by name. What is equal by its bytes is not looked at. What differs is
//! compared by what it is, and every comparison goes by names and not by addresses: `call puts` and not `call 0x1030`.
//! A section that grew moves all that comes after it, and with it nearly every byte of code; that is said once, and what
//! only moved is counted.
//!
//! # What is promised
//! - **Complete.** Each byte of a file belongs to a header, whose fields are compared, to a section, or to neither: such
//!   bytes are compared as bytes. A section that differs and whose structure does not show it is compared as bytes, too.
//! - **Bounded.** A section is in memory as a whole only where it is looked at, at most 256 MiB of it; large ones
//!   without structure are read in pieces. Functions, units, lines and ranges that are shown are bounded, and the rest
//!   is counted.
//! - **Nothing is believed.** Offsets, counts and links are checked where they are used. A table of headers that does not
//!   lie within the file makes the file unreadable; a section that is malformed is one that is compared as bytes.
//!
//! Sources: System V gABI and its processor supplements; the GNU and Linux extensions as in the Linux Standard Base and in
//! binutils' documentation; DWARF 2 to 5.

mod code;
mod compare;
mod dwarf;
mod dynamic;
mod frames;
mod header;
mod layout;
mod names;
mod notes;
mod packed;
mod pieces;
mod places;
mod read;
mod relocations;
mod rest;
mod sections;
mod strings;
mod symbols;
#[cfg(test)]
mod tests;
mod versions;

pub(super) use compare::{compare, is_elf};
