//! Debugging information: compile units by their attributes and entries, line programs by their files and rows.
//!
//! Units whose bytes are equal are passed over, and of the others everything is written out by name: strings themselves
//! and not where they stand, functions and not their addresses, types by what they are called. What then reads the same
//! differs in offsets alone, and is counted. Abbreviations and lists of ranges and locations are written out in their order,
//! and so are the tables of exceptions; other sections are strings, or bytes.

mod compare;
mod entries;
mod lines;
mod load;
mod relocate;
mod tables;
mod units;

pub(super) use compare::Units;
pub(super) use tables::compare as tables;
