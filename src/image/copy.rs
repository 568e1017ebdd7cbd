//! The bytes of a file, on their way into an image.

use std::io::{self, Read, Write};

use super::error::{Error, Problem};
use super::tree::Contents;
use crate::digest::Digest;

/// An entry that is wrong, or that the format has no room for.
pub(super) fn bad(path: &[u8], problem: Problem) -> Error {
    Error::Entry { path: shown(path), problem }
}

/// A path as errors show it.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// What the output says when it fails.
pub(super) fn unwritten(source: io::Error) -> Error {
    Error::Write { source }
}

/// Writes `count` zeros.
pub(super) fn zeros<W: Write + ?Sized>(out: &mut W, count: u64) -> Result<(), Error> {
    let zeros = [0; 4096];
    let mut left = count;
    while left > 0 {
        let now = left.min(zeros.len() as u64);
        out.write_all(&zeros[..now as usize]).map_err(unwritten)?;
        left -= now;
    }
    Ok(())
}

/// Copies the content of the file at `path`: exactly as many bytes as its digest states. Of an empty file nothing is asked
/// for, so that a format may add some of its own.
pub(super) fn copy<W: Write + ?Sized>(
    contents: &dyn Contents,
    path: &[u8],
    content: &Digest,
    out: &mut W,
) -> Result<(), Error> {
    if content.size == 0 {
        return Ok(());
    }
    let unread = |source| Error::Read { path: shown(path), source };
    let mut data = contents.open(content).map_err(unread)?;
    let mut buffer = vec![0; 1 << 16];
    let mut left = content.size;
    loop {
        let count = match data.read(&mut buffer) {
            Ok(0) if left == 0 => return Ok(()),
            Ok(count) if count == 0 || count as u64 > left => {
                return Err(bad(path, Problem::Size { stated: content.size }));
            }
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unread(error)),
        };
        out.write_all(&buffer[..count]).map_err(unwritten)?;
        left -= count as u64;
    }
}
