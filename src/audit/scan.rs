//! One file, looked at by itself: what it is, what it holds, what is wrong with it wherever it lies.
//!
//! A file is read once. What is compressed or an archive is opened and looked at in turn, down to a depth and up to a size;
//! a file that is too large to be held in memory is searched for leaks as a stream, and a finding says that it was not
//! read in full.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::elf;
use super::finding::{Evidence, Finding};
use super::leak::{Hits, Needles};
use super::nested;
use super::rules;
use super::text;
use super::tree::Scanned;
use crate::digest::{Digest, HashReader};
use crate::format::{Codec, Decoder, Kind, detect};
use crate::sys::CancelToken;

/// Archives in archives so deep are opened.
const DEPTH: usize = 5;
/// Larger files are streamed: objects of this size do not occur in systems.
pub(super) const WHOLE: u64 = 256 << 20;
/// Decompressed sections of one object, together.
const SECTIONS: u64 = 512 << 20;
/// What comes out of one archive or compressed file, all in all.
pub(super) const UNPACKED: u64 = 16 << 30;
/// Configuration files whose content is kept.
const KEPT: usize = 4 << 20;
/// First bytes that tell what a file is.
const PREFIX: u64 = 512;

/// What can be read and sought in.
pub(super) trait Input: Read + Seek + Send {}
impl<T: Read + Seek + Send> Input for T {}

/// What a file is judged by.
pub(super) struct Scanner<'a> {
    pub needles: &'a Needles,
    pub compilers: &'a [String],
    /// Whether files have to be named by their digests.
    pub list: bool,
    pub cancel: Option<&'a CancelToken>,
}

