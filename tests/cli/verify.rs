//! `repro verify`

use crate::environment::Project;

#[test]
fn two_folders_are_compared() {
    let project = Project::empty();
    for (side, text) in [("a", "one\n"), ("b", "two\n")] {
        project.write(&format!("project/{side}/etc/motd"), text);
        project.write(&format!("project/{side}/same"), "same");
    }
    let said = project.repro(&["verify", "a", "b"]).ends(1);
    assert!(said.out.starts_with("different: a and b differ in the content of 1 place\n"), "{}", said.all());
    assert!(
        said.out.contains("etc/motd (text") && said.out.contains("-one") && said.out.contains("+two"),
        "{}",
        said.out
    );
    let said = project.repro(&["verify", "a", "b", "--json"]).ends(1);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(value["identical"], false);
    assert_eq!(value["difference"]["inside"][0]["inside"][0]["facts"][0]["hunks"][0]["lines"][0]["text"], "one");
    project.repro(&["verify", "a", "b", "--html", "page.html", "--junit", "junit.xml"]).ends(1);
    assert!(project.read("project/page.html").contains("motd"), "the page has the place");
    assert!(project.read("project/junit.xml").contains("failures=\"1\""), "the build server hears of it");
    project.repro(&["verify", "a", "a"]).ends(0);
    let said = project.repro(&["verify", "a", "b", "--exclude", "etc/*"]).ends(0);
    assert_eq!(said.out, "identical: a and b are identical\n");
    project.repro(&["verify", "a", "b", "--only", "metadata"]).ends(0);
    project.repro(&["verify", "a/etc/motd", "b/etc/motd"]).ends(1);
}

#[test]
fn what_cannot_be_compared_is_named() {
    let project = Project::empty();
    project.write("project/a", "x");
    let said = project.repro(&["verify", "a", "none"]).ends(2);
    assert!(said.err.contains("cannot find `none`") && said.err.contains("hint:"), "{}", said.all());
    let said = project.repro(&["verify", "a", "a", "--exclude", "["]).ends(2);
    assert!(said.err.contains("--exclude"), "{}", said.all());
    project.repro(&["verify", "a"]).ends(2);
}

#[test]
fn outputs_of_stages_are_compared() {
    let project = Project::script("mkdir -p /out/bin; echo one >/out/bin/tool; echo same >/out/same");
    project.build(&["build", "--quiet"]).ends(0);
    let said = project.repro(&["verify", "one", "out/one"]).ends(0);
    assert_eq!(said.out, "identical: one and out/one are identical\n");
    project.write("project/other", "two\n");
    let said = project.repro(&["verify", "one/bin/tool", "other"]).ends(1);
    assert!(said.out.contains("-one") && said.out.contains("+two"), "{}", said.all());
    let said = project.repro(&["verify", "one/bin/none", "other"]).ends(2);
    assert!(said.err.contains("has no `bin/none`"), "{}", said.all());
}

#[test]
fn likely_causes_of_two_results_are_told() {
    let project = Project::script("busybox date -u -d @1700000000 >/out/x; busybox touch /out/tmp.aB3xY9");
    project.stage("two", "tools = [\"sysroot:tiny\"]\n");
    let script = "busybox date -u -d @1800000000 >/out/x; busybox touch /out/tmp.Qz81bb";
    project.write("project/stages/two/build.sh", script);
    project.build(&["build", "--quiet"]).ends(0);
    let said = project.build(&["verify", "one", "two"]).ends(1);
    for text in ["text-time: ", "temporary-name: ", "suspected by", "busybox date", "busybox touch", "cure: "] {
        assert!(said.out.contains(text), "{text}: {}", said.all());
    }
    let said = project.build(&["verify", "one", "two", "--json", "--html", "page.html"]).ends(1);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let schema = repro::verify::compared_schema().to_value();
    assert!(jsonschema::validator_for(&schema).expect("the schema is one").is_valid(&report), "{report:#}");
    assert_eq!(report["differing"][1]["causes"][0]["chain"][0]["arguments"][1], "date", "{report:#}");
    let page = project.read("project/page.html");
    assert!(page.contains("<svg") && !page.contains("<script") && !page.contains("style=\""), "{page}");
    // A file of one against a file that nobody knows.
    project.write("project/other", "Sat Nov 21 18:45:18 UTC 2026\n");
    let said = project.build(&["verify", "one/x", "other"]).ends(1);
    assert!(said.out.contains("text-time: ") && said.out.contains("busybox date"), "{}", said.all());
}

