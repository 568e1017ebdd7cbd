//! `repro attest` and `repro verify --against`

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::environment::{Project, Said};

/// Leaves something else each time.
const RANDOM: &str = "head -c 16 /dev/urandom | md5sum >/out/noise; echo same >/out/same";

/// A built project with the stage `one`, and keys of these names.
fn built(script: &str, keys: &[&str]) -> Project {
    let project = Project::script(script);
    project.build(&["build", "--quiet"]).ends(0);
    for key in keys {
        project.repro(&["attest", "--new-key", key]).ends(0);
    }
    project
}

/// The statement on `one`, signed by a key of another project.
fn stated(project: &Project, keys: &Project, name: &str) -> String {
    let key = keys.path(&format!("project/{name}"));
    project.repro(&["attest", "one", "--key", key.to_str().expect("a path")]).ends(0).out
}

#[track_caller]
fn valid(schema: &schemars::Schema, value: &Value) {
    let validator = jsonschema::validator_for(schema.as_value()).expect("it is a schema");
    let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{value:#}");
}

fn json(said: &Said) -> Value {
    let start = said.out.find("{\n").expect("the report comes after the events");
    serde_json::from_str(&said.out[start..]).expect("JSON")
}

#[track_caller]
fn says(said: Said, code: i32, words: &[&str]) -> Said {
    let said = said.ends(code);
    for word in words {
        assert!(said.out.contains(word) || said.err.contains(word), "`{word}` is not in {}", said.all());
    }
    said
}

#[test]
fn a_statement_is_made_and_checked() {
    let project = Project::script("mkdir /out/d; echo one >/out/file; echo two >/out/d/inner");
    let repro = |args: &[&str]| project.repro(args);
    says(repro(&["attest", "--new-key", "keys/a"]), 2, &["keys"]);
    says(repro(&["attest", "--new-key", "a"]), 0, &["kept secret"]);
    says(repro(&["attest", "--new-key", "a"]), 2, &["there is such a file", "hint: name a new file"]);
    let key = json(&repro(&["attest", "--new-key", "b", "--json"]).ends(0));
    assert_eq!(key["public"], "b.pub");
    says(project.build(&["attest", "one", "--key", "a"]), 2, &["not built", "repro build one"]);
    project.build(&["build", "--quiet"]).ends(0);
    says(repro(&["attest"]), 2, &["STAGE"]);
    says(repro(&["attest", "one"]), 2, &["there is no key to sign with", "--unsigned"]);
    says(repro(&["attest", "one", "--unsigned"]), 2, &["does not say who builds", "--builder"]);
    says(repro(&["attest", "one", "--unsigned", "--key", "a"]), 2, &["leave it unsigned"]);
    says(repro(&["attest", "one", "--key", "a.pub"]), 2, &["as a private key"]);
    says(repro(&["attest", "one", "--key", "a", "--builder", "me"]), 2, &["it is no URI"]);
    says(repro(&["attest", "one", "--key", "a", "--finished-on", "today"]), 2, &["it is no time in UTC"]);
    says(repro(&["attest", "none", "--key", "a"]), 2, &["cannot find stage `none`"]);

    let bare = repro(&["attest", "one", "--unsigned", "--builder", "urn:x:y", "--finished-on", "2026-11-21T18:40:48Z"]);
    let statement: Value = serde_json::from_str(&bare.ends(0).out).expect("one line of JSON");
    valid(&repro::attest::statement_schema(), &statement);
    let subjects = statement["subject"].as_array().expect("a list");
    let names: Vec<&str> = subjects.iter().filter_map(|subject| subject["name"].as_str()).collect();
    assert_eq!(names, ["one", "one/file"]);
    assert_eq!(subjects[1]["digest"]["sha256"], "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806");
    let definition = &statement["predicate"]["buildDefinition"];
    let dependencies = definition["resolvedDependencies"].as_array().expect("a list");
    let names: Vec<&str> = dependencies.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["package:tiny/busybox-static", "sysroot:tiny", "folder:one"]);
    assert!(dependencies[0]["uri"].as_str().is_some_and(|uri| uri.starts_with("mirror://debian/pool/")));
    assert_eq!(statement["predicate"]["runDetails"]["metadata"]["finishedOn"], "2026-11-21T18:40:48Z");

    let envelope = repro(&["attest", "one", "--key", "a", "--key", "b"]).ends(0).out;
    valid(&repro::attest::dsse::envelope_schema(), &serde_json::from_str(&envelope).expect("one line of JSON"));
    says(repro(&["attest", "one", "one", "--key", "a", "--key", "b", "-o", "f"]), 0, &["wrote 1 statement to `f`"]);
    assert_eq!(project.read("project/f"), envelope, "the same build is stated in the same bytes");
    let said = says(repro(&["attest", "--check", "f", "--trust", "a.pub"]), 0, &["good: 1 statement in f", "good: a"]);
    assert!(said.out.contains("unknown: of key"), "{}", said.all());
    let check = json(&repro(&["attest", "--check", "f", "--trust", "x=a.pub", "--trust", "b.pub", "--json"]).ends(0));
    valid(&repro::attest::check_schema(), &check);
    assert_eq!(check["statements"][0]["seals"][0]["name"], "x");
    project.repro(&["attest", "--new-key", "c"]).ends(0);
    says(repro(&["attest", "--check", "f", "--trust", "c.pub"]), 1, &["not signed by anybody trusted"]);
    says(repro(&["attest", "--check", "f"]), 2, &["no key is trusted", "--trust"]);
    says(repro(&["attest", "--check", "f", "--unsigned"]), 0, &["good:"]);
    says(repro(&["attest", "--check", "none", "--trust", "c.pub"]), 2, &["cannot find `none`"]);
    says(repro(&["attest", "--check", "f", "--trust", "f"]), 2, &["cannot use `f` as a public key"]);
    // Somebody changes the builder.
    let changed = envelope.replacen("\"payload\":\"", "\"payload\":\"!", 1);
    project.write("project/g", changed);
    says(repro(&["attest", "--check", "g", "--trust", "a.pub"]), 2, &["cannot use `g`", "base64"]);
    project.write("project/g", envelope.replacen("\"sig\":\"", "\"sig\":\"AAAA", 1));
    says(repro(&["attest", "--check", "g", "--trust", "a.pub"]), 1, &["bad:"]);
}

