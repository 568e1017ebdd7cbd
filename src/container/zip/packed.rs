//! The bytes of a file in a zip archive.

use std::io::{BufReader, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use crate::container::fault::Fault;
use crate::container::listing::Unpack;
use crate::container::spool::Spool;
use crate::fs::Content;

const CHUNK: usize = 256 * 1024;

/// A file as it lies in the archive.
#[derive(Debug)]
pub(super) struct Packed {
    pub bytes: Content,
    pub method: u16,
    pub encrypted: bool,
    pub crc: u32,
    pub size: u64,
}

impl Unpack for Packed {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn packed(&self) -> Content {
        self.bytes.clone()
    }

    fn tag(&self) -> u64 {
        u64::from(self.method) << 32 | u64::from(self.crc)
    }

    fn unpack(&self, spool: &Spool) -> Result<Content, Fault> {
        if self.encrypted {
            return Err(Fault::unsupported("encryption"));
        }
        let content = match self.method {
            0 => self.bytes.clone(),
            8 => {
                let input = DeflateDecoder::new(BufReader::new(self.bytes.reader()));
                spool.keep(input.take(self.size.saturating_add(1)))?
            }
            method => return Err(Fault::unsupported(format!("method {}", method_name(method)))),
        };
        if content.size() != self.size {
            return Err(Fault::malformed("its content has another size than stated"));
        }
        let (mut crc, mut at) = (Crc::new(), 0);
        while at < content.size() {
            spool.check()?;
            let bytes = content.bytes_at(at, CHUNK)?;
            crc.update(&bytes);
            at += bytes.len() as u64;
        }
        if crc.sum() != self.crc {
            return Err(Fault::malformed("the checksum of its content is wrong"));
        }
        Ok(content)
    }
}

/// A method as APPNOTE 4.4.5 calls it.
pub(super) fn method_name(method: u16) -> String {
    match method {
        0 => "stored".to_owned(),
        8 => "deflate".to_owned(),
        9 => "deflate64".to_owned(),
        12 => "bzip2".to_owned(),
        14 => "LZMA".to_owned(),
        93 => "zstd".to_owned(),
        95 => "xz".to_owned(),
        98 => "PPMd".to_owned(),
        99 => "AES".to_owned(),
        other => format!("number {other}"),
    }
}
