//! Help, reference, manual pages and completions.

use crate::environment::{Project, snapshot};

#[test]
fn the_reference_is_in_step() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md");
    let want = repro::cli::docs::reference();
    if std::env::var_os("REPRO_UPDATE_DOCS").is_some() {
        std::fs::write(path, &want).expect("write the reference");
    }
    let is = std::fs::read_to_string(path).unwrap_or_default();
    assert!(is == want, "docs/reference.md is out of date: run REPRO_UPDATE_DOCS=1 cargo test --test cli");
}

#[test]
fn short_help_fits_a_screen() {
    let said = Project::empty().repro(&["-h"]).ends(0);
    assert!(said.out.lines().count() <= 50, "{}", said.out);
    snapshot("cli-help", &said.out);
    let bare = Project::empty().repro(&[]).ends(2);
    assert!(bare.err.contains("Usage: repro"), "{}", bare.all());
}

#[test]
fn a_manual_page_for_each_command() {
    let project = Project::empty();
    project.repro(&["man", "man1"]).ends(0);
    let page = project.read("project/man1/repro-store-gc.1");
    assert!(page.contains("dry\\-run"), "{page}");
    let top = project.read("project/man1/repro.1");
    assert!(top.contains("this host cannot give the promised isolation"), "{top}");
    for shell in ["bash", "zsh", "fish"] {
        let script = project.repro(&["completions", shell]).ends(0).out;
        assert!(script.contains("--keep-going") || script.contains("keep-going"), "{shell}");
    }
}
