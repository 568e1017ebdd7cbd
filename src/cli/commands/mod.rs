//! One file for each command: its arguments, and a few calls into the library.

pub mod attest;
pub mod audit;
pub mod build;
pub mod closure;
pub mod completions;
pub mod doctor;
pub mod fetch;
pub mod fsck;
pub mod graph;
pub mod image;
pub mod init;
pub mod lock;
pub mod log;
pub mod man;
pub mod new;
pub mod plan;
pub mod run;
pub mod sbom;
pub mod seeds;
pub mod shell;
pub mod size;
pub mod store;
pub mod trace;
pub mod unpack;
pub mod verify;
pub mod why;
