//! `repro verify --installed`

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use globset::GlobSet;

use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::fs::{self, Dir};
use crate::pack::{self, header::MANIFEST};
use crate::report::installed_text;

/// What only matters with `--installed`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Hold an installed system against the table that its image was made by: `/` on the system itself, or where its root
    /// is mounted. Other file systems that are mounted in it are not entered.
    #[arg(long, value_name = "ROOT", conflicts_with_all = ["subjects", "rebuild", "axes", "causes", "against", "html", "junit", "only"])]
    pub installed: Option<PathBuf>,
    /// The table [default: usr/share/repro/manifest below the root, which whoever changes the system can change as well].
    #[arg(long, value_name = "FILE", requires = "installed")]
    pub table: Option<PathBuf>,
    /// The Merkle root that the table has to have, as a build's report says it: then the table in the system will do.
    #[arg(long, value_name = "HEX", requires = "installed")]
    pub merkle_root: Option<String>,
}

/// Walks the root and says what is not as it was delivered.
///
/// # Errors
/// There is no table, or something cannot be read.
pub(super) fn run(root: &Path, args: &Args, exempt: &GlobSet, context: &Context) -> Result<ExitCode, Failure> {
    let inside = root.join(MANIFEST);
    let place = args.table.as_deref().unwrap_or(&inside);
    let table = fs::read(place).map_err(|error| {
        let failure = Failure::of(ExitCode::Usage, &error);
        failure.hint(Some("name the table that the image was made by with `--table FILE`".to_owned()))
    })?;
    let exempt = |path: &[u8]| exempt.is_match(Path::new(std::ffi::OsStr::from_bytes(path)));
    let report = pack::installed(&Dir::open(root)?, &table, args.merkle_root.as_deref(), &exempt)?;
    if context.globals.json {
        context.print_json(&report)?;
    } else {
        context.print(&installed_text(&report, context.palette(Stream::Out)))?;
    }
    Ok(if report.deviations.is_empty() { ExitCode::Done } else { ExitCode::No })
}
