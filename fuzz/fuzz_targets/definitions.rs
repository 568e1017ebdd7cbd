//! Definitions of stages, sources, sysroots and archives: four texts with a line of `%` between them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use repro::stage::{Graph, ParamValues};

/// A project with one stage and one sysroot.
static PROJECT: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = std::env::temp_dir().join(format!("repro-fuzz-{}", std::process::id()));
    fs::create_dir_all(root.join("stages/one")).expect("a folder");
    fs::create_dir_all(root.join("sysroots")).expect("a folder");
    fs::write(root.join("stages/one/build.sh"), "true\n").expect("a file");
    root
});

const FILES: [&str; 4] =
    ["stages/one/stage.toml", "stages/sources.toml", "sysroots/tiny.toml", "sysroots/archives.toml"];

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(FILES.len(), "\n%\n");
    for name in FILES {
        fs::write(PROJECT.join(name), parts.next().unwrap_or("")).expect("it can be written");
    }
    match Graph::load(&PROJECT, &ParamValues::default()) {
        Ok(graph) => assert_eq!(graph.order().count(), 1),
        Err(mistakes) => assert!(!mistakes.to_string().is_empty(), "a mistake is told"),
    }
});