/// A stage for each axis, which leaves what it notices of it, and what else there is to find.
const NOTICED: [(&str, &str, &[&[&str]]); 17] = [
    ("clean", "mkdir /out/d; seq 1 9 >/out/d/f; chmod 755 /out/d/f", &[]),
    ("zone", "date -d @0 +%H >/out/x", &[&["time-zone"]]),
    ("language", "echo $LC_ALL >/out/x", &[&["locale"]]),
    ("variables", "env | grep -c . >/out/x", &[&["environment"], &["locale"]]),
    ("home", "echo $HOME >/out/x", &[&["home"]]),
    ("owner", "id >/out/x", &[&["owner"]]),
    ("mask", "umask >/out/x", &[&["umask"]]),
    ("host", "uname -n >/out/x", &[&["host-name"]]),
    ("path", "/bin/busybox pwd -P >/out/x", &[&["build-path"]]),
    ("processors", "nproc >/out/x", &[&["processors"]]),
    ("order", "stat -f -c %T /out >/out/x", &[&["file-system"]]),
    ("addresses", "grep -c '7ffffffff000' /proc/self/maps >/out/x || true", &[&["addresses"]]),
    ("process", "[ $$ -gt 1000 ] && echo late >/out/x || echo soon >/out/x", &[&["process-ids"]]),
    ("both", "[ $(umask) = 0077 ] && [ $TZ != UTC ] && touch /out/x; true", &[&["time-zone", "umask"]]),
    ("two", "{ umask; uname -n; } >/out/x", &[&["umask"], &["host-name"]]),
    ("random", "head -c 16 /dev/urandom >/out/x", &[&[]]),
    ("refuses", "[ $(id -u) = 1000 ]", &[&["owner"]]),
];

#[test]
fn what_a_stage_notices_is_named() {
    let project = Project::script("echo one");
    std::fs::remove_dir_all(project.path("project/stages/one")).expect("it was there");
    for (name, script, _) in NOTICED {
        project.stage(name, "tools = [\"sysroot:tiny\"]\n");
        project.write(&format!("project/stages/{name}/build.sh"), script);
    }
    let said = project.build(&["verify", "--rebuild", "--json", "--jobs", "2"]).ends(1);
    let start = said.out.find("{\n  \"schema\"").expect("the report comes after the events");
    let report: serde_json::Value = serde_json::from_str(&said.out[start..]).expect("JSON");
    let schema = repro::verify::report_schema().to_value();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    assert!(validator.is_valid(&report), "{report:#}");
    let mut wrong = Vec::new();
    for (name, _, wanted) in NOTICED {
        let stages = report["stages"].as_array().expect("a list");
        let stage = stages.iter().find(|stage| stage["stage"] == name).expect("each stage is there");
        let causes = stage["causes"].as_array().expect("a list").iter();
        let mut found: Vec<Vec<&str>> = causes
            .map(|cause| cause["axes"].as_array().expect("a list").iter().filter_map(|axis| axis.as_str()).collect())
            .collect();
        found.sort();
        let mut wanted: Vec<Vec<&str>> = wanted.iter().map(|axes| axes.to_vec()).collect();
        wanted.sort();
        let verdict = match name {
            "clean" => "identical",
            "refuses" => "failed",
            _ => "different",
        };
        let shown = stage["difference"].is_null() != (verdict == "different");
        if found != wanted || stage["verdict"] != verdict || !shown {
            wrong.push(format!("{name}: {found:?} {}\n{stage:#}", stage["verdict"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What such runs left is not what the stages' actions give.
    let again = project.build(&["build", "--json"]).ends(0);
    assert!(!again.out.contains("\"built\":1"), "{}", again.out);
    let said = project.build(&["verify", "--rebuild", "clean", "--runs", "3"]).ends(0);
    assert!(said.out.starts_with("identical: 1 stage with 18 axes varied"), "{}", said.all());
    let said = project.build(&["verify", "--rebuild", "refuses", "--vary", "owner"]).ends(3);
    assert!(said.out.contains("it fails with another owner alone"), "{}", said.all());
    let said = project.build(&["verify", "--rebuild", "mask", "--vary", "umask,host-name"]).ends(1);
    assert!(said.out.contains("-0022") && said.out.contains("+0077"), "{}", said.all());
    let said = project.build(&["verify", "--rebuild", "--vary", "clock"]).ends(2);
    assert!(said.err.contains("cannot find axis `clock`") && said.err.contains("time-zone"), "{}", said.all());
    let said = project.repro(&["verify", "--axes"]).ends(0);
    assert_eq!(said.out.lines().count(), 19, "{}", said.out);
    // How many jobs there are shows only in what lies in make's pipe.
    project.stage("jobs", "tools = [\"sysroot:tiny\"]\n");
    project.write("project/stages/jobs/build.sh", "timeout 1 head -c 1 <&3 | wc -c >/out/x");
    project.build(&["build", "jobs", "--jobs", "2"]).ends(0);
    let said = project.build(&["verify", "--rebuild", "jobs", "--vary", "jobs,umask", "--jobs", "2"]).ends(1);
    assert!(said.out.contains("with another jobs alone") && !said.out.contains("another umask"), "{}", said.all());
    assert_eq!(std::fs::read_dir(project.path("store/tmp")).map_or(0, Iterator::count), 0, "nothing is left behind");
}

/// Set `REPRO_BLESS=1` to write the files instead of comparing them.
#[test]
fn the_checked_in_schemas_are_in_step() {
    let schemas = [
        ("report", repro::verify::report_schema()),
        ("compared", repro::verify::compared_schema()),
        ("installed", repro::pack::installed_schema()),
    ];
    for (name, schema) in schemas {
        let path = format!("{}/snapshots/verify-{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let text = serde_json::to_string_pretty(&schema.to_value()).expect("a schema is JSON") + "\n";
        if std::env::var_os("REPRO_BLESS").is_some() {
            std::fs::write(&path, &text).expect("write the schema");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{path} is out of step: run this test with REPRO_BLESS=1");
    }
}
