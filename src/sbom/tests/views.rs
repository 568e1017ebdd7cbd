//! SPDX and CycloneDX.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{inventory, schema, valid};
use crate::digest::Digest;
use crate::sbom::gather::sha1_of;
use crate::sbom::{Delivered, Error, cyclonedx, spdx};

const SPDX: &str = "spdx-2.3.schema.json";
const CYCLONEDX: &str = "bom-1.7.SNAPSHOT.schema.json";

fn files() -> Vec<Delivered> {
    let file =
        |path: &str, bytes: &[u8]| Delivered { path: path.to_owned(), digest: Digest::of(bytes), sha1: sha1_of(bytes) };
    vec![file("bin/app", b"abc"), file("etc/a b\u{e9}", b"")]
}

fn relations(document: &Value) -> BTreeSet<String> {
    let list = document["relationships"].as_array().expect("a list");
    let text = |one: &Value| {
        ["spdxElementId", "relationshipType", "relatedSpdxElement"]
            .map(|key| one[key].as_str().expect("text"))
            .join(" ")
    };
    list.iter().map(text).collect()
}

#[test]
fn spdx_says_what_is_held_and_what_helped() {
    let text = spdx(&inventory(), "app", &files()).expect("it is built");
    let document = valid(SPDX, &text);
    assert_eq!(document["creationInfo"]["created"], "1980-01-01T00:00:00Z");
    assert!(document["documentNamespace"].as_str().is_some_and(|name| name.starts_with("urn:uuid:")));
    assert!(
        document["comment"]
            .as_str()
            .is_some_and(|comment| comment.starts_with("Of 2 packages") && comment.contains(", 1 were"))
    );
    let relations = relations(&document);
    let packages = document["packages"].as_array().expect("a list");
    let id = |name: &str| {
        let found = packages.iter().find(|package| package["name"] == name).expect("it is listed");
        (found["SPDXID"].as_str().expect("an id").to_owned(), found)
    };
    let [(beta, beta_package), (bison, _), (gcc, gcc_package)] = ["beta+1", "bison", "g++-12"].map(id);
    for (relation, there) in [
        ("SPDXRef-DOCUMENT DESCRIBES SPDXRef-Stage-app".to_owned(), true),
        ("SPDXRef-Stage-app CONTAINS SPDXRef-Source-alpha".to_owned(), true),
        (format!("SPDXRef-Stage-app CONTAINS {beta}"), false),
        (format!("SPDXRef-Stage-app CONTAINS {bison}"), true),
        (format!("SPDXRef-Stage-app CONTAINS {gcc}"), false),
        (format!("SPDXRef-Sysroot-seed CONTAINS {gcc}"), true),
        (format!("{bison} BUILD_TOOL_OF SPDXRef-Stage-lib"), true),
        (format!("{bison} BUILD_TOOL_OF SPDXRef-Stage-app"), false),
        (format!("{gcc} BUILD_TOOL_OF SPDXRef-Stage-lib"), false),
        (format!("SPDXRef-Stage-lib GENERATED_FROM {beta}"), true),
        ("SPDXRef-Stage-app GENERATED_FROM SPDXRef-Stage-lib".to_owned(), true),
        ("SPDXRef-Stage-lib BUILD_DEPENDENCY_OF SPDXRef-Stage-app".to_owned(), true),
        ("SPDXRef-Sysroot-tools BUILD_TOOL_OF SPDXRef-Stage-lib".to_owned(), true),
    ] {
        assert_eq!(relations.contains(&relation), there, "{relation} in {relations:#?}");
    }
    // Each side of a relation is an element, and elements have names of their own.
    let files = document["files"].as_array().expect("a list");
    let ids: Vec<&str> = packages.iter().chain(files).filter_map(|one| one["SPDXID"].as_str()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), packages.len() + files.len());
    for side in relations.iter().flat_map(|relation| [relation.split(' ').next(), relation.split(' ').next_back()]) {
        let side = side.expect("a relation has two sides");
        assert!(side == "SPDXRef-DOCUMENT" || ids.contains(&side), "{side}");
        assert!(side.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)), "{side}");
    }
    assert_eq!(beta_package["licenseDeclared"], "NOASSERTION");
    assert_eq!(beta_package["licenseComments"], "declared as `see COPYING`");
    assert_eq!(beta_package["downloadLocation"], "https://example.org/b?x=1&y=2");
    assert_eq!(beta_package["comment"], "It is to be had at mirror://test/b");
    assert_eq!(id("alpha").1["downloadLocation"], "NOASSERTION");
    let purl = "pkg:deb/debian/g%2B%2B-12@1:2~rc%2B1?arch=amd64&distro=bookworm";
    assert_eq!(gcc_package["externalRefs"][0]["referenceLocator"], purl);
    assert_eq!(files[0]["fileName"], "./bin/app");
    assert_eq!(files[0]["checksums"][0]["checksumValue"], "a9993e364706816aba3e25717850c26c9cd0d89d");
    // Sorted: that of "abc" before that of nothing.
    let all = "a9993e364706816aba3e25717850c26c9cd0d89dda39a3ee5e6b4b0d3255bfef95601890afd80709";
    let (_, own) = id("app");
    assert_eq!(own["filesAnalyzed"], true);
    assert_eq!(own["packageVerificationCode"]["packageVerificationCodeValue"], sha1_of(all.as_bytes()));
    assert_eq!(id("lib").1["filesAnalyzed"], false);
}

