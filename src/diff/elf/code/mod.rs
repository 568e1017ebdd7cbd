//! Machine code, by function.
//!
//! Functions are the ranges of symbols; in stripped files, the ranges of `.eh_frame`'s entries, which have no names and
//! are matched by their order. Equal ones are passed over. Of x86, the others are decoded in step: if each instruction is
//! the same but for addresses, and each address leads to the same by name, the function was moved, and is counted. Any
//! other is shown as a list of instructions with labels and names for addresses. Functions of other machines are compared
//! as bytes.

mod compare;
mod functions;
mod x86;

pub(super) use compare::{compare, stubs};
