//! `repro unpack`

use std::path::PathBuf;

use crate::cli::{Context, ExitCode, Failure};

/// Unpack an archive as a stage would see it: strictly, and never outside DIR.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro unpack musl-1.2.5.tar.gz src --strip 1
  repro unpack package.deb root")]
pub struct Args {
    /// The archive: tar, zip, cpio, deb or ar, compressed or not.
    pub archive: PathBuf,
    /// Where to; made when missing, and must be empty.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Drop so many leading folders of each path.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub strip: usize,
}

/// Runs it.
///
/// # Errors
/// The archive is damaged, or holds what cannot be unpacked faithfully.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("unpack"))
}
