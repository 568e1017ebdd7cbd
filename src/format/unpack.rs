//! From bytes to entries: recognise, decompress, read, check the end.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::compress::{Decoder, ahead};
use super::error::{Error, Fault, Reason, SinkError};
use super::gate::Gate;
use super::kind::{Codec, Kind, PEEK, refusal};
use super::rules::{Rules, Summary};
use super::{ar, cpio, tar, zip};

/// Takes the entries of an archive, in the archive's order.
///
/// Paths are relative, normalised, and safe as the module's text promises; parents come before what is beneath them.
/// A path that was given before is given again when the archive says so: a directory then may have another mode, a file
/// or symbolic link replaces the earlier one (and not the other hard links to it).
pub trait Sink {
    /// A directory; `mode` has the nine permission bits.
    ///
    /// # Errors
    /// Whatever the sink fails with: unpacking ends there.
    fn directory(&mut self, path: &str, mode: u32) -> Result<(), SinkError>;

    /// A file of `size` bytes, which are read from `data`.
    ///
    /// # Errors
    /// Whatever the sink fails with: unpacking ends there. An error of `data` may be passed on in any form.
    fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), SinkError>;

    /// A symbolic link, its target as text.
    ///
    /// # Errors
    /// Whatever the sink fails with: unpacking ends there.
    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError>;

    /// Another name for the file that was given as `target`.
    ///
    /// # Errors
    /// Whatever the sink fails with: unpacking ends there.
    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError>;
}

/// Unpacks an archive that can be sought in, from its start.
///
/// `archive` is its name for messages. With `kind`, another format than that one is refused.
///
/// # Errors
/// Refuses everything that the module's text says; reading or the sink fails. The sink has then seen the entries before.
pub fn unpack(
    archive: &str,
    mut input: impl Read + Seek + Send,
    kind: Option<Kind>,
    rules: &Rules,
    sink: &mut dyn Sink,
) -> Result<Summary, Error> {
    let mut gate = Gate::new(rules, sink);
    let prefix = match start(&mut input) {
        Ok(prefix) => prefix,
        Err(error) => return Err(name(archive, None, error.into())),
    };
    if Codec::detect(&prefix).is_none() && Kind::detect(&prefix) == Some(Kind::Zip) {
        let outcome = expect(Kind::Zip, kind).and_then(|()| zip::read(&mut input, &mut gate));
        return finish(archive, gate, outcome);
    }
    let outcome = stream(input, kind, &mut gate);
    finish(archive, gate, outcome)
}

/// Unpacks an archive from a stream: every format but zip, whose table stands at its end.
///
/// # Errors
/// As [`unpack`].
pub fn unpack_stream(
    archive: &str,
    input: impl Read + Send,
    kind: Option<Kind>,
    rules: &Rules,
    sink: &mut dyn Sink,
) -> Result<Summary, Error> {
    let mut gate = Gate::new(rules, sink);
    let outcome = stream(input, kind, &mut gate);
    finish(archive, gate, outcome)
}

/// Unpacks the control member of a Debian package instead of its data.
///
/// # Errors
/// As [`unpack`].
pub fn unpack_deb_control(
    archive: &str,
    input: impl Read + Send,
    rules: &Rules,
    sink: &mut dyn Sink,
) -> Result<Summary, Error> {
    let mut gate = Gate::new(rules, sink);
    let mut input = io::BufReader::new(input);
    let outcome = ar::read_deb(&mut input, &mut gate, ar::Part::Control);
    finish(archive, gate, outcome)
}

/// The compression and, when there is none, the format of bytes that start with `prefix` (at least 512 bytes, or all).
pub fn detect(prefix: &[u8]) -> (Option<Codec>, Option<Kind>) {
    match Codec::detect(prefix) {
        Some(codec) => (Some(codec), None),
        None => (None, Kind::detect(prefix)),
    }
}

fn stream(mut input: impl Read + Send, kind: Option<Kind>, gate: &mut Gate) -> Result<(), Fault> {
    let prefix = peek(&mut input)?;
    let codec = Codec::detect(&prefix);
    let input = Cursor::new(prefix).chain(input);
    let Some(codec) = codec else { return bare(input, kind, gate) };
    let mut input = Decoder::new(codec, input, gate.limit())?;
    // Prefix again, of what was within.
    let prefix = peek(&mut input)?;
    ahead(Cursor::new(prefix.clone()).chain(input), |input| within(&prefix, input, kind, gate))
}

