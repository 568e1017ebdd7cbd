//! `repro verify` names the causes of differences: faults are planted, and what is named is held against them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use repro::verify::cause::Class;
use serde_json::Value;

use crate::audit::store;
use crate::environment::copy;
use crate::planted::{PLANTED, Planted};

/// A project with all planted stages, always at the same place: the store keeps roots of a project by its path.
fn project() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("causes");
    copy(&root.join("sysroots"), &project.join("sysroots"));
    std::fs::copy(root.join("lockfile.json"), project.join("lockfile.json")).expect("copy the lockfile");
    let stages = project.join("stages");
    if stages.exists() {
        std::fs::remove_dir_all(&stages).expect("remove old stages");
    }
    for Planted { name, script, .. } in PLANTED {
        let folder = stages.join(name);
        std::fs::create_dir_all(&folder).expect("make a folder");
        let definition = "schema = 1\nsummary = \"a planted fault\"\ntools = [\"sysroot:seed\"]\n";
        std::fs::write(folder.join("stage.toml"), definition).expect("write a stage");
        std::fs::write(folder.join("build.sh"), format!("{script}\n")).expect("write a script");
    }
    std::fs::write(stages.join("sources.toml"), "").expect("write the sources");
    project
}

fn repro(project: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    command.args(args).current_dir(project).env("REPRO_STORE", store()).env("COLUMNS", "120");
    command.output().expect("run repro")
}

/// The manual of causes; what is before the first of them is written by hand.
#[test]
fn the_manual_has_all_causes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/causes.md");
    let before = std::fs::read_to_string(&path).expect("the manual is there");
    let head = before.split("\n## `").next().unwrap_or_default().trim_end();
    let mut text = format!("{head}\n");
    for class in Class::ALL {
        let sentence = class.sentence();
        let (first, rest) = sentence.split_at(1);
        let sentence = format!("{}{rest}", first.to_uppercase());
        text.push_str(&format!("\n## `{}`\n\n{sentence}.\n\nCure: {}.\n", class.name(), class.cure()));
    }
    if std::env::var_os("REPRO_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).expect("write the manual");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("the manual is there"), text);
}

/// All causes that are named of a stage, and those that are said to be proved.
fn named(stage: &Value) -> [BTreeSet<String>; 2] {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let causes: Vec<Value> = list(&stage["differing"]).iter().flat_map(|place| list(&place["causes"])).collect();
    let name = |cause: &Value| cause["class"].as_str().expect("a class").to_owned();
    let proved = |cause: &&Value| cause["proof"]["proof"] == "proved";
    [causes.iter().map(name).collect(), causes.iter().filter(proved).map(name).collect()]
}

#[test]
fn planted_faults_are_named() {
    let project = project();
    let mut built = repro(&project, &["build", "--offline", "--audit=warn", "--quiet"]);
    if built.status.code() == Some(5) {
        if std::env::var_os("REPRO_TEST_NO_SKIP").is_none() {
            eprintln!("SKIPPED: the sysroot `seed` is not in the store `{}`", store().display());
            return;
        }
        built = repro(&project, &["build", "--audit=warn", "--quiet"]);
    }
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let only = std::env::var("REPRO_PLANTED").unwrap_or_default();
    let planted: Vec<&Planted> =
        PLANTED.iter().filter(|one| only.is_empty() || only.split(',').any(|name| name == one.name)).collect();
    // Most of the time is waited for another second to begin.
    let mut args =
        vec!["verify", "--rebuild", "--jobs", "6", "--json", "--html", "causes.html", "--junit", "causes.xml"];
    args.extend(planted.iter().map(|one| one.name));
    let said = repro(&project, &args);
    let text = String::from_utf8(said.stdout).expect("repro writes UTF-8");
    let start = text.find("{\n  \"schema\"").unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&said.stderr)));
    std::fs::write(project.join("causes.json"), &text[start..]).expect("write the report");
    let report: Value = serde_json::from_str(&text[start..]).expect("JSON");
    let schema = repro::verify::report_schema().to_value();
    assert!(jsonschema::validator_for(&schema).expect("the schema is one").is_valid(&report), "the schema holds");

    let mut table = format!(" {:<13} {:<40} {:<40} proved\n", "stage", "planted", "named");
    let (mut right, mut wrong) = (0, Vec::new());
    let stages = report["stages"].as_array().expect("a list");
    for Planted { name, causes, proved, .. } in &planted {
        let stage = stages.iter().find(|stage| stage["stage"] == *name).expect("each stage is there");
        let [all, sure] = named(stage);
        let wanted: BTreeSet<String> = causes.iter().map(|cause| (*cause).to_owned()).collect();
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        let is_right = all == wanted;
        let mark = if is_right { " " } else { "!" };
        table.push_str(&format!("{mark}{name:<13} {:<40} {:<40} {}\n", join(&wanted), join(&all), join(&sure)));
        right += usize::from(is_right);
        if !sure.is_subset(&wanted) {
            wrong.push(format!("{name}: proved, and not planted: {}", join(&sure)));
        }
        if *proved && is_right && sure != wanted {
            wrong.push(format!("{name}: not proved: {}", join(&wanted)));
        }
    }
    let runs: usize = stages.iter().filter_map(|stage| Some(stage["trials"].as_array()?.len())).sum();
    println!("{table}{right} of {} are right, in {runs} runs", planted.len());
    assert!(wrong.is_empty(), "{table}{}", wrong.join("\n"));
    assert!(right * 100 >= planted.len() * 95, "{table}");
}
