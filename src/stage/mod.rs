//! Stage and sysroot definitions.

mod model;
mod sysroot;

pub use model::{InputRef, Limits, SourceDef, SourceUse, Stage, Win};
pub use sysroot::{ArchiveDef, PackageWin, SysrootDef, SysrootFile, SysrootLink};
