//! `repro lock` and `repro fetch`, from a mirror that is a folder.

use crate::environment::{Project, snapshot, sources};

#[test]
fn lock_pins_and_check_knows() {
    let project = Project::small();
    let none = project.repro(&["lock", "--check"]).ends(1);
    assert!(none.out.contains("source `alpha` is not pinned"), "{}", none.all());
    assert!(!project.path("project/lockfile.json").exists());
    project.repro(&["lock"]).ends(0);
    let first = project.read("project/lockfile.json");
    snapshot("cli-lockfile", &first);
    project.repro(&["lock", "--check"]).ends(0);
    let again = project.repro(&["lock"]).ends(0);
    assert_eq!((again.out.as_str(), project.read("project/lockfile.json") == first), ("", true));
    let more =
        sources("mirror://test/") + "[gamma]\nversion = \"1\"\nlicense = \"MIT\"\nurls = [\"mirror://test/g\"]\n";
    project.write("project/stages/sources.toml", more);
    project.stage("lib", "tools = []\n[sources.alpha]\n[sources.beta]\n[sources.gamma]\n");
    let said = project.repro(&["lock", "--check", "--json"]).ends(1);
    assert!(said.out.contains("source `gamma` is not pinned"), "{}", said.all());
    // It cannot be had: the lockfile stays as it was.
    project.repro(&["lock"]).ends(5);
    assert_eq!(project.read("project/lockfile.json"), first);
}

#[test]
fn fetch_takes_only_what_is_pinned() {
    let project = Project::small();
    let said = project.repro(&["fetch"]).ends(2);
    assert!(said.err.contains("hint: `repro lock` makes it"), "{}", said.all());
    project.repro(&["lock"]).ends(0);
    std::fs::remove_dir_all(project.path("store")).expect("remove the store");
    project.write("mirror/alpha.tar", "alpha's bytez");
    let said = project.repro(&["fetch"]).ends(5);
    assert!(said.err.contains("`alpha`") && said.err.contains("error: cannot fetch 1 pinned input"), "{}", said.all());
    project.write("mirror/alpha.tar", "alpha's bytes");
    let said = project.repro(&["fetch", "lib", "--json"]).ends(0);
    let kinds: Vec<String> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON lines"))
        .inspect(|record| assert_eq!(record["schema"], 1))
        .map(|record| record["event"]["kind"].as_str().expect("a kind").to_owned())
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("fetch_started"), "{kinds:?}");
    let said = project.repro(&["fetch", "--offline"]).ends(0);
    assert!(said.err.contains("2 pinned inputs verified, 0 of them fetched"), "{}", said.all());
}

#[test]
fn offline_means_offline() {
    let project = Project::small();
    project.repro(&["lock"]).ends(0);
    std::fs::remove_dir_all(project.path("store")).expect("remove the store");
    let offline = project.command(&["fetch", "--offline"]).env_remove("REPRO_MIRROR_TEST").output();
    let said = project.said(offline.expect("run repro")).ends(5);
    assert!(said.err.contains("while offline") && said.err.contains("mirror://test/alpha.tar"), "{}", said.all());
}

#[test]
fn check_looks_at_every_combination() {
    let project = Project::empty();
    project.stage("lib", "tools = []\n");
    project.stage("app", "tools = []\ntarget = [\"stage:lib\"]\n");
    project.repro(&["lock"]).ends(0);
    let unbuilt = project.repro(&["check"]).ends(2);
    assert!(unbuilt.err.contains("the definitions hold for 24 combinations"), "{}", unbuilt.all());
    assert!(unbuilt.err.contains("it needs stage `lib`, which is not built"), "{}", unbuilt.all());
    let more = "[when.libc.glibc]\ninputs = [\"stage:libb\"]\n";
    project.stage("app", &format!("tools = []\ntarget = [\"stage:lib\"]\nparams = [\"libc\"]\n{more}"));
    project.repro(&["lock", "--check"]).ends(0);
    let wrong = project.repro(&["check"]).ends(2);
    assert!(wrong.err.contains("cannot use the definitions for x86_64-glibc-release-default"), "{}", wrong.all());
    assert!(wrong.err.contains("did you mean `lib`?"), "{}", wrong.all());
}