fn bare(mut input: impl Read + Send, kind: Option<Kind>, gate: &mut Gate) -> Result<(), Fault> {
    let prefix = peek(&mut input)?;
    let mut input = Cursor::new(&prefix).chain(io::BufReader::with_capacity(64 * 1024, input));
    match Kind::detect(&prefix) {
        Some(Kind::Deb) => {
            expect(Kind::Deb, kind)?;
            ar::read_deb(&mut input, gate, ar::Part::Data)
        }
        _ => within(&prefix, &mut input, kind, gate),
    }
}

/// Reads a format that may stand within a compression.
fn within(prefix: &[u8], input: &mut dyn Read, kind: Option<Kind>, gate: &mut Gate) -> Result<(), Fault> {
    let actual = Kind::detect(prefix).ok_or_else(|| refusal(prefix))?;
    expect(actual, kind)?;
    match actual {
        Kind::Tar => tar::read(input, gate),
        Kind::Cpio => cpio::read(input, gate),
        Kind::Ar => ar::read(input, gate),
        Kind::Deb => Err(Reason::unsupported("deb within a compression").into()),
        Kind::Zip => Err(Reason::unsupported("zip in a stream (its table is at the end)").into()),
    }
}

fn expect(actual: Kind, expected: Option<Kind>) -> Result<(), Fault> {
    match expected {
        Some(expected) if expected != actual => Err(Reason::WrongFormat { expected, actual }.into()),
        _ => Ok(()),
    }
}

/// The tar in a deb's member, decompressed as the member's name says.
pub(super) fn member(codec: Option<Codec>, input: impl Read + Send, gate: &mut Gate) -> Result<(), Fault> {
    match codec {
        None => tar::read(&mut io::BufReader::new(input), gate),
        Some(codec) => {
            let mut decoder = Decoder::new(codec, input, gate.limit())?;
            tar::read(&mut decoder, gate)
        }
    }
}

fn peek(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut prefix = Vec::with_capacity(PEEK);
    input.take(PEEK as u64).read_to_end(&mut prefix)?;
    Ok(prefix)
}

/// The first bytes, read from the start and to be read again.
fn start(input: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    input.seek(SeekFrom::Start(0))?;
    let prefix = peek(input)?;
    input.seek(SeekFrom::Start(0))?;
    Ok(prefix)
}

fn finish(archive: &str, gate: Gate, outcome: Result<(), Fault>) -> Result<Summary, Error> {
    match outcome {
        Ok(()) => Ok(gate.summary),
        Err(fault) => Err(name(archive, gate.current, fault)),
    }
}

pub(super) fn name(archive: &str, entry: Option<String>, fault: Fault) -> Error {
    let archive = archive.to_owned();
    match (fault, entry) {
        (Fault::Reason(reason), Some(entry)) => Error::Entry { archive, entry, reason },
        (Fault::Reason(reason), None) => Error::Archive { archive, reason },
        (Fault::Io(source), _) => Error::Read { archive, source },
        (Fault::Sink(source), entry) => Error::Sink { archive, entry: entry.unwrap_or_default(), source },
    }
}

/// Fills `buffer`, or says that `part` is cut short.
pub(super) fn exact(input: &mut dyn Read, buffer: &mut [u8], part: &'static str) -> Result<(), Fault> {
    match fill(input, buffer)? {
        count if count == buffer.len() => Ok(()),
        _ => Err(Reason::Truncated { part }.into()),
    }
}

/// Reads until `buffer` is full or the input ends.
pub(super) fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match input.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Reads `size` bytes, of which the caller has checked that they are not too many.
pub(super) fn bytes(input: &mut dyn Read, size: u64, part: &'static str) -> Result<Vec<u8>, Fault> {
    let mut content = Vec::new();
    let read = input.take(size).read_to_end(&mut content)?;
    if (read as u64) < size { Err(Reason::Truncated { part }.into()) } else { Ok(content) }
}

/// Reads and drops `size` bytes.
pub(super) fn skip(input: &mut dyn Read, size: u64, part: &'static str) -> Result<(), Fault> {
    let read = io::copy(&mut input.take(size), &mut io::sink())?;
    if read < size { Err(Reason::Truncated { part }.into()) } else { Ok(()) }
}

/// Reads to the end, which only zeros may separate from here.
pub(super) fn only_zeros(input: &mut dyn Read, format: &'static str) -> Result<(), Fault> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = fill(input, &mut buffer)?;
        if buffer[..count].iter().any(|byte| *byte != 0) {
            return Err(Reason::Trailing { format }.into());
        }
        if count < buffer.len() {
            return Ok(());
        }
    }
}
