//! Provenance: what went into a file that was built, and by whose hands.
//!
//! A stage's trace says what its processes did, and its action says what they could see. Together they answer which
//! processes made a file of the stage's output, and which files of which inputs reached it: by role, path and digest.
//! [`explain()`] follows these through the stages that left the inputs, as deep as is asked, and gives an [`Answer`].
//!
//! # How something reaches an output
//! From the file back: whoever wrote it, what they read before, who wrote that. Each input gets the strongest of three
//! classes ([`Class`]):
//!
//! - *data*: opened and read by a process whose output went into the file;
//! - *tool*: executed by such a process, with loader and libraries; and what such a program was made of, where the stage
//!   made it;
//! - *control*: scripts, makefiles, what those read who started these processes, and what was read by commands that a
//!   shell asked (`$(…)`). Only one step is taken here: with more, a configure script would make everything depend on
//!   everything.
//!
//! *Who wrote a file* at some time is decided by order numbers (`versions`): all who wrote before, but for those whose
//! file was surely replaced since. Renames are followed, of folders too; those from one file system to another cannot
//! have happened. Two events of different processes that are near each other may have been numbered in the wrong order:
//! what is not surely too late, or surely gone, counts. Rather a link too many than one too few.
//!
//! *Pipes* connect those who hold their ends. What make gives to all that it starts does not count as read. The end of a
//! pipe that nobody holds as standard descriptor is with a parent: of those who write, if it reads (a shell asks a
//! command), of those who read, if it writes (a here-document).
//!
//! *A shell* that opens a file for a command does not write to it, nor does a compiler's driver that makes a temporary
//! file. A shell that writes itself (`echo`) is a maker like others: what it read besides its script is data.
//!
//! *A process that makes many files of many* (`cp`, `install`) is not asked to tell which came from which: those that copy
//! are known by name, and a file's origin is then the one with the most alike path. And whatever made it: an output with
//! the same content as an input that reached it is a copy of that input, and nothing else went into it.
//!
//! *Who shows all of it* (the page of an audit) asks [`explain_each`]: the same answer for every file of an output and of
//! the stages behind it, each trace read once.
//!
//! *Who judges what stages did* (the audit) takes an [`Observed`]: the same facts for all files of an output at once.
//!
//! # Inputs
//! A path of the trace is looked up in the trees of the action, layer by layer and with the same rules as they were merged
//! (`inputs`): nothing is hashed again. A header or library is told with those of the same name that lost (`search`):
//! in folders that the process asked about, or that compilers look into by themselves.
//!
//! # Size
//! An [`Index`] is a few sorted vectors with numbers; no path is a string of its own. A question looks at the processes and
//! paths that it comes by. Traces are read one after the other.
//!
//! # Limits
//! - What passes through arguments, environment and variables of a shell is control, whatever it carries.
//! - An output's own history counts as one: several processes that wrote to the same file are not told apart by offsets.
//! - What was written to a file by one of its names after it got a second one (link(2)) is not seen by the second.
//! - A linker that is itself a dynamic program has the libraries that it needs itself as data, like those that it links:
//!   the trace does not tell which of the two it opened them for. (The audit asks the program's DT_NEEDED.)
//! - Programs are known by name: a compiler's driver that is called otherwise counts as one more maker.

mod answer;
mod class;
mod copier;
mod each;
mod error;
mod explain;
mod index;
mod inputs;
mod lineage;
mod names;
mod observe;
mod search;
#[cfg(test)]
mod tests;
mod versions;
mod walk;
mod what;

pub use answer::{
    Answer, Archive, Beyond, Copied, File, Input, Link, Lost, Made, Maker, SCHEMA, Search, answer_schema,
};
pub use class::Class;
pub use each::{Left, explain_each};
pub use error::Error;
pub use explain::{Built, Question, Stages, explain};
pub use index::Index;
pub use inputs::Role;
pub use lineage::{Judgement, Passage, Passed};
pub use observe::{Actor, Declared, Given, Observed, Reached};
pub use walk::Reach;
pub use what::What;
