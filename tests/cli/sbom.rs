//! `repro sbom`, `repro seeds` and `repro size`

use serde_json::Value;

use crate::environment::{Project, Said};

/// An archive with one file in one folder.
fn archive(name: &str, content: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, format!("{name}-1/hello"), content.as_bytes()).expect("memory takes it");
    builder.into_inner().expect("memory takes it")
}

/// Two sources, of which one gets into what is left; and a stage that packs that.
pub fn project() -> Project {
    let project =
        Project::script("cat /src/alpha/hello >/out/hello; cat /src/beta/hello >/dev/null; echo 12345 >/out/x");
    let tables = "[alpha]\nversion = \"1\"\nlicense = \"MIT\"\nurls = [\"mirror://test/alpha.tar\"]\n\
                  [beta]\nversion = \"2\"\nlicense = \"see COPYING\"\nurls = [\"mirror://test/beta.tar\"]\n";
    project.write("project/stages/sources.toml", tables);
    project.write("mirror/alpha.tar", archive("alpha", "hello from alpha\n"));
    project.write("mirror/beta.tar", archive("beta", "hello from beta\n"));
    let tools = "tools = [\"sysroot:tiny\"]\n";
    let script = project.read("project/stages/one/build.sh");
    project.stage("one", &format!("{tools}[sources.alpha]\n[sources.beta]\n"));
    project.write("project/stages/one/build.sh", script);
    project.stage("two", &format!("{tools}inputs = [\"stage:one\"]\n"));
    // The same files twice, once in an archive in the archive.
    let script = "cd /in; busybox tar cf /build/in.tar one; cp -r one /build; cd /build; \
                  busybox tar cf all.tar one in.tar; busybox gzip -n <all.tar >/out/all.tar.gz";
    project.write("project/stages/two/build.sh", script);
    project.build(&["lock"]).ends(0);
    project
}

fn json(said: Said) -> Value {
    serde_json::from_str(&said.ends(0).out).unwrap_or_else(|error| panic!("no JSON: {error}"))
}

#[track_caller]
fn says(said: Said, code: i32, words: &[&str]) -> Said {
    let said = said.ends(code);
    for word in words {
        assert!(said.out.contains(word) || said.err.contains(word), "`{word}` is not in {}", said.all());
    }
    said
}

fn contained(document: &Value) -> Vec<String> {
    let list = document["relationships"].as_array().expect("a list").iter();
    let own = list.filter(|one| one["relationshipType"] == "CONTAINS" && one["spdxElementId"] == "SPDXRef-Stage-two");
    own.map(|one| one["relatedSpdxElement"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn what_a_result_holds_and_was_made_from() {
    let project = project();
    says(project.build(&["sbom"]), 2, &["not built", "repro build one"]);
    project.build(&["build", "--quiet"]).ends(0);
    let text = project.repro(&["sbom"]).ends(0).out;
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["spdxVersion"], "SPDX-2.3");
    // What was read for nothing is not in it.
    assert_eq!(contained(&document), ["SPDXRef-Source-alpha"]);
    assert!(
        text.contains("pkg:generic/beta@2?checksum=sha256:") && text.contains("\"name\": \"busybox-static\""),
        "{text}"
    );
    says(project.repro(&["sbom", "two", "-o", "two.json"]), 0, &[]);
    assert_eq!(project.read("project/two.json"), text, "the same result is described in the same bytes");
    let with_files = json(project.repro(&["sbom", "--files"]));
    assert_eq!(with_files["files"][0]["fileName"], "./all.tar.gz");
    let bom = json(project.repro(&["sbom", "--format", "cyclonedx", "one", "--files"]));
    let files = bom["metadata"]["component"]["components"].as_array().expect("a list");
    let names: Vec<&str> = files.iter().filter_map(|file| file["name"].as_str()).collect();
    assert_eq!(names, ["hello", "x"]);
    let scopes: Vec<&str> = (0..2).filter_map(|at| bom["components"][at]["scope"].as_str()).collect();
    assert_eq!(scopes, ["required", "excluded"]);
    says(project.repro(&["sbom", "none"]), 2, &["cannot find stage `none`"]);
    says(project.repro(&["sbom", "--format", "pdf"]), 2, &["invalid value"]);
    // Without a trace all counts that is declared, and it says so.
    project.lose_trace("one");
    let document = json(project.repro(&["sbom"]));
    assert_eq!(contained(&document), ["SPDXRef-Source-alpha", "SPDXRef-Source-beta"]);
    assert!(document["comment"].as_str().is_some_and(|comment| comment.ends_with(": one")), "{document:#}");
}

#[test]
fn which_binaries_are_trusted() {
    let project = project();
    let before = json(project.repro(&["seeds", "--json"]));
    assert_eq!((&before["packages"][0]["used"], &before["untraced"][0]), (&Value::Null, &"one".into()));
    project.build(&["build", "--quiet"]).ends(0);
    let seeds = json(project.repro(&["seeds", "--json"]));
    let busybox = &seeds["packages"][0];
    assert_eq!(
        (&busybox["name"], &busybox["used"], &busybox["held"]),
        (&"busybox-static".into(), &true.into(), &false.into())
    );
    assert!(busybox["stages"]["one"].as_u64().is_some_and(|files| files > 0), "{busybox:#}");
    assert_eq!(seeds["total"]["packages"], 1);
    says(project.repro(&["seeds"]), 0, &["1 package (", "busybox-static", "tiny", "one, two", "mirror://debian/"]);
    says(project.repro(&["seeds", "none"]), 2, &["cannot find stage `none`"]);
}

#[test]
fn what_takes_the_room() {
    let project = project();
    project.build(&["build", "--quiet"]).ends(0);
    let sizes = json(project.repro(&["size", "one", "--json"]));
    assert_eq!((&sizes["total"]["files"], &sizes["total"]["bytes"]), (&2.into(), &23.into()));
    assert_eq!((&sizes["largest"][0]["path"], &sizes["largest"][0]["stage"]), (&"hello".into(), &"one".into()));
    // What another stage packed is told by who made it.
    let sizes = json(project.repro(&["size", "--json"]));
    let inside = &sizes["containers"][0];
    assert_eq!((&inside["path"], &inside["kind"]), (&"all.tar.gz".into(), &"gzip".into()));
    assert_eq!((&inside["stages"][0]["name"], &inside["stages"][0]["bytes"]), (&"one".into(), &23.into()));
    says(project.repro(&["size"]), 0, &["two any: ", "all.tar.gz (gzip, ", "holds 23 B in 2 files"]);
    // A limit says whether a result counts, and is no part of it.
    let stage = project.read("project/stages/one/stage.toml");
    project.write("project/stages/one/stage.toml", format!("{stage}[limits]\nsize = \"22B\"\n"));
    let words = ["within its limit `size`, 22 bytes: it has 23", "`hello` with 17, `x` with 6", "repro size one"];
    says(project.build(&["build"]), 3, &words);
    says(project.repro(&["size", "one"]), 1, &["too large: 1 B over its limit of 22 B"]);
    project.write("project/stages/one/stage.toml", format!("{stage}[limits]\nsize = \"23B\"\n"));
    says(project.build(&["build", "--plain"]), 0, &["2 stages: 2 cached"]);
    says(project.repro(&["size", "one"]), 0, &["0 B below its limit of 23 B"]);
}
