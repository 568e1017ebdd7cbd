//! What runs asks for, and where the kernel and the loaders look for it.
//!
//! A root file system is seen through a few questions ([`Tree`]), so that a tree of the store, a directory and an image are
//! all the same here. Paths are relative to the root, and links in them are followed as the kernel does ([`resolve`]).

mod paths;

pub use paths::{Found, Kind, Tree, join, parent, parts, resolve};
