//! The audit: rules on objects that the pinned compiler makes, and the command's views.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use repro::audit::{self, Config, Finding, Needles, Options, Report, Surroundings, rules};
use repro::container::Subject;
use repro::digest::Digest;
use repro::store::Store;
use serde_json::Value;

use crate::environment::{Project, Said, copy, snapshot};

/// Rules about what no stage can leave (`src/audit/tests` breaks them), and about how something is made (`canaries`).
const ELSEWHERE: [&str; 15] = [
    "mode-setuid",
    "mode-setgid",
    "mode-world-writable",
    "audit-exception-unused",
    "leak-header",
    "leak-start-file",
    "leak-library",
    "host-lookup",
    "source-written",
    "search-outside-sysroot",
    "foreign-execution",
    "loader-mismatch",
    "input-unused",
    "undeclared-read",
    "not-traced",
];

/// The user's own store: the sysroot with the compiler is too large for one of the test's own.
pub fn store() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("REPRO_STORE").or_else(|| cache().map(|cache| cache.join("repro"))).expect("HOME is set")
}

/// The output of the stage that makes the fixtures, by the project's own seed; none where that is not at hand.
fn fixtures() -> Option<(Store, Digest)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Always the same folder: the store keeps roots of a project by its path.
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("audit");
    copy(&root.join("tests/fixtures/audit"), &project);
    copy(&root.join("sysroots"), &project.join("sysroots"));
    std::fs::copy(root.join("lockfile.json"), project.join("lockfile.json")).expect("copy the lockfile");
    let build = |more: &[&str]| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
        command
            .args(["build", "fixtures", "--json", "--audit=warn"])
            .args(more)
            .current_dir(&project)
            .env("REPRO_STORE", store());
        command.output().expect("run repro")
    };
    let mut output = build(&["--offline"]);
    if output.status.code() == Some(5) {
        if std::env::var_os("REPRO_TEST_NO_SKIP").is_none() {
            eprintln!("SKIPPED: the sysroot `seed` is not in the store `{}`", store().display());
            return None;
        }
        output = build(&[]);
    }
    let text = String::from_utf8(output.stdout).expect("repro writes UTF-8");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    let mut products = records.filter_map(|record| record["event"]["products"].as_array().cloned()).flatten();
    let digest = products.find_map(|product| product["output"].as_str()?.parse().ok());
    Some((Store::open(&store()).expect("open the store"), digest.expect("a product")))
}

fn judge(store: &Store, tree: Digest, part: &str) -> Report {
    let digest = store.subtree(tree, part).expect("read the tree").expect("the part is there");
    let text = "schema = 1\ncompilers = [\"GCC: (Debian 12.2.0\", \"GNU C\", \"GNU AS \"]\n";
    let config = Config::parse(text).expect("it is right");
    let around = Surroundings {
        user: "mallory".to_owned(),
        host: "forge7".to_owned(),
        kernel: "6.9.1-custom".to_owned(),
        ..Surroundings::default()
    };
    let needles = Needles::new(&around, &config.leaks);
    let options = Options {
        name: part,
        stage: None,
        machine: None,
        config: &config,
        needles: &needles,
        list: false,
        cancel: None,
    };
    audit::audit(Subject::Tree { store: store.clone(), digest }, &options).expect("it can be audited")
}

/// All paths of a tree.
fn paths(store: &Store, tree: Digest, path: &str, found: &mut Vec<String>) {
    let directory = store.directory(tree).expect("read a directory");
    found.extend(directory.files.iter().map(|file| format!("{path}/{}", file.name)));
    found.extend(directory.symlinks.iter().map(|link| format!("{path}/{}", link.name)));
    for child in &directory.directories {
        paths(store, child.content().expect("a digest"), &format!("{path}/{}", child.name), found);
    }
}

#[test]
fn each_rule_has_a_file_that_breaks_it_and_a_twin_that_does_not() {
    let Some((store, tree)) = fixtures() else { return };
    let bad = judge(&store, tree, "bad");
    let lines: Vec<String> = bad
        .findings
        .iter()
        .map(|finding| {
            let message: String = finding.message.chars().take(80).collect();
            format!("{} {} {}: {message}\n", finding.severity, finding.rule.id, finding.object)
        })
        .collect();
    snapshot("audit-fixtures", &lines.concat());
    // A file of configuration that breaks a rule has its name within.
    let about = |finding: &Finding, rule: &str| {
        let shown = finding.evidence.iter().any(|evidence| evidence.text.contains(rule));
        shown || finding.object.contains(rule) || finding.message.contains(rule)
    };
    let named = |rule: &str| bad.findings.iter().any(|finding| finding.rule.id == rule && about(finding, rule));
    let missed: Vec<&str> =
        rules::ALL.iter().map(|rule| rule.id).filter(|rule| !named(rule) && !ELSEWHERE.contains(rule)).collect();
    assert_eq!(missed, [] as [&str; 0], "no file that is named after them breaks these rules");

    let good = judge(&store, tree, "good");
    assert_eq!(good.findings, [], "a twin is taken for what it is not");
    assert_eq!(good.outside, [] as [&str; 0]);
    let mut twins = Vec::new();
    paths(&store, store.subtree(tree, "good").expect("read").expect("it is there"), "", &mut twins);
    let without: BTreeSet<&str> = rules::ALL
        .iter()
        .map(|rule| rule.id)
        .filter(|rule| !ELSEWHERE.contains(rule) && !twins.iter().any(|path| path.contains(rule)))
        .collect();
    assert_eq!(without, BTreeSet::new(), "these rules have no twin");
}

