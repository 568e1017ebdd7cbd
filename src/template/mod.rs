//! Projects and stages that begin from texts which lie in the program.
//!
//! A [`Draft`] is a set of new files, and of text to be added to `stages/sources.toml` and `audit.toml`: [`project()`] makes one
//! for a new project, [`stage()`] one for a stage by a [`Kind`] of build system. Nothing is written before all of it is known,
//! and nothing that is there is written over.
//!
//! The texts of new stages stand in `templates/stage/KIND`, those of new projects in `templates/project`. What they refer to
//! and the project lacks is added with them: stages and sysroots of the project that `repro` itself ships are embedded as they
//! are (`shelf.rs`), so that a project which compiles something has the very compiler of this one, bootstrapped from the same
//! sources, and finds it in the store if that was ever built. What a stage needs is read from its text: there is no list of it.

mod draft;
mod error;
mod kind;
mod project;
mod shelf;
mod stage;
#[cfg(test)]
mod tests;

pub use draft::Draft;
pub use error::Error;
pub use kind::Kind;
pub use project::project;
pub use stage::{NewStage, stage};
