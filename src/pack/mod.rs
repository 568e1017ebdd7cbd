//! Trees of a store become images.
//!
//! A stage that states images (`[image."FILE"]`) runs no script: this module writes them, in this process, from the trees
//! and the tables of owners that the stage takes ([`table`]). The formats are written by module `image`. Nothing is
//! executed, nothing mounted, no root is needed, and no bytes of the host get in: what is written follows from the
//! recipe and from trees that are named by their digests. `repro image` writes single images of any stage's output the same
//! way.
//!
//! Container images of several platforms are made of image layouts that exist ([`Layout`]), of whomever: these are read with
//! suspicion.
//!
//! [`installed()`] holds a mounted root, or the running system's own, against the table that it was made by.
//!
//! [`attach()`] adds statements to an image layout that is there.
//!
//! What was read for an image is told ([`Written::read`]), so that the trace of such a stage says it as that of any other.

mod attach;
mod boot;
mod container;
mod contents;
mod error;
pub mod header;
mod installed;
mod join;
mod layout;
#[cfg(test)]
mod layout_tests;
mod packer;
pub mod table;
#[cfg(test)]
mod tests;

pub use attach::attach;
pub use error::{Error, Fault, LayoutFault};
pub use installed::{Deviant, Deviation, Installed, installed, installed_schema};
pub use layout::{Held, Layout};
pub use packer::{Packer, Written};
