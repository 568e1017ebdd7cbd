//! Deterministic writers: the same calls give the same bytes.
//!
//! The caller sorts the entries. Owners are 0, and one time, given once, stands in every header. A name that does not
//! fit its field goes into a pax header (tar) or is an error (cpio).

use std::io::{self, Read, Write};

use ::tar::{EntryType, Header};

/// An entry that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output, or the content of a file, failed.
    #[error("write entry `{entry}`")]
    Io {
        /// The entry.
        entry: String,
        /// The error.
        source: io::Error,
    },
    /// The content has another length than stated.
    #[error("write entry `{entry}`: {actual} bytes of content, and {expected} were stated")]
    Size {
        /// The entry.
        entry: String,
        /// As stated.
        expected: u64,
        /// As read (one more when there was more).
        actual: u64,
    },
    /// The format has no room for a value.
    #[error("write entry `{entry}`: {what} is too large for cpio")]
    TooLarge {
        /// The entry.
        entry: String,
        /// The value.
        what: &'static str,
    },
}

impl WriteError {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Size { .. } => Some("the file changed while it was read".to_owned()),
            Self::TooLarge { .. } => Some("write a tar instead".to_owned()),
        }
    }
}

fn io_error(entry: &str) -> impl Fn(io::Error) -> WriteError + '_ {
    move |source| WriteError::Io { entry: entry.to_owned(), source }
}

/// Copies exactly `size` bytes.
fn copy(entry: &str, data: &mut dyn Read, out: &mut impl Write, size: u64) -> Result<(), WriteError> {
    let actual = io::copy(&mut data.take(size), out).map_err(io_error(entry))?;
    let more = data.read(&mut [0]).map_err(io_error(entry))? as u64;
    match actual + more {
        actual if actual == size => Ok(()),
        actual => Err(WriteError::Size { entry: entry.to_owned(), expected: size, actual }),
    }
}

fn zeros(entry: &str, out: &mut impl Write, count: u64) -> Result<(), WriteError> {
    io::copy(&mut io::repeat(0).take(count), out).map(drop).map_err(io_error(entry))
}

/// Writes a tar: ustar headers, with pax headers where a name or size does not fit.
pub struct TarWriter<W: Write> {
    out: W,
    time: u64,
}

impl<W: Write> TarWriter<W> {
    /// A writer whose entries all have `time` (seconds since 1970).
    pub fn new(out: W, time: u64) -> Self {
        Self { out, time }
    }

    /// A directory.
    ///
    /// # Errors
    /// The output fails.
    pub fn directory(&mut self, path: &str, mode: u32) -> Result<(), WriteError> {
        self.header(&format!("{path}/"), EntryType::Directory, mode, 0, "")
    }

    /// A file of `size` bytes.
    ///
    /// # Errors
    /// The output or `data` fails, or `data` has another length.
    pub fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), WriteError> {
        self.header(path, EntryType::Regular, mode, size, "")?;
        copy(path, data, &mut self.out, size)?;
        zeros(path, &mut self.out, super::tar::padding(size))
    }

    /// A symbolic link.
    ///
    /// # Errors
    /// The output fails.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<(), WriteError> {
        self.header(path, EntryType::Symlink, 0o777, 0, target)
    }

    /// A hard link to an entry before it.
    ///
    /// # Errors
    /// The output fails.
    pub fn hardlink(&mut self, path: &str, target: &str) -> Result<(), WriteError> {
        self.header(path, EntryType::Link, 0o644, 0, target)
    }

    /// Writes the end, and gives the output back.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        zeros("", &mut self.out, 1024)?;
        self.out.flush().map_err(io_error(""))?;
        Ok(self.out)
    }

    fn header(&mut self, path: &str, kind: EntryType, mode: u32, size: u64, link: &str) -> Result<(), WriteError> {
        /// Largest size in eleven octal digits.
        const LARGEST: u64 = (1 << 33) - 1;
        let mut records = Vec::new();
        if path.len() > 100 {
            record(&mut records, "path", path);
        }
        if link.len() > 100 {
            record(&mut records, "linkpath", link);
        }
        if size > LARGEST {
            record(&mut records, "size", &size.to_string());
        }
        if !records.is_empty() {
            let length = records.len() as u64;
            // Readers that know no pax see a file of this name; it is the same for all.
            self.block(path, "PaxHeader", EntryType::XHeader, 0o644, length, "")?;
            self.out.write_all(&records).map_err(io_error(path))?;
            zeros(path, &mut self.out, super::tar::padding(length))?;
        }
        self.block(path, path, kind, mode, if size > LARGEST { 0 } else { size }, link)
    }

    fn block(
        &mut self,
        entry: &str,
        name: &str,
        kind: EntryType,
        mode: u32,
        size: u64,
        link: &str,
    ) -> Result<(), WriteError> {
        let mut header = Header::new_ustar();
        fill(&mut header.as_old_mut().name, name);
        fill(&mut header.as_old_mut().linkname, link);
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header.set_cksum();
        self.out.write_all(header.as_bytes()).map_err(io_error(entry))
    }
}

