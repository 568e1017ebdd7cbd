//! What runs asks for, and where the kernel and the loaders look for it.
//!
//! A root file system is seen through a few questions ([`Tree`], [`Objects`]), so that a tree of the store, a directory and an
//! image are all the same here. Paths are relative to the root, and links in them are followed as the kernel does
//! ([`resolve`]). [`Loaders`] finds a library as ld.so(8) and musl's loader do. [`close`] goes from what has to run to all that
//! it needs, with the reasons, in a [`View`] that reads a file only when somebody asks about it.
//!
//! Program headers decide, as they do for the kernel and the loader. An object that contradicts itself is told as broken, and
//! is no panic. Nothing is executed.

mod closure;
mod machine;
mod modules;
mod object;
mod opens;
mod paths;
mod search;
#[cfg(test)]
mod tests;
mod view;

pub use closure::{Ask, BUILT_IN, Closure, Missing, Need, close, services};
pub use machine::Machine;
pub use object::{Dynamic, Module, Object, dynamic, is_object};
pub use opens::opened_names;
pub use paths::{Found, Kind, Tree, join, parent, parts, resolve};
pub use search::{Asks, Chain, Libc, Loaders, Objects, Place, elements, is_musl_own, with_chain};
pub use view::{Facts, Own, View};