#[test]
fn the_lockfile_is_held_against_the_build() {
    let project = built("echo one >/out/x", &[]);
    let verify = |args: &[&str]| project.build(&[&["verify", "--against", "lockfile"], args].concat());
    says(verify(&[]), 1, &["not confirmed: 1 of 1 stage", "says nothing"]);
    project.build(&["lock", "--update-outputs"]).ends(0);
    says(verify(&[]), 0, &["identical: 1 stage against lockfile"]);
    says(verify(&["one"]), 0, &["identical"]);
    says(verify(&["none"]), 2, &["cannot find stage `none`"]);
    let report = json(&verify(&["all", "--json"]).ends(0));
    valid(&repro::attest::report_schema(), &report);
    assert_eq!((&report["identical"], &report["stages"][0]["verdict"]), (&true.into(), &"identical".into()));
    let good = project.read("project/lockfile.json");
    let mut lockfile: Value = serde_json::from_str(&good).expect("JSON");
    let known = &mut lockfile["outputs"]["one"]["any"];
    let tree = known["tree"].as_str().expect("a digest").to_owned();
    known["tree"] = format!("{}{}", "0".repeat(64), &tree[64..]).into();
    project.write("project/lockfile.json", lockfile.to_string());
    says(verify(&[]), 1, &["different: 1 of 1 stage left something else", "disagrees: lockfile", "000000000000"]);
    project.write("project/lockfile.json", good);
    project.write("project/stages/one/build.sh", "echo two >/out/x");
    says(verify(&[]), 1, &["not confirmed: 1 of 1 stage built from other inputs"]);
    project.write("project/stages/one/build.sh", "false");
    says(verify(&[]), 3, &["failed"]);
    says(project.repro(&["verify", "--against", "lockfile", "--rebuild"]), 2, &["cannot be used with"]);
}

