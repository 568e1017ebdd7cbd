//! Root file systems, composed from what stages left.
//!
//! A stage that states a root (`[root]`) runs no script: this module composes it, in this process. No file is copied: a
//! tree is made of the digests that others have. [`Composer::compose`] works in steps, each of which collects all that is
//! wrong before it ends:
//!
//! 1. *Layers* (`layers`). Components are equals: a path that two give differently is an error, unless a rule says which
//!    counts. Above them lies what the stage itself states (directories, links, templates), above that its overlays in their
//!    order. Whatever is hidden is reported with both sources.
//! 2. *Manifests* (`manifest`). Lines `PATTERN TYPE MODE OWNER GROUP` say what a tree does not know, and are
//!    checked both ways: a path without a line is an error (or is left out, if only what is listed is delivered), and so is
//!    a line without a path. Owners are those of the image's own passwd and group.
//! 3. *Closure* (`closing`). What the roots need is computed, with who needs what and why (module `loader`); what is missing
//!    is an error, what nothing needs is reported, or left out.
//! 4. *Links*: each leads to something, or into a directory that is stated to be filled when the system runs.
//! 5. *Budgets*, of lines and of components.
//! 6. *Tables* (`table`). The manifest that lies in the image and the one beside it are the same lines; the file cannot
//!    hold its own digest. Their head names what the image was made from and the root of a Merkle tree over all lines.
//!
//! # What it was made from
//! The stamp of an image is the digest of all that decides it: definition, trees of the components, the stage's folder,
//! parameters, and the upstream archives that the release file lists (`release`). There is no clock in it, nor the sandbox's
//! version: nothing runs.

mod capability;
mod closing;
mod compose;
mod decide;
mod error;
mod layers;
mod manifest;
mod release;
mod report;
mod survey;
mod table;
#[cfg(test)]
mod tests;

pub use compose::{Composed, Composer, Made};
pub use error::{Error, Problem};
pub use report::{Closing, ComponentSize, LogLine, Report, Shadowed, Undelivered, log_schema, report_schema};
pub use survey::{Absent, Broken, Needed, Questions, Reason, Superfluous, Survey, Surveyed, survey_schema};
