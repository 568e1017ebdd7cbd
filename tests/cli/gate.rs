//! The gate: what is delivered is audited before it is offered.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::environment::{Project, Said};

const LEAK: &str = "mkdir -p /out/etc; echo 'path = /build/x' > /out/etc/a.conf\n";
const ALLOW: &str =
    "schema = 1\n[[allow]]\nrule = \"leak-build-path\"\npath = \"etc/*\"\nstage = \"one\"\nreason = \"for a test\"\n";

/// A stage that leaves a file with a finding of severity error, and a test of it.
fn project() -> Project {
    let project = Project::script(LEAK);
    project.stage("check", "tools = [\"sysroot:tiny\"]\ninputs = [\"stage:one\"]\ntest = true\n");
    project.write("project/stages/check/build.sh", "cat /in/one/etc/a.conf > /out/seen\n");
    project
}

fn events(said: &Said, kind: &str) -> Vec<Value> {
    let events = said.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    events.map(|mut record| record["event"].take()).filter(|event| event["kind"] == kind).collect()
}

fn link(project: &Project) -> Option<PathBuf> {
    std::fs::read_link(project.path("project/out/one")).ok()
}

/// Files as young as the clock's tick are not trusted to be unchanged.
fn later() {
    std::thread::sleep(Duration::from_millis(100));
}

#[test]
fn what_has_errors_is_not_offered() {
    let project = project();
    for args in [&["build", "--plain"][..], &["build", "--quiet"], &["build", "one", "--plain", "--audit=error"]] {
        let said = project.build(args).ends(1);
        for words in ["refused one", "leak-build-path", "etc/a.conf", "cure:", "repro audit one"] {
            assert!(said.err.contains(words), "{words}: {}", said.all());
        }
        assert_eq!(link(&project), None);
    }
    let said = project.build(&["build", "--json"]).ends(1);
    let audited = events(&said, "audited");
    assert_eq!(audited.len(), 1, "{}", said.all());
    assert_eq!((&audited[0]["errors"], &audited[0]["offered"]), (&1.into(), &false.into()));
    assert_eq!(audited[0]["worst"][0]["object"], "etc/a.conf");
    assert_eq!(events(&said, "stage_finished")[0]["result"], "failed");
    assert_eq!(events(&said, "stage_skipped")[0]["stage"], "check", "a test of it does not run");
    assert_eq!(events(&said, "summary")[0]["products"], Value::Array(Vec::new()));
    project.build(&["build", "one", "--output", "copy", "--plain"]).ends(1);
    assert!(!project.path("project/copy").exists());
    // It is there to be looked at.
    project.build(&["audit", "one"]).ends(1);
}

#[test]
fn a_link_stays_with_what_passed() {
    let project = Project::script("echo fine > /out/file\n");
    project.build(&["build"]).ends(0);
    let before = link(&project);
    assert!(before.is_some());
    project.write("project/stages/one/build.sh", LEAK);
    project.build(&["build"]).ends(1);
    assert_eq!(link(&project), before);
}

#[test]
fn with_a_warning_it_is_offered_every_time() {
    let project = project();
    for _ in 0..2 {
        let said = project.build(&["build", "--audit=warn", "--quiet"]).ends(0);
        assert!(said.err.contains("warning one is offered although its audit found 1 error"), "{}", said.all());
        assert!(link(&project).is_some());
        later();
    }
    let said = project.build(&["build", "--audit=warn", "--json"]).ends(0);
    let audited = events(&said, "audited");
    assert_eq!((&audited[0]["errors"], &audited[0]["offered"]), (&1.into(), &true.into()));
    assert_eq!(events(&said, "summary")[0]["products"][0]["stage"], "one");
    // That it was offered once does not make it pass.
    project.build(&["build"]).ends(1);
    let said = project.build(&["build", "--audit=off"]).ends(2);
    assert!(said.err.contains("error, warn"), "{}", said.all());
}

#[test]
fn an_exception_counts_as_long_as_it_is_there() {
    let project = project();
    project.write("project/audit.toml", ALLOW);
    later();
    let said = project.build(&["build", "--json"]).ends(0);
    assert_eq!(events(&said, "audited")[0]["allowed"], 1);
    project.build(&["build"]).ends(0);
    // Now nothing is read but how files look.
    let said = project.build(&["build", "--json"]).ends(0);
    assert_eq!((events(&said, "planned").len(), events(&said, "audited").len()), (0, 0), "{}", said.all());
    project.write("project/audit.toml", "schema = 1\n");
    project.build(&["build"]).ends(1);
    project.write("project/audit.toml", ALLOW);
    project.build(&["build"]).ends(0);
    std::fs::remove_file(project.path("project/audit.toml")).expect("remove a file");
    project.build(&["build"]).ends(1);
    project.write("project/audit.toml", "schema = 1\n[[allow]]\nrule = \"leak-build-pth\"\n");
    let said = project.build(&["build"]).ends(2);
    assert!(said.err.contains("did you mean `leak-build-path`?"), "{}", said.all());
}

#[test]
fn a_file_that_appears_is_noticed() {
    let project = Project::script("echo fine > /out/file\n");
    later();
    for _ in 0..2 {
        project.build(&["build"]).ends(0);
    }
    project.write("project/audit.toml", "schema = 1\nleaks = [\"fine\"]\n");
    let said = project.build(&["build"]).ends(1);
    assert!(said.err.contains("it holds `fine"), "{}", said.all());
}

#[test]
fn ingredients_are_judged_where_they_arrive() {
    let project = Project::script(LEAK);
    project.stage("two", "tools = [\"sysroot:tiny\"]\ninputs = [\"stage:one\"]\n");
    project.write("project/stages/two/build.sh", "echo fine > /out/file\n");
    let said = project.build(&["build", "one", "--json"]).ends(0);
    assert_eq!(events(&said, "audited").len(), 0);
    let said = project.build(&["build", "--json"]).ends(0);
    assert_eq!(events(&said, "audited")[0]["stage"], "two");
    project.write("project/stages/two/build.sh", "cat /in/one/etc/a.conf > /out/file\n");
    project.build(&["build"]).ends(1);
}

#[test]
fn results_of_other_parameters_do_not_pass_for_one_another() {
    let project = Project::script("echo \"$REPRO_PROFILE\" > /out/file\n");
    project.stage("one", "tools = [\"sysroot:tiny\"]\nparams = [\"profile\"]\n");
    project.write("project/stages/one/build.sh", "echo \"$REPRO_PROFILE\" > /out/file\n");
    later();
    for profile in ["default", "minimal", "default", "minimal"] {
        project.build(&["build", "--profile", profile]).ends(0);
        let folder = if profile == "default" { "out/one" } else { "out/minimal/one" };
        assert_eq!(project.read(&format!("project/{folder}/file")), format!("{profile}\n"));
    }
}