/// A small part of a system with a mistake, a warning and a note.
fn project() -> Project {
    let project = Project::empty();
    project.write("project/tree/usr/lib/<b>&\"x.conf", "path = /build/x\n");
    project.write("project/tree/usr/share/b", "/home/alice/x\n");
    std::os::unix::fs::symlink("/etc/c", project.path("project/tree/usr/lib/c")).expect("make a link");
    project
}

fn audit(project: &Project, args: &[&str]) -> Said {
    project.repro(&[&["audit"], args].concat())
}

#[test]
fn the_answer_in_words_and_codes() {
    let project = project();
    let short = audit(&project, &["tree"]).ends(1);
    let full = audit(&project, &["tree", "-v"]).ends(1);
    snapshot("audit-text", &format!("{}\n--- -v\n{}", short.all(), full.all()));
    project.write(
        "project/audit.toml",
        "schema = 1\n[[allow]]\nrule = \"leak-build-path\"\npath = \"usr/lib/*.conf\"\nreason = \"for a test\"\n",
    );
    let allowed = audit(&project, &["tree"]).ends(0);
    assert!(
        allowed.out.contains("allowed: leak-build-path for `usr/lib/*.conf`: 1 finding: for a test"),
        "{}",
        allowed.all()
    );
    project.write("project/audit.toml", "schema = 1\n[[allow]]\nrule = \"leak-build-pth\"\n");
    let wrong = audit(&project, &["tree"]).ends(2);
    assert!(wrong.err.contains("did you mean `leak-build-path`?"), "{}", wrong.all());
}

#[test]
fn bad_questions_are_2() {
    let project = project();
    for (args, words) in [
        (&["none"][..], "cannot find `none`"),
        (&["--explain", "elf-rpath-emty"], "did you mean `elf-rpath-empty`?"),
        (&["--explain", "x", "--rules"], "cannot be used with"),
    ] {
        let said = audit(&project, args).ends(2);
        assert!(said.err.contains(words), "{}", said.all());
    }
    project.write("project/cut.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01");
    audit(&project, &["cut.tar.gz"]).ends(0);
    let mut bytes = vec![0_u8; 512];
    bytes[..8].copy_from_slice(b"070701no");
    project.write("project/bad.cpio", &bytes);
    let said = audit(&project, &["bad.cpio"]).ends(2);
    assert!(said.err.contains("bad.cpio"), "{}", said.all());
}

#[test]
fn rules_are_documented_one_by_one() {
    let project = Project::empty();
    let list = audit(&project, &["--rules"]).ends(0).out;
    for rule in rules::ALL {
        assert!(list.contains(rule.id), "{list}");
        let text = audit(&project, &["--explain", rule.id]).ends(0).out;
        assert!(text.contains(rule.why) && text.contains(rule.cure), "{text}");
    }
}

#[test]
fn json_sarif_and_html() {
    let project = project();
    let said = audit(&project, &["tree", "--json", "--sarif", "a.sarif", "--html", "a.html"]).ends(1);
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&report["schema"], &report["counts"]["errors"]), (&1.into(), &1.into()));
    sarif(&serde_json::from_str(&project.read("project/a.sarif")).expect("JSON"));
    let page = project.read("project/a.html");
    assert!(page.contains("usr/lib/&lt;b&gt;&amp;&quot;x.conf") && !page.contains("<b>&"), "{page}");
    assert!(page.contains("data-file=\"usr/lib/&lt;b&gt;") && page.contains("There is no provenance:"), "{page}");
    for foreign in ["http://", "https://", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(foreign), "the page asks for `{foreign}`");
    }
}

/// What the SARIF 2.1.0 specification demands of a log, as far as one of ours can go wrong.
fn sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert!(driver["name"].is_string());
    let rules = driver["rules"].as_array().expect("rules");
    let ids: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids.len(), rules.len());
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("it is small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let artifact = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        let uri = artifact["uri"].as_str().expect("a location");
        assert!(!uri.starts_with('/') && !uri.contains(' '), "{uri}");
        assert!(run["originalUriBaseIds"][artifact["uriBaseId"].as_str().expect("a base")].is_object());
    }
}
