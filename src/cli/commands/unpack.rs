//! `repro unpack`

use std::io::BufReader;
use std::path::PathBuf;

use crate::cli::{Context, ExitCode, Failure};
use crate::format::{Modes, Rules, Summary, unpack_to_dir};
use crate::fs;
use crate::report::bytes;

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
    /// Keep permission bits; without it 0755 for directories and what is executable, 0644 for the rest.
    #[arg(long)]
    pub keep_modes: bool,
}

/// Runs it.
///
/// # Errors
/// The archive is damaged, or holds what cannot be unpacked faithfully.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let name = args.archive.display().to_string();
    let failed = |error: fs::Error| Failure::new(ExitCode::Usage, format!("cannot open `{name}`: {}", error.io()));
    let input = fs::open(&args.archive).map_err(failed)?;
    let modes = if args.keep_modes { Modes::Keep } else { Modes::Normalise };
    let rules = Rules { strip: args.strip, modes, ..Rules::default() };
    let summary = unpack_to_dir(&name, BufReader::new(input), None, &rules, &args.folder, false)?;
    if context.globals.json {
        let Summary { files, directories, symlinks, hardlinks, bytes, replaced, special_modes, other, .. } = &summary;
        context.print_json(&serde_json::json!({
            "schema": 1, "files": files, "directories": directories, "symlinks": symlinks, "hardlinks": hardlinks,
            "bytes": bytes, "replaced": replaced, "special_modes": special_modes, "other": other,
        }))?;
    }
    let size = bytes(summary.bytes);
    context.say(&format!("unpacked {} files of {size} into `{}`", summary.files, args.folder.display()));
    for (what, number) in &summary.other {
        context.say(&format!("left out: {number} times {what}"));
    }
    Ok(ExitCode::Done)
}
