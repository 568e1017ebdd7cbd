//! Stage and sysroot definitions.

mod action;
mod files;
mod graph;
mod level;
mod load;
mod mistake;
mod model;
mod order;
mod params;
mod parse;
mod parse_image;
mod parse_sysroot;
mod parse_when;
mod reader;
mod render;
mod schema;
mod sysroot;
#[cfg(test)]
mod tests;
mod values;
mod why;

pub use action::{
    ActionInputs, ComposeError, Composed, FolderEntry, LAYOUT, Layer, SourceInput, WinInput, compose, stage_directory,
};
pub use files::{FileKind, FilesError, StageFile, stage_tree_files};
pub use graph::{FIXED_ENVIRONMENT, Graph, UnknownStage, WRITER};
pub use level::Level;
pub use mistake::{Mistake, Mistakes};
pub(crate) use mistake::{did_you_mean, nearest};
pub use model::{InputRef, Limits, SourceDef, SourceUse, Stage, Win};
pub use params::{ParamError, ParamValues};
pub(crate) use reader::{Doc, Fields};
pub use schema::{sources_schema, stage_schema, sysroot_schema};
pub use sysroot::{ArchiveDef, PackageWin, SysrootDef, SysrootFile, SysrootLink};
pub use why::{Change, Record, RecordError, why};

/// The bytes that a size with its unit means, such as `256MiB`.
///
/// # Errors
/// It means none; in words, with the cure.
pub fn parse_size(text: &str) -> Result<u64, String> {
    values::size(text)
        .map_err(|wrong| [Some(wrong.message), wrong.help].into_iter().flatten().collect::<Vec<_>>().join(": "))
}