impl Scanner<'_> {
    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(CancelToken::is_cancelled)
    }

    /// The digest of a file that is to be listed; the file is left at its begin.
    pub fn digest(&self, input: &mut dyn Input) -> Option<Digest> {
        if !self.list {
            return None;
        }
        let mut reader = HashReader::new(&mut *input);
        io::copy(&mut reader, &mut io::sink()).ok()?;
        let digest = reader.finish();
        input.seek(SeekFrom::Start(0)).ok()?;
        Some(digest)
    }

    /// Looks at a file; `object` is its name in findings, `path` tells what it is for. An error of reading is a finding.
    pub fn scan(&self, object: &str, path: &str, input: &mut dyn Input, depth: usize) -> Scanned {
        let mut scanned = Scanned { files: 1, ..Scanned::default() };
        if let Err(error) = self.open(object, path, input, depth, &mut scanned) {
            let finding = Finding::new(&rules::FILE_UNREADABLE, object, "it could not be read to its end");
            scanned.findings.push(finding.because(Evidence::value("", error.to_string())));
        }
        scanned
    }

    fn open(
        &self,
        object: &str,
        path: &str,
        input: &mut dyn Input,
        depth: usize,
        scanned: &mut Scanned,
    ) -> io::Result<()> {
        let mut prefix = Vec::new();
        (&mut *input).take(PREFIX).read_to_end(&mut prefix)?;
        input.seek(SeekFrom::Start(0))?;
        let (codec, kind) = detect(&prefix);
        // Zeros are a tar without entries, and much else.
        let kind = kind.filter(|_| prefix.iter().any(|byte| *byte != 0));
        if codec.is_none() && kind.is_none() {
            return self.leaf(object, path, input, scanned);
        }
        if depth >= DEPTH {
            let finding = Finding::new(&rules::LIMIT_EXCEEDED, object, "it lies in too many archives to be opened");
            scanned.findings.push(finding);
            return self.leaf(object, path, input, scanned);
        }
        match (codec, kind) {
            (Some(codec), _) => {
                let kind = kind_within(codec, input);
                input.seek(SeekFrom::Start(0))?;
                match kind {
                    Ok(Some(_)) => nested::archive(self, object, input, depth, scanned),
                    Ok(None) => self.decompress(object, path, codec, input, depth, scanned)?,
                    // It only looks compressed, or is damaged: its own bytes can be searched.
                    Err(error) => {
                        self.leaf(object, path, input, scanned)?;
                        return Err(error);
                    }
                }
            }
            (None, _) => nested::archive(self, object, input, depth, scanned),
        }
        Ok(())
    }

    /// A single compressed file.
    fn decompress(
        &self,
        object: &str,
        path: &str,
        codec: Codec,
        input: &mut dyn Input,
        depth: usize,
        scanned: &mut Scanned,
    ) -> io::Result<()> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = [".gz", ".bz2", ".xz", ".zst"].iter().find_map(|end| path.strip_suffix(end));
        let within = format!("{object}!{}", stem.map_or(name, |stem| stem.rsplit('/').next().unwrap_or(stem)));
        let mut decoder = Decoder::new(codec, input, UNPACKED)?;
        let bytes = self.read(&within, &mut decoder, scanned)?;
        if let Some(bytes) = bytes {
            let inner = self.scan(&within, stem.unwrap_or(path), &mut Cursor::new(bytes), depth + 1);
            let Scanned { elf, script, mentions, kernel, content, findings, roots, bytes, .. } = inner;
            // What a loader of modules or a reader of manuals takes for the file is what is within.
            scanned.findings.extend(findings);
            scanned.roots.extend(roots);
            scanned.bytes += bytes;
            (scanned.elf, scanned.script, scanned.mentions) = (elf, script, mentions);
            (scanned.kernel, scanned.content) = (kernel, content);
        }
        Ok(())
    }

    /// All that a reader gives, or nothing when it is too much: then it has been searched.
    pub fn read(&self, object: &str, reader: &mut dyn Read, scanned: &mut Scanned) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        (&mut *reader).take(WHOLE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= WHOLE {
            return Ok(Some(bytes));
        }
        let mut hits = Hits::default();
        let mut counted = Counted { inner: Cursor::new(bytes).chain(reader), count: 0 };
        self.needles.search_stream(&mut counted, &mut hits)?;
        scanned.bytes += counted.count;
        scanned.findings.extend(hits.findings(object));
        let message = format!("it is larger than {} MiB and was only searched for leaks", WHOLE >> 20);
        scanned.findings.push(Finding::new(&rules::LIMIT_EXCEEDED, object, message));
        Ok(None)
    }

    fn leaf(&self, object: &str, path: &str, input: &mut dyn Input, scanned: &mut Scanned) -> io::Result<()> {
        let Some(bytes) = self.read(object, &mut &mut *input, scanned)? else { return Ok(()) };
        scanned.bytes += bytes.len() as u64;
        self.bytes(object, path, &bytes, scanned);
        Ok(())
    }

    fn bytes(&self, object: &str, path: &str, bytes: &[u8], scanned: &mut Scanned) {
        let mut hits = Hits::default();
        if elf::is_elf(bytes) {
            self.elf(object, bytes, scanned, &mut hits);
        } else {
            self.needles.search(bytes, &|at| line_or_byte(bytes, at), &mut hits);
            scanned.script = text::script(bytes);
            scanned.mentions = text::mentions(path, bytes);
            if bytes.len() <= KEPT && (keeps(path) || (bytes.starts_with(b"{") && in_layout(path))) {
                scanned.content = Some(bytes.to_vec());
            }
            self.kernel(object, bytes, scanned, &mut hits);
        }
        scanned.findings.extend(hits.findings(object));
    }

    fn elf(&self, object: &str, bytes: &[u8], scanned: &mut Scanned, hits: &mut Hits) {
        match elf::read(bytes, elf::Limits { bytes: SECTIONS }) {
            Ok(parsed) => {
                self.needles.search(bytes, &|at| parsed.section_at(at).to_owned(), hits);
                for (name, content) in &parsed.unpacked {
                    scanned.bytes += content.len() as u64;
                    self.needles.search(content, &|_| format!("{name}, compressed"), hits);
                }
                for (name, reason) in &parsed.refused {
                    let finding =
                        Finding::new(&rules::FILE_UNREADABLE, object, format!("its section `{name}` is not readable"));
                    scanned.findings.push(finding.because(Evidence::value(name.as_str(), reason.as_str())));
                }
                scanned.findings.extend(elf::check(&parsed.elf, bytes, object, self.needles, self.compilers));
                scanned.elf = Some(Box::new(parsed.elf));
            }
            Err(reason) => {
                self.needles.search(bytes, &|at| format!("byte {at}"), hits);
                let finding = Finding::new(&rules::MALFORMED, object, "it begins as an ELF object and is none");
                scanned.findings.push(finding.because(Evidence::value("", reason)));
            }
        }
    }

    /// A kernel image for x86: its release, and the kernel that is compressed in it (Documentation/arch/x86/boot.rst).
    fn kernel(&self, object: &str, bytes: &[u8], scanned: &mut Scanned, hits: &mut Hits) {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        if bytes.get(0x202..0x206) != Some(b"HdrS") {
            return;
        }
        let version =
            word(0x20e).map(|word| (word & 0xffff) + 0x200).and_then(|at| bytes.get(at..)).unwrap_or_default();
        let version = version.split(|byte| *byte == 0 || *byte == b' ').next().unwrap_or_default();
        scanned.kernel = std::str::from_utf8(version)
            .ok()
            .filter(|text| text.starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned);
        let setup = match bytes[0x1f1] {
            0 => 4,
            count => usize::from(count),
        };
        let payload = || {
            let from = (setup + 1) * 512 + word(0x248)?;
            bytes.get(from..from.checked_add(word(0x24c)?)?)
        };
        let Some((codec, payload)) = payload().and_then(|payload| Some((detect(payload).0?, payload))) else { return };
        // Four bytes with the size stand behind most compressions: what comes out before counts.
        let mut kernel = Vec::new();
        for payload in [payload, &payload[..payload.len().saturating_sub(4)]] {
            kernel.clear();
            let decoder = Decoder::new(codec, payload, WHOLE);
            if decoder.and_then(|mut decoder| decoder.read_to_end(&mut kernel)).is_ok() {
                break;
            }
        }
        scanned.bytes += kernel.len() as u64;
        let sections = elf::read(&kernel, elf::Limits { bytes: SECTIONS }).ok();
        let place = |at: usize| format!("kernel, {}", sections.as_ref().map_or("", |parsed| parsed.section_at(at)));
        self.needles.search(&kernel, &place, hits);
        if let Some(parsed) = &sections {
            let strange = elf::check(&parsed.elf, &kernel, object, self.needles, self.compilers);
            // How a kernel lies in memory is its own business.
            let about = [rules::TOOLCHAIN_UNEXPECTED.id, rules::DWARF_BUILD_PATH.id];
            scanned.findings.extend(strange.into_iter().filter(|finding| about.contains(&finding.rule.id)));
        }
    }
}

