//! `repro graph`

use crate::environment::{Project, snapshot};

#[test]
fn text_dot_and_json() {
    let project = Project::small();
    let text = project.repro(&["graph"]).ends(0).out;
    let dot = project.repro(&["graph", "lib", "--format", "dot"]).ends(0).out;
    snapshot("cli-graph", &format!("{text}\n{dot}"));
    let json = project.repro(&["graph", "--json"]).ends(0).out;
    assert_eq!(json, project.repro(&["graph", "--format", "json"]).ends(0).out);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(value.get("schema").is_some(), "{json}");
}

#[test]
fn a_project_is_found_from_below() {
    let project = Project::small();
    let mut command = project.command(&["graph"]);
    command.current_dir(project.path("project/stages/lib"));
    let below = project.said(command.output().expect("run repro")).ends(0).out;
    assert_eq!(below, project.repro(&["graph"]).out);
}