/// As much of `text` as fits, cut between bytes: a pax header has the whole.
fn fill(field: &mut [u8], text: &str) {
    let count = field.len().min(text.len());
    field[..count].copy_from_slice(&text.as_bytes()[..count]);
}

/// Appends `LENGTH KEYWORD=VALUE\n`, the length counting its own digits.
fn record(records: &mut Vec<u8>, key: &str, value: &str) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    length = rest + length.to_string().len();
    records.extend(format!("{length} {key}={value}\n").into_bytes());
}

/// Writes a cpio in the newc format, as the Linux kernel reads it.
pub struct CpioWriter<W: Write> {
    out: W,
    time: u32,
    /// Numbers files from 1.
    inode: u32,
}

impl<W: Write> CpioWriter<W> {
    /// A writer whose entries all have `time` (seconds since 1970).
    pub fn new(out: W, time: u32) -> Self {
        Self { out, time, inode: 0 }
    }

    /// A directory.
    ///
    /// # Errors
    /// The output fails, or the name is too long.
    pub fn directory(&mut self, path: &str, mode: u32) -> Result<(), WriteError> {
        self.entry(path, 0o040_000 | mode, 2, 0, &mut io::empty(), (0, 0))
    }

    /// A file of `size` bytes.
    ///
    /// # Errors
    /// The output or `data` fails, `data` has another length, or the file has 4 GiB or more.
    pub fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), WriteError> {
        let size = u32::try_from(size).map_err(|_| WriteError::TooLarge { entry: path.to_owned(), what: "a file" })?;
        self.entry(path, 0o100_000 | mode, 1, size, data, (0, 0))
    }

    /// A symbolic link.
    ///
    /// # Errors
    /// The output fails, or the name is too long.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<(), WriteError> {
        let size = u32::try_from(target.len())
            .map_err(|_| WriteError::TooLarge { entry: path.to_owned(), what: "a link's target" })?;
        self.entry(path, 0o120_777, 1, size, &mut target.as_bytes(), (0, 0))
    }

    /// A character device, which an initial RAM file system needs for its first console.
    ///
    /// # Errors
    /// The output fails, or the name is too long.
    pub fn character_device(&mut self, path: &str, mode: u32, device: (u32, u32)) -> Result<(), WriteError> {
        self.entry(path, 0o020_000 | mode, 1, 0, &mut io::empty(), device)
    }

    /// Writes the end, and gives the output back.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.inode = 0;
        self.time = 0;
        let name = "TRAILER!!!";
        self.header(name, 0, 0, 1, 0, (0, 0))?;
        self.out.flush().map_err(io_error(name))?;
        Ok(self.out)
    }

    fn entry(
        &mut self,
        path: &str,
        mode: u32,
        links: u32,
        size: u32,
        data: &mut dyn Read,
        device: (u32, u32),
    ) -> Result<(), WriteError> {
        self.inode += 1;
        self.header(path, self.inode, mode, links, size, device)?;
        copy(path, data, &mut self.out, size.into())?;
        zeros(path, &mut self.out, u64::from(size.wrapping_neg() % 4))
    }

    fn header(
        &mut self,
        path: &str,
        inode: u32,
        mode: u32,
        links: u32,
        size: u32,
        device: (u32, u32),
    ) -> Result<(), WriteError> {
        if path.len() > 4095 {
            return Err(WriteError::TooLarge { entry: path.to_owned(), what: "the name" });
        }
        let name = path.len() + 1;
        let (time, (major, minor)) = (self.time, device);
        let mut text = "070701".to_owned();
        for field in [inode, mode, 0, 0, links, time, size, 0, 0, major, minor, name as u32, 0] {
            text.push_str(&format!("{field:08x}"));
        }
        text.push_str(path);
        text.push('\0');
        self.out.write_all(text.as_bytes()).map_err(io_error(path))?;
        zeros(path, &mut self.out, (text.len().wrapping_neg() % 4) as u64)
    }
}
