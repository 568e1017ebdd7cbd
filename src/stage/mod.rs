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
mod parse_root;
mod parse_sysroot;
mod parse_when;
mod reader;
mod render;
mod root;
mod schema;
mod sysroot;
#[cfg(test)]
mod tests;
mod values;
mod why;

use std::collections::BTreeMap;

use values::Wrong;

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
pub use root::{COMPOSED, COMPOSER, COMPOSER_VERSION, Deliver, RootDef, RootSource, RootWin};
pub use schema::{sources_schema, stage_schema, sysroot_schema};
pub use sysroot::{ArchiveDef, PackageWin, SysrootDef, SysrootFile, SysrootLink};
pub(crate) use values::fill;
pub use why::{Change, Record, RecordError, why};

/// Whether this can be the name of a stage.
///
/// # Errors
/// It cannot; in words, with the cure.
pub fn check_name(name: &str) -> Result<(), String> {
    values::name(name).map_err(Wrong::said)
}

/// What a parameter can be, its default first; none if there is no such parameter.
pub fn parameter_values(name: &str) -> Option<&'static [&'static str]> {
    params::values_of(name)
}

/// The sources that a text as that of `stages/sources.toml` defines.
///
/// # Errors
/// All that is wrong with it.
pub fn sources_of(text: &str) -> Result<BTreeMap<String, SourceDef>, Mistakes> {
    let (sources, mistakes) = parse::sources("stages/sources.toml", text);
    if mistakes.is_empty() { Ok(sources.unwrap_or_default()) } else { Err(Mistakes::new(mistakes)) }
}

/// A name as a key of TOML.
pub fn toml_key(name: &str) -> String {
    let is_bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_bare && !name.is_empty() { name.to_owned() } else { toml::Value::from(name).to_string() }
}

/// The bytes that a size with its unit means, such as `256MiB`.
///
/// # Errors
/// It means none; in words, with the cure.
pub fn parse_size(text: &str) -> Result<u64, String> {
    values::size(text).map_err(Wrong::said)
}
