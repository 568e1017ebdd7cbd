//! The command line, as a user meets it: each test has a project, a store and an environment of its own.
//!
//! Paths and times in what is compared are replaced by words; snapshots stand under `snapshots/`.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests make the world that they test in, and say what they skip"
)]

#[path = "cli/attest.rs"]
mod attest;
#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/build.rs"]
mod build;
#[path = "cli/canaries.rs"]
mod canaries;
#[path = "cli/causes.rs"]
mod causes;
#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/containers.rs"]
mod containers;
#[path = "cli/environment.rs"]
mod environment;
#[path = "cli/gate.rs"]
mod gate;
#[path = "cli/graph.rs"]
mod graph;
#[path = "cli/image.rs"]
mod image;
#[path = "cli/inputs.rs"]
mod inputs;
#[path = "cli/manual.rs"]
mod manual;
#[path = "cli/planted.rs"]
mod planted;
#[path = "cli/referrers.rs"]
mod referrers;
#[path = "cli/roots.rs"]
mod roots;
#[path = "cli/sbom.rs"]
mod sbom;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/store.rs"]
mod store;
#[path = "cli/template.rs"]
mod template;
#[path = "cli/trace.rs"]
mod trace;
#[path = "cli/unpack.rs"]
mod unpack;
#[path = "cli/usage.rs"]
mod usage;
#[path = "cli/verify.rs"]
mod verify;
#[path = "cli/why.rs"]
mod why;
