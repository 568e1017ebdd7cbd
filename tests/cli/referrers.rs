//! Statements that go with an image, and graphs of input manifests.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use repro::digest::Digest;
use serde_json::Value;

use crate::environment::{Project, copy};
use crate::sbom;

/// All files below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").display().to_string();
                found.insert(name, std::fs::read(&path).expect("it is there"));
            }
        }
    }
    found
}

/// A blob, held to its digest.
fn blob<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
    let hex = descriptor["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:")).expect("a digest");
    let bytes = files.get(&format!("blobs/sha256/{hex}")).expect("it is there");
    assert_eq!((Digest::of(bytes).hex(), Some(bytes.len() as u64)), (hex.to_owned(), descriptor["size"].as_u64()));
    bytes
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("it is JSON")
}

/// Artifact types of what refers to the image, with what they hold, by the tag of the image.
fn referrers(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let index = json(&files["index.json"]);
    let all = index["manifests"].as_array().expect("a list");
    let name = |one: &Value| one["annotations"]["org.opencontainers.image.ref.name"].as_str().map(str::to_owned);
    let image = all.iter().find(|one| name(one).as_deref() == Some("v1")).expect("the image");
    let tag = image["digest"].as_str().expect("a digest").replace(':', "-");
    let list = all.iter().find(|one| name(one).as_ref() == Some(&tag)).expect("a list of referrers");
    let list = json(blob(files, list));
    assert_eq!(list["mediaType"], "application/vnd.oci.image.index.v1+json");
    let mut found = BTreeMap::new();
    for one in list["manifests"].as_array().expect("a list") {
        assert!(all.contains(one), "it is in the layout's index as well: {one}");
        let manifest = json(blob(files, one));
        assert_eq!(manifest["subject"]["digest"], image["digest"]);
        assert_eq!(manifest["artifactType"], one["artifactType"]);
        assert_eq!(blob(files, &manifest["config"]), b"{}");
        let kind = manifest["artifactType"].as_str().expect("text").to_owned();
        found.insert(kind, blob(files, &manifest["layers"][0]).to_vec());
    }
    found
}

fn unpack(project: &Project, tar: &str, folder: &str) {
    let bytes = std::fs::read(project.path(tar)).expect("it is there");
    tar::Archive::new(bytes.as_slice()).unpack(project.path(folder)).expect("it is a tar");
}

/// Runs a tool of the host; false, aloud, where there is none.
fn tool(project: &Project, program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).current_dir(project.path("project")).env("HOME", project.path("home"));
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {args:?}: {said}");
            true
        }
        Err(error) => {
            let must = std::env::var_os("REPRO_TEST_NO_SKIP").is_some();
            assert!(!must, "{program}: {error}");
            eprintln!("SKIPPED: what {program} makes of a layout with referrers: {error}");
            false
        }
    }
}