#[test]
fn cyclonedx_says_what_is_required_and_what_helped() {
    let text = cyclonedx(&inventory(), "app", &files()).expect("it is built");
    let bom = valid(CYCLONEDX, &text);
    assert_eq!(bom["metadata"]["timestamp"], "1980-01-01T00:00:00Z");
    let components = bom["components"].as_array().expect("a list");
    let scope = |name: &str| {
        let found = components.iter().find(|component| component["name"] == name).expect("it is listed");
        found["scope"].as_str().expect("a scope")
    };
    assert_eq!(
        ["alpha", "beta+1", "bison", "g++-12", "seed"].map(scope),
        ["required", "excluded", "required", "excluded", "excluded"]
    );
    assert_eq!(components[1]["licenses"], Value::Null);
    assert_eq!(components[1]["externalReferences"][0]["url"], "https://example.org/b?x=1&y=2");
    let own = bom["dependencies"].as_array().expect("a list").iter().find(|one| one["ref"] == "product:app");
    let held = own.expect("the product")["dependsOn"].as_array().expect("a list");
    assert_eq!(held.len(), 2, "{held:?}");
    assert_eq!(held[1], "source:alpha");
    assert_eq!(bom["compositions"], json!([{ "aggregate": "complete", "dependencies": ["product:app"] }]));
    let tasks = bom["formulation"][0]["workflows"][0]["tasks"].as_array().expect("a list");
    assert_eq!(tasks[0]["inputs"][0]["resource"]["ref"], "source:alpha");
    let inputs = tasks[0]["inputs"].as_array().expect("a list");
    let last = inputs.last().expect("one")["resource"]["ref"].as_str().expect("text");
    assert!(last.starts_with("package:debian/bison@"), "{last}");
    // What is referred to is there, once.
    let mut all = Vec::new();
    let mut refs = Vec::new();
    collect(&bom, &mut all, &mut refs);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for reference in refs {
        assert!(all.contains(&reference), "{reference}");
    }
    assert_eq!(bom["metadata"]["component"]["components"][0]["hashes"][1]["content"], Digest::of(b"abc").hex());
}

/// All names that things have, and all by which they are referred to.
fn collect(value: &Value, all: &mut Vec<String>, refs: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("bom-ref", Value::String(name)) => all.push(name.clone()),
                    ("ref", Value::String(name)) => refs.push(name.clone()),
                    ("dependsOn", Value::Array(list)) => {
                        refs.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => collect(value, all, refs),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, all, refs)),
        _ => {}
    }
}

#[test]
fn equal_content_has_an_equal_name_and_other_content_another() {
    let one = inventory();
    let mut other = one.clone();
    other.untraced.insert("lib".to_owned());
    for view in [spdx, cyclonedx] {
        let text = view(&one, "app", &[]).expect("it is built");
        assert_eq!(view(&one.clone(), "app", &[]).expect("it is built"), text);
        let changed = view(&other, "app", &[]).expect("it is built");
        let name = |text: &str| text.lines().find(|line| line.contains("urn:uuid:")).map(str::to_owned);
        assert!(name(&text).is_some());
        assert_ne!(name(&text), name(&changed));
    }
    let document = valid(SPDX, &spdx(&other, "app", &[]).expect("it is built"));
    assert!(document["comment"].as_str().is_some_and(|comment| comment.ends_with(": lib")), "{}", document["comment"]);
    let bom = valid(CYCLONEDX, &cyclonedx(&other, "app", &[]).expect("it is built"));
    assert_eq!(bom["compositions"][0]["aggregate"], "unknown");
}

#[test]
fn what_cannot_be_stated_is_refused() {
    let mut inventory = inventory();
    for view in [spdx, cyclonedx] {
        assert!(matches!(view(&inventory, "none", &[]), Err(Error::NotBuilt { .. })));
    }
    inventory.steps[1].epoch = "yesterday".to_owned();
    for view in [spdx, cyclonedx] {
        assert!(matches!(view(&inventory, "app", &[]), Err(Error::Epoch { .. })));
    }
    inventory.steps[1].built = None;
    for view in [spdx, cyclonedx] {
        assert!(matches!(view(&inventory, "app", &[]), Err(Error::NotBuilt { .. })));
    }
}

#[test]
fn licences_of_this_project_are_on_the_list() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("stages/sources.toml");
    let table: toml::Table = std::fs::read_to_string(path).expect("it is there").parse().expect("it is TOML");
    let list = schema("spdx.SNAPSHOT.schema.json");
    let known: Vec<&str> = list["enum"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for (name, license) in table.iter().filter_map(|(name, source)| Some((name, source.get("license")?.as_str()?))) {
        assert!(crate::sbom::license::is_expression(license), "{name}: {license}");
        let words = license.split([' ', '(', ')']).filter(|word| !matches!(*word, "" | "AND" | "OR" | "WITH"));
        for word in words {
            assert!(known.contains(&word), "{name}: {word} is not on the list of SPDX");
        }
    }
}
