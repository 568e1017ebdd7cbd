//! The command line: the only part that reads the environment, speaks, and ends the process.
//!
//! - [`args`]: what can be said, as clap definitions; the reference, man pages and completions come from it.
//! - [`context`]: what was said, together with the environment, as values for the commands.
//! - [`commands`]: one file for each command: its arguments and the calls into the library.
//! - [`failure`] and [`exit`]: how a failure reads, and the code that the process ends with.
//! - [`causes`]: which code each error of the library means.
//! - [`pins`]: what `lock`, `fetch` and `build` ask of the network.
//! - `signals`: INT, TERM and HUP stop the run; a second one ends the process.
//! - `output`: standard output, and what happens when nobody reads it.
//! - `attach`: statements that go with an image.
//! - `enter`: a sandbox on this terminal.
//! - [`docs`]: the reference in Markdown.
//!
//! Data goes to stdout, talk to stderr. A broken pipe on stdout ends the process quietly with 128+13.

pub mod args;
mod attach;
pub mod causes;
pub mod commands;
pub mod context;
pub mod docs;
mod enter;
pub mod exit;
pub mod failure;
mod machines;
pub mod named;
mod output;
mod panics;
pub mod pins;
pub mod project;
mod run;
mod signals;
pub mod terminal;

pub use args::Cli;
pub use context::Context;
pub use exit::ExitCode;
pub use failure::Failure;
pub use run::main;
