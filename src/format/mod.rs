//! Archives: bytes in, a checked stream of entries out; and deterministic writers.
//!
//! [`unpack()`] recognises an archive by its first bytes, takes the compression off, and hands each entry to a [`Sink`].
//! No reader here opens a path of the host; only [`DirSink`] writes below one directory that it was given.
//!
//! # What is promised about every archive
//! - **Nothing is skipped in silence.** An entry reaches the sink, or the archive is refused with its name, the entry's
//!   name and the reason. What a tree cannot represent (owners, times, extended attributes) is counted in [`Summary`].
//! - **Nothing escapes.** Names are relative, without `..`, valid UTF-8; an entry beneath a symbolic link or a file of
//!   the same archive is refused; the target of a hard link is a file that came earlier in the archive. Symbolic links
//!   are text and are never followed.
//! - **The end is read.** Checksums and trailers are checked, the format's own end marker must be there, and only zeros
//!   may follow it.
//! - **Work is bounded**: by [`Limits`] on unpacked bytes, entries and depth; each entry costs time in proportion to its
//!   name and its bytes.
//!
//! # Rules where formats leave room
//! - The last of several files of one name wins, as `tar` means it, and is listed in [`Summary::replaced`]; so does
//!   the last of several symbolic links. A change of type is refused. In a zip, a name may occur only once.
//! - A directory that no entry declares is made with mode 0755 before the first entry beneath it.
//! - `./`, `//` and a trailing `/` in names mean nothing, as in `tar`.
//! - Where readers are known to disagree (a header that says two things, a link that carries data, a gap between the
//!   entries of a zip), the archive is refused.
//!
//! # Formats
//! tar (V7, ustar, star, GNU with long names and sparse files, pax with its sparse formats 0.0, 0.1 and 1.0), cpio
//! (newc, crc, odc), ar, deb 2.0 (its data member; [`unpack_deb_control`] gives the control member), zip (stored and
//! deflate, zip64). gzip, bzip2, xz and zstd around tar and cpio.

mod ar;
mod compress;
mod cpio;
mod dir_sink;
mod error;
mod gate;
mod kind;
mod pax;
mod places;
mod rules;
mod sparse;
mod tar;
#[cfg(test)]
mod tests;
mod unpack;
mod write;
mod zip;

pub use compress::{Decoder, ahead};
pub use dir_sink::{DirError, DirSink, unpack_to_dir};
pub use error::{EntryKind, Error, NameFault, Reason, SinkError};
pub use kind::{Codec, Kind};
pub use places::tar_places;
pub use rules::{Absolute, Limits, Modes, Names, Rules, Summary};
pub use unpack::{Sink, detect, unpack, unpack_deb_control, unpack_stream};
pub use write::{CpioWriter, TarWriter, WriteError};
