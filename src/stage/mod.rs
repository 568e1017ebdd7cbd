//! Stage and sysroot definitions.

mod files;
mod graph;
mod load;
mod mistake;
mod model;
mod order;
mod params;
mod parse;
mod parse_sysroot;
mod reader;
mod sysroot;
mod values;

pub use files::{FileKind, FilesError, StageFile, stage_tree_files};
pub use graph::{FIXED_ENVIRONMENT, Graph, UnknownStage};
pub use mistake::{Mistake, Mistakes};
pub use model::{InputRef, Limits, SourceDef, SourceUse, Stage, Win};
pub use params::{ParamError, ParamValues};
pub use sysroot::{ArchiveDef, PackageWin, SysrootDef, SysrootFile, SysrootLink};
