//! tar: V7, ustar, star, GNU and pax.
//!
//! Sources: POSIX.1-2024 `pax`, "ustar Interchange Format" and "pax Interchange Format"; the GNU tar manual, "Basic Tar
//! Format", "GNU Extensions to the Archive Format" and "Sparse Formats"; `tar(5)` of libarchive.
//!
//! A header is told by its values. How these were written (digits, blanks, base 256) is told apart from them where it is
//! not what GNU tar writes, and so is a header's own value where an extended header gives another: the two sides of a
//! comparison then are equal in all fields only if their headers are.

mod header;
mod map;
mod own;
mod pax;
mod read;

pub(super) use header::is_header;
pub(super) use read::list;