#[test]
fn so_many_builders_have_to_agree() {
    let names = ["alice", "bob", "carol", "mallory"];
    let (project, other) = (built(RANDOM, &names), built(RANDOM, &[]));
    let line = |name| stated(&project, &project, name);
    let dissent = stated(&other, &project, "carol");
    project.write("project/agree", [line("alice"), line("bob"), line("carol")].concat());
    project.write("project/dissent", [line("alice"), "garbage\n".to_owned(), line("bob"), dissent.clone()].concat());
    project.write("project/stranger", [line("alice"), line("mallory")].concat());
    let trust = ["--trust", "alice.pub", "--trust", "bob.pub", "--trust", "carol.pub"];
    let verify =
        |file: &str, more: &[&str]| project.build(&[&["verify", "--against", file][..], &trust, more].concat());
    says(verify("agree", &[]), 0, &["identical: 1 stage against agree", "alice, bob, carol"]);
    says(verify("agree", &["--k-of-n", "3"]), 0, &["(3 of 3 have to agree)"]);
    says(verify("agree", &["--k-of-n", "4"]), 2, &["cannot find 4 builders that agree: only 3", "trust more keys"]);
    let told = [
        "disagrees: carol, line 4 of `dissent`",
        "it differs in one, one/noise",
        "line 2 of `dissent`: expected value",
    ];
    says(verify("dissent", &[]), 1, &[&["different: 1 of 1 stage"], &told[..]].concat());
    says(verify("dissent", &["--k-of-n", "2"]), 0, &[&["identical: 1 stage"], &told[..]].concat());
    says(verify("dissent", &["--k-of-n", "3"]), 1, &told);
    let strangers = ["nobody who is trusted signed it", "unknown: of key", "it states the same"];
    says(verify("stranger", &["--k-of-n", "2"]), 1, &[&["not confirmed: 1 of 1 stage"], &strangers[..]].concat());
    says(verify("stranger", &[]), 0, &strangers);
    let report = json(&verify("dissent", &["--k-of-n", "2", "--json"]).ends(0));
    valid(&repro::attest::report_schema(), &report);
    assert_eq!(report["stages"][0]["opinions"][2]["stand"]["subjects"][1], "one/noise");
    // Several files, and the same key in two of them.
    let two = ["verify", "--against", "stranger", "--against", "dissent", "--k-of-n", "2", "--trust", "a=alice.pub"];
    says(project.build(&two), 2, &["only 1 can be heard"]);
    let two = [&two[..], &["--trust", "m=mallory.pub"]].concat();
    says(project.build(&two), 0, &["a, m", "the same builder again"]);
    says(project.build(&["verify", "--against", "agree"]), 2, &["no key is trusted", "--unsigned"]);
    says(project.build(&["verify", "--against", "agree", "--unsigned"]), 0, &["identical"]);
    says(
        project.build(&["verify", "--against", "agree", "--trust", "a=alice.pub", "--trust", "b=alice.pub"]),
        2,
        &["already `a`"],
    );
    // What is built from other inputs is no dissent.
    project.write("project/stages/one/build.sh", format!("{RANDOM}\n"));
    let others = ["not confirmed: 1 of 1 stage built from other inputs", "other inputs: alice", "`folder:one` is "];
    says(verify("agree", &[]), 1, &others);
}

