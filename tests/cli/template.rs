//! `repro init` and `repro new`.

use repro::audit;

use crate::environment::{Project, Said};
use crate::image;

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()))
}

#[test]
fn a_project_is_begun_once() {
    let project = Project::empty();
    let said = project.repro(&["init", "--json"]).ends(0);
    let written = &json(&said)["written"];
    assert!(
        written.as_array().is_some_and(|paths| paths.iter().any(|path| path == "stages/hello/build.sh")),
        "{written}"
    );
    let graph = project.repro(&["graph"]).ends(0);
    assert!(graph.out.contains("image") && graph.out.contains("hello"), "{}", graph.all());
    project.write("project/stages/hello/build.sh", "mine");
    let again = project.repro(&["init"]).ends(2);
    assert!(again.err.contains("write `.gitignore`: it is there already"), "{}", again.all());
    assert_eq!(project.read("project/stages/hello/build.sh"), "mine");
    // In another folder, which is made.
    let other = project.repro(&["init", "a/b"]).ends(0);
    assert!(other.err.contains("next: repro lock, repro build"), "{}", other.all());
    project.repro(&["-C", "a/b", "graph"]).ends(0);
}

#[test]
fn a_stage_is_begun_with_what_it_needs() {
    let project = Project::empty();
    project.repro(&["init"]).ends(0);
    let source = ["--url", "mirror://test/a-1.tar.xz", "--version", "1", "--license", "MIT"];
    for (template, has) in [
        ("autotools", "configure"),
        ("cmake", "cross.cmake"),
        ("meson", "cross.meson"),
        ("make", "make"),
        ("kernel-module", "M=/build/module"),
    ] {
        let args = [&["new", "stage", template, "--template", template][..], &source].concat();
        project.repro(&args).ends(0);
        assert!(project.read(&format!("project/stages/{template}/build.sh")).contains(has));
        let said = project.repro(&["graph", template]).ends(0);
        assert!(said.out.contains("gcc"), "{}", said.all());
    }
    let sources = project.read("project/stages/sources.toml");
    assert_eq!(sources.matches("[autotools]").count() + sources.matches("[linux]").count(), 2, "{sources}");
    audit::Config::parse(&project.read("project/audit.toml")).expect("it has no mistake");
    for (args, words) in [
        (&["new", "stage", "x", "--template", "rake"][..], "there are autotools, cmake"),
        (&["new", "stage", "make", "--template", "make"], "`stages/make`: it is there already"),
        (&["new", "stage", "x", "--template", "make"], "state it by --url"),
        (&["new", "stage", "x", "--template", "image"], "--of STAGE"),
        (&["new", "stage", "x", "--template", "make", "--url", "u"], "--license"),
    ] {
        let said = project.repro(args).ends(2);
        assert!(said.err.contains(words), "{words}: {}", said.all());
    }
}

#[test]
fn what_a_template_states_is_built() {
    let project = image::project();
    let said = project.build(&["new", "stage", "pictures", "--template", "image", "--of", "one", "--json"]).ends(0);
    assert_eq!(json(&said)["next"][0], "repro build pictures", "{}", said.all());
    project.build(&["build", "pictures", "--plain"]).ends(0);
    let sums = project.read("project/out/pictures/SHA256SUMS");
    for file in ["pictures.tar.zst", "pictures.squashfs", "pictures.erofs", "pictures.ext4"] {
        assert!(sums.contains(file), "{sums}");
    }
}