/// The archive format of what is compressed.
fn kind_within(codec: Codec, input: &mut dyn Input) -> io::Result<Option<Kind>> {
    let mut prefix = Vec::new();
    Decoder::new(codec, input, UNPACKED)?.take(PREFIX).read_to_end(&mut prefix)?;
    let kind = detect(&prefix).1.filter(|kind| !matches!(kind, Kind::Deb | Kind::Zip));
    Ok(kind.filter(|_| prefix.iter().any(|byte| *byte != 0)))
}

/// Files that rules over the whole system read.
fn keeps(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "modules.dep"
        || name == "modules.builtin"
        || path.ends_with("etc/ld.so.conf")
        || (path.contains("etc/ld.so.conf.d/") && name.ends_with(".conf"))
        || (path.contains("etc/") && name.starts_with("ld-musl-") && name.ends_with(".path"))
        || path.ends_with("include/linux/version.h")
        || path.ends_with("etc/nsswitch.conf")
        || (path.contains("/gconv/") && (name == "gconv-modules" || path.contains("gconv-modules.d/")))
        || name == "oci-layout"
        || path == "manifest.json"
}

/// Whether a path may be one of an image layout.
fn in_layout(path: &str) -> bool {
    path.ends_with("index.json") || path.contains("blobs/")
}

/// The line in a text, the offset in anything else.
fn line_or_byte(bytes: &[u8], at: usize) -> String {
    let before = &bytes[..at];
    if bytes.len() > KEPT || before.contains(&0) {
        return format!("byte {at}");
    }
    format!("line {}", memchr::memchr_iter(b'\n', before).count() + 1)
}

struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}