#[test]
fn results_elsewhere_are_compared() {
    let (project, other) = (built(RANDOM, &[]), built(RANDOM, &[]));
    let text = |project: &Project, name: &str| project.path(name).to_str().expect("a path").to_owned();
    let against = |place: &str, more: &[&str]| project.build(&[&["verify", "--against", place][..], more].concat());
    // Another store, in which the same action left something else.
    let store = text(&other, "store");
    says(against(&store, &[]), 1, &["different: 1 of 1 stage", "noise (text", "@@ -1 +1 @@"]);
    says(against(&store, &["--exclude", "noise"]), 0, &["identical"]);
    let report = json(&against(&store, &["--json"]).ends(1));
    valid(&repro::attest::report_schema(), &report);
    assert_eq!(report["stages"][0]["opinions"][0]["stand"]["difference"]["inside"][0]["name"], "noise");
    // The folder of a project, with links to what was built.
    says(against(&text(&other, "project"), &[]), 1, &["noise (text"]);
    says(against(&text(&other, "project/out"), &[]), 1, &["noise (text"]);
    says(against("out", &[]), 0, &["identical: 1 stage against out"]);
    project.build(&["build", "one", "--output", "copies/one"]).ends(0);
    says(against("copies", &[]), 0, &["identical"]);
    std::fs::write(project.path("project/copies/one/same"), "other\n").expect("write over a copy");
    says(against("copies", &["one"]), 1, &["-same", "+other"]);
    // What is no result.
    says(against(&text(&project, "store"), &[]), 2, &["it is the store of this very build"]);
    project.write("project/empty/file", "");
    says(against("empty", &[]), 2, &["it is no store, and has no folder that is named like a stage"]);
    says(against("nowhere", &[]), 2, &["cannot find `nowhere`"]);
    // A store that knows the stage by other inputs, and one that does not know it.
    other.write("project/stages/one/build.sh", "echo same >/out/same");
    other.build(&["build", "--quiet"]).ends(0);
    project.write("project/stages/one/build.sh", "echo same >/out/same; true");
    says(against(&store, &[]), 1, &["built from other inputs; first, file `build.sh` changed"]);
    project.stage("two", "tools = [\"sysroot:tiny\"]\n");
    says(against(&store, &["two"]), 1, &["not confirmed: 1 of 1 stage", "says nothing"]);
    // The same bytes of the same action, built in another place.
    project.write("project/stages/one/build.sh", "echo same >/out/same");
    says(against(&store, &["one"]), 0, &["identical: 1 stage"]);
}

/// Answers requests: `/good` with these bytes, `/html` with a page, everything else with 404.
fn serve(good: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines().map_while(Result::ok);
            let path = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
            lines.find(String::is_empty);
            let (status, body) = match path.as_str() {
                "/good" => ("200 OK", good.as_str()),
                "/html" => ("200 OK", "<html>not this one</html>"),
                _ => ("404 Not Found", ""),
            };
            let length = if path == "/huge" { 1 << 40 } else { body.len() };
            let status = if path == "/huge" { "200 OK" } else { status };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        }
    });
    base
}

#[test]
fn statements_are_fetched() {
    let project = built("echo one >/out/x", &["alice"]);
    let base = serve(stated(&project, &project, "alice"));
    let against = |path: &str, more: &[&str]| {
        project.build(&[&["verify", "--against", &format!("{base}{path}"), "--trust", "alice.pub"][..], more].concat())
    };
    says(against("/good", &[]), 0, &["identical: 1 stage against http://127.0.0.1"]);
    says(against("/good", &["--offline"]), 2, &["`--offline` forbids the network"]);
    says(against("/gone", &[]), 2, &["cannot fetch `http://127.0.0.1", "the server answered 404", "hint:"]);
    says(against("/html", &[]), 2, &["as a statement", "expected value"]);
    says(against("/huge", &[]), 2, &["the server announces 1099511627776"]);
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("http://{closed}/x");
    says(project.build(&["verify", "--against", &url, "--trust", "alice.pub"]), 2, &["no answer"]);
}
