//! The compressions of blocks.

use std::io;

use flate2::{Compress, FlushCompress, Status};
use liblzma::stream::{Action, Check, Filters, LzmaOptions, Stream};

use super::super::error::Error;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// zlib, which every kernel with squashfs reads.
    Gzip {
        /// 1 to 9; 9 is mksquashfs's own.
        level: u32,
    },
    /// xz, with a dictionary of a block.
    Xz {
        /// 0 to 9; 6 is mksquashfs's own.
        level: u32,
    },
    /// zstd.
    Zstd {
        /// 1 to 22; 15 is mksquashfs's own.
        level: u32,
    },
}

impl Compression {
    /// The number of the compressor. There is none for "none": the first is named, and not used.
    pub(super) fn number(self) -> u16 {
        match self {
            Self::None | Self::Gzip { .. } => 1,
            Self::Xz { .. } => 4,
            Self::Zstd { .. } => 6,
        }
    }

    pub(super) fn check(self) -> Result<(), Error> {
        let (level, levels) = match self {
            Self::None => return Ok(()),
            Self::Gzip { level } => (level, 1..=9),
            Self::Xz { level } => (level, 0..=9),
            Self::Zstd { level } => (level, 1..=22),
        };
        if levels.contains(&level) {
            return Ok(());
        }
        Err(Error::Option {
            option: "compression",
            reason: "the levels are 1 to 9 of gzip, 0 to 9 of xz, 1 to 22 of zstd",
        })
    }

    /// What the image has to say of it, where that is not what its readers take for granted.
    pub(super) fn options(self) -> Option<Vec<u8>> {
        match self {
            // Level, window, and no strategy but the usual one.
            Self::Gzip { level } if level != 9 => Some([&level.to_le_bytes()[..], &[15, 0, 0, 0]].concat()),
            Self::Zstd { level } if level != 15 => Some(level.to_le_bytes().to_vec()),
            _ => None,
        }
    }

    /// Compresses a block of an image with blocks of `block` bytes; none if it does not become smaller.
    pub(super) fn pack(self, bytes: &[u8], block: u32) -> io::Result<Option<Vec<u8>>> {
        let most = bytes.len().saturating_sub(1);
        let mut packed = Vec::new();
        match self {
            Self::None => return Ok(None),
            Self::Gzip { level } => {
                packed.reserve_exact(most);
                let mut state = Compress::new(flate2::Compression::new(level), true);
                let status = state.compress_vec(bytes, &mut packed, FlushCompress::Finish).map_err(io::Error::other)?;
                if status != Status::StreamEnd {
                    return Ok(None);
                }
            }
            Self::Xz { level } => {
                packed.reserve_exact(most);
                let mut options = LzmaOptions::new_preset(level).map_err(io::Error::other)?;
                options.dict_size(block);
                // The kernel knows no longer checksum.
                let mut state = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc32)
                    .map_err(io::Error::other)?;
                let status = state.process_vec(bytes, &mut packed, Action::Finish).map_err(io::Error::other)?;
                if status != liblzma::stream::Status::StreamEnd {
                    return Ok(None);
                }
            }
            Self::Zstd { level } => packed = zstd::bulk::compress(bytes, level.cast_signed())?,
        }
        // Allocators give more than they are asked for.
        Ok((packed.len() <= most).then_some(packed))
    }
}
