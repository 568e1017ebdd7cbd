//! Bad arguments, bad projects, and readers that go away.

use std::process::Stdio;

use crate::environment::{Project, snapshot};

#[test]
fn wrong_usage_is_2_and_says_what_to_do() {
    let project = Project::small();
    for (args, words) in [
        (&["bild"][..], "similar subcommand exists: 'build'"),
        (&["graph", "--jobs", "0"], "0 is not in 1..=4096"),
        (&["graph", "-q", "-v"], "cannot be used with"),
        (&["graph", "nothing"], "cannot find stage `nothing`"),
        (&["graph", "-p", "profil=x"], "profil"),
        (&["graph", "--profile", "huge"], "huge"),
        (&["graph", "-C", "/nonexistent"], "name another project with -C DIR"),
    ] {
        let said = project.repro(args).ends(2);
        assert!(said.err.contains(words) && said.out.is_empty(), "{args:?}: {}", said.all());
    }
    let said = project.command(&["store", "path"]).env_remove("HOME").env_remove("REPRO_STORE").output();
    let said = project.said(said.expect("run repro")).ends(2);
    assert!(said.err.contains("hint: name one with --store DIR or REPRO_STORE"), "{}", said.all());
}

#[test]
fn all_mistakes_of_a_project_are_shown_at_once() {
    let project = Project::small();
    project.stage("app", "tools = []\ntarget = [\"stage:lob\"]\nprams = []\n");
    snapshot("cli-mistakes", &project.repro(&["graph"]).ends(2).all());
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let project = Project::small();
    for args in [&["completions", "bash"][..], &["graph"], &["help"], &["--version"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = project.command(args).stdout(writer).stderr(Stdio::piped()).spawn().expect("run repro");
        let said = project.said(child.wait_with_output().expect("it ends")).ends(141);
        assert_eq!(said.err, "", "{args:?}");
    }
}

#[test]
fn colour_only_where_it_is_wanted() {
    let project = Project::small();
    let failing = ["graph", "nothing"];
    assert!(!project.repro(&failing).err.contains('\u{1b}'));
    let always = project.repro(&["graph", "nothing", "--color", "always"]);
    assert!(always.err.contains("\u{1b}["), "{}", always.all());
    let set = |name: &str, value: &str| project.command(&failing).env(name, value).output().expect("run repro");
    assert!(set("CLICOLOR_FORCE", "1").stderr.contains(&0x1b));
    let both = project.command(&failing).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().expect("run repro");
    assert!(!both.stderr.contains(&0x1b));
}
