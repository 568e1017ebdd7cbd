//! What depends on parameters: branches, stages that are not there for all values, targets.

use super::Project;
use crate::stage::{Graph, ParamValues};

fn graph(project: &Project, settings: &[&str]) -> Graph {
    let params = ParamValues::parse(settings).expect("settings of parameters that there are");
    Graph::load(project.path(), &params).expect("definitions without mistakes")
}

fn inputs(graph: &Graph, stage: &str) -> Vec<String> {
    graph.stage(stage).expect("the stage is there").inputs.iter().map(ToString::to_string).collect()
}

const BRANCHES: &str = r#"
inputs = ["stage:a"]
params = ["arch", "profile"]
[env]
KEPT = "1"
[when.arch.aarch64]
inputs = ["stage:b"]
[when.arch.aarch64.env]
ADDED = "{arch}"
[when.profile.minimal]
inputs = ["stage:c"]
"#;

#[test]
fn a_branch_adds_to_lists_and_tables() {
    let project = Project::new();
    project.stage("a", "").stage("b", "").stage("c", "").stage("d", BRANCHES);
    assert_eq!(inputs(&graph(&project, &[]), "d"), ["stage:a"]);
    let both = graph(&project, &["arch=aarch64", "profile=minimal"]);
    assert_eq!(inputs(&both, "d"), ["stage:a", "stage:b", "stage:c"]);
    let env = &both.stage("d").expect("it is there").env;
    assert_eq!(
        env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        ["ADDED=aarch64", "KEPT=1"]
    );
}

#[test]
fn nothing_is_said_twice_and_nothing_unknown() {
    for (text, message) in [
        ("test = false\nparams = [\"arch\"]\n[when.arch.x86_64]\ntest = true\n", "`test` is said twice"),
        ("[when.arch.x86_64]\ntest = true\n", "`arch` is not among the stage's parameters"),
        ("params = [\"arch\"]\n[when.arch.sparc]\ntest = true\n", "`arch` cannot be `sparc`"),
        ("params = [\"arch\"]\n[when.arhc.x86_64]\ntest = true\n", "`arhc` is no parameter"),
        // Also in a branch that is not taken.
        ("params = [\"arch\"]\n[when.arch.aarch64]\nimput = []\n", "unknown key `imput`"),
        ("params = [\"arch\"]\nwhen = 3\n", "`when` must be a table"),
        ("params = [\"arch\"]\n[when.arch]\naarch64 = 3\n", "`when.arch.aarch64` must be a table"),
        ("[only]\nlibc = [\"gilbc\"]\n", "`libc` cannot be `gilbc`"),
    ] {
        let project = Project::new();
        project.stage("a", text);
        let mistakes = Graph::load(project.path(), &ParamValues::default()).expect_err(text).to_string();
        assert!(mistakes.contains(message), "{text}: {mistakes}");
    }
}

#[test]
fn a_stage_is_there_for_the_values_that_it_is_for() {
    let project = Project::new();
    project.stage("a", "[only]\nlibc = [\"glibc\"]\n").stage("b", "inputs = [\"stage:a\"]\n");
    let mistakes = Graph::load(project.path(), &ParamValues::default()).expect_err("a is not there").to_string();
    assert!(mistakes.contains("there is no stage `a` here: it is for `libc` glibc only, not musl"), "{mistakes}");
    let there = graph(&project, &["libc=glibc"]);
    assert_eq!(inputs(&there, "b"), ["stage:a"]);
    project.stage("b", "");
    let missing = graph(&project, &[]).find("a").expect_err("a is not there");
    assert!(missing.hint().is_some_and(|hint| hint.contains("glibc")), "{missing:?}");
}

#[test]
fn no_stage_is_called_like_the_folder_of_a_choice() {
    let project = Project::new();
    project.stage("glibc", "[only]\nlibc = [\"glibc\"]\n");
    assert!(graph(&project, &[]).stage("glibc").is_none(), "its results lie in out/glibc");
    project.stage("aarch64-glibc", "");
    let mistakes = Graph::load(project.path(), &ParamValues::default()).expect_err("it is in the way").to_string();
    assert!(mistakes.contains("no stage can be called `aarch64-glibc`"), "{mistakes}");
}

#[test]
fn what_is_built_on_demand_is_no_target() {
    let project = Project::new();
    project.stage("a", "on-demand = true\n").stage("b", "").stage("c", "test = true\non-demand = true\n");
    assert_eq!(graph(&project, &[]).default_targets(), ["b"]);
    assert_eq!(graph(&project, &[]).delivered().into_iter().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_target_names_what_anything_below_depends_on() {
    let project = Project::new();
    project.stage("a", "params = [\"libc\"]\n").stage("b", "params = [\"arch\"]\ninputs = [\"stage:a\"]\n");
    project.stage("c", "inputs = [\"stage:b\"]\n").stage("d", "");
    let graph = graph(&project, &["arch=aarch64"]);
    let target = |name: &str| graph.target(graph.stage(name).expect("it is there"));
    assert_eq!(["a", "b", "c", "d"].map(target), ["musl", "aarch64-musl", "aarch64-musl", "any"]);
}