#[test]
fn statements_go_with_an_image() {
    let project = sbom::project();
    project.build(&["build", "--quiet"]).ends(0);
    let args = ["image", "two", "--format", "oci", "--platform", "linux/amd64", "--label", "v1", "-o", "two.tar"];
    project.repro(&args).ends(0);
    unpack(&project, "project/two.tar", "project/layout");
    std::fs::copy(project.path("project/two.tar"), project.path("project/again.tar")).expect("it is there");
    let statements: [&[&str]; 3] = [
        &["sbom", "two", "--attach"],
        &["sbom", "two", "--format", "cyclonedx", "--attach"],
        &["attest", "two", "--unsigned", "--builder", "urn:example:me", "--attach"],
    ];
    for layout in ["two.tar", "layout"] {
        for statement in statements {
            let said = project.repro(&[statement, &[layout]].concat()).ends(0);
            assert!(said.err.contains("attached 1 statement to sha256:") && said.out.is_empty(), "{}", said.all());
        }
    }
    unpack(&project, "project/two.tar", "unpacked");
    let all = files(&project.path("project/layout"));
    assert!(files(&project.path("unpacked")) == all, "a tar and a folder have the same");
    let found = referrers(&all);
    let kinds: Vec<&str> = found.keys().map(String::as_str).collect();
    let want = ["application/spdx+json", "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"];
    assert_eq!(kinds, want);
    assert_eq!(found[want[0]], project.repro(&["sbom", "two"]).ends(0).out.as_bytes());
    // Every blob is what its name says, and none is left over.
    let mut reached = 0;
    for (name, bytes) in all.iter().filter(|(name, _)| name.starts_with("blobs/")) {
        assert_eq!(name.rsplit('/').next(), Some(Digest::of(bytes).hex().as_str()));
        reached += 1;
    }
    // Image: layer, configuration, manifest. Referrers: `{}`, three manifests, three statements, the list.
    assert_eq!(reached, 3 + 1 + 3 + 3 + 1);
    // In another order, and twice, it is the same.
    for statement in statements.iter().rev().chain(&statements) {
        project.repro(&[*statement, &["again.tar"]].concat()).ends(0);
    }
    unpack(&project, "project/again.tar", "again");
    assert!(files(&project.path("again")) == all, "the order shows");
    if tool(&project, "skopeo", &["inspect", "--raw", "oci-archive:two.tar:v1"]) {
        tool(&project, "skopeo", &["copy", "--insecure-policy", "oci:layout:v1", "dir:copied"]);
    }
    tool(&project, "umoci", &["stat", "--image", "layout:v1"]);
    tool(&project, "umoci", &["list", "--layout", "layout"]);
    // What stages left is not written to, and what is no layout is told.
    project.write("project/other.tar", "no tar");
    for (layout, words) in [("out/two", "copy it out of the store"), ("other.tar", "image layout"), ("none", "none")] {
        let said = project.repro(&["sbom", "two", "--attach", layout]);
        assert!(said.code != 0 && said.err.contains(words), "{layout}: {}", said.all());
    }
}

fn gitoid(bytes: &[u8]) -> String {
    Digest::of(&[format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat()).hex()
}

#[test]
fn input_manifests_say_what_files_were_made_from() {
    let project = sbom::project();
    project.write(
        "project/stages/one/build.sh",
        "cat /src/alpha/hello /src/beta/hello >/out/both; cp /src/alpha/hello /out",
    );
    project.write("project/stages/two/build.sh", "sed s/h/H/ /in/one/both >/out/more; cat /in/one/hello >>/out/more");
    project.build(&["build", "--quiet"]).ends(0);
    let said = project.repro(&["sbom", "two", "--format", "omnibor", "-o", "graph", "--json"]).ends(0);
    assert_eq!(json(said.out.as_bytes())["manifests"], 2, "{}", said.all());
    let (alpha, beta) = ("hello from alpha\n", "hello from beta\n");
    let both = format!("{alpha}{beta}");
    let more = format!("Hello from alpha\nHello from beta\n{alpha}");
    let mut sources = [gitoid(alpha.as_bytes()), gitoid(beta.as_bytes())];
    sources.sort();
    let inner = format!("gitoid:blob:sha256\n{}\n{}\n", sources[0], sources[1]);
    let mut lines =
        [format!("{} manifest {}", gitoid(both.as_bytes()), gitoid(inner.as_bytes())), gitoid(alpha.as_bytes())];
    lines.sort();
    let outer = format!("gitoid:blob:sha256\n{}\n{}\n", lines[0], lines[1]);
    for text in [&inner, &outer] {
        let name = gitoid(text.as_bytes());
        let path = format!("project/graph/manifests/gitoid_blob_sha256/{}/{}", &name[..2], &name[2..]);
        assert_eq!(project.read(&path), *text);
    }
    let uri = |name: String| format!("gitoid:blob:sha256:{name}");
    let line =
        |file: &str, manifest: &str| format!("{} {}\n", uri(gitoid(file.as_bytes())), uri(gitoid(manifest.as_bytes())));
    let mut targets = [line(&both, &inner), line(&more, &outer)];
    targets.sort();
    assert_eq!(project.read("project/graph/targets"), targets.concat());
    // The same once more.
    copy(&project.path("project/graph"), &project.path("before"));
    project.repro(&["sbom", "two", "--format", "omnibor", "-o", "graph"]).ends(0);
    assert!(files(&project.path("project/graph")) == files(&project.path("before")));
    let said = project.repro(&["sbom", "two", "--format", "omnibor"]).ends(2);
    assert!(said.err.contains("--output DIR"), "{}", said.all());
}
