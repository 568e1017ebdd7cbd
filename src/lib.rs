//! `repro`: a sandboxed, reproducible build orchestrator.
//!
//! ARCHITECTURE.md gives the layers, the formats and the promises. A module uses only modules of lower layers; a test
//! reads the table there and the code here.
#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "tests make the world that they test in, and say what they skip"
    )
)]

pub mod attest;
pub mod audit;
pub mod build;
pub mod calls;
pub mod cli;
pub mod container;
pub mod diff;
pub mod digest;
pub mod exec;
pub mod fetch;
pub mod format;
pub mod fs;
pub mod gate;
pub mod image;
pub mod loader;
pub mod lockfile;
pub mod pack;
pub mod provenance;
pub mod report;
pub mod rootfs;
pub mod sandbox;
pub mod sbom;
pub mod schedule;
pub mod stage;
pub mod store;
pub mod sys;
pub mod sysroot;
pub mod template;
pub mod trace;
pub mod verify;
