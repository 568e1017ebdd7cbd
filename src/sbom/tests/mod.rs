//! Inventories made by hand, and the schemas of those who defined the formats.

mod seeds;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::inventory::{Inventory, Package, Role, Source, Step, Taken};
use crate::digest::Digest;

/// Finds what schemas refer to among the files of `tests/schemas`.
struct Beside;

impl jsonschema::Retrieve for Beside {
    fn retrieve(&self, uri: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.path().as_str().rsplit('/').next().unwrap_or_default();
        Ok(schema(name))
    }
}

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name);
    serde_json::from_slice(&std::fs::read(path).expect("the schema is there")).expect("it is JSON")
}

/// Fails with all that a schema of `tests/schemas` finds wrong.
#[track_caller]
fn valid(name: &str, text: &str) -> Value {
    let value: Value = serde_json::from_str(text).expect("it is JSON");
    let schema = schema(name);
    let options = jsonschema::options().with_retriever(Beside);
    let validator = options.build(&schema).expect("it is a schema");
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    value
}

fn source(name: &str, license: &str, places: &[&str], held: bool) -> Source {
    Source {
        name: name.to_owned(),
        version: "1.0+x".to_owned(),
        license: license.to_owned(),
        file: format!("{name}.tar.xz"),
        digest: Digest::of(name.as_bytes()),
        places: places.iter().map(|place| (*place).to_owned()).collect(),
        stages: BTreeSet::from(["lib".to_owned()]),
        held,
    }
}

fn package(name: &str, files: Option<u64>, held: bool) -> Package {
    Package {
        archive: "debian".to_owned(),
        suite: "bookworm".to_owned(),
        name: name.to_owned(),
        version: "1:2~rc+1".to_owned(),
        architecture: "amd64".to_owned(),
        digest: Digest::of(name.as_bytes()),
        place: format!("mirror://debian/pool/{name}.deb"),
        licenses: BTreeSet::from(["GPL-2+".to_owned()]),
        sysroots: BTreeSet::from(["seed".to_owned(), "tools".to_owned()]),
        stages: BTreeMap::from([("lib".to_owned(), files), ("app".to_owned(), Some(0))]),
        held,
    }
}

fn step(name: &str, takes: &[(Role, bool, &str)], sources: &[&str]) -> Step {
    let taken =
        |(role, sysroot, name): &(Role, bool, &str)| Taken { role: *role, sysroot: *sysroot, name: (*name).to_owned() };
    Step {
        stage: name.to_owned(),
        summary: "makes \u{1b}[2J\"something\"".to_owned(),
        command: vec!["/bin/sh".to_owned(), "-eu".to_owned()],
        target: "any".to_owned(),
        epoch: "315532800".to_owned(),
        built: Some((Digest::of(b"action"), Digest::of(name.as_bytes()))),
        takes: takes.iter().map(taken).collect(),
        sources: sources.iter().map(|name| (*name).to_owned()).collect(),
        held: true,
    }
}

/// A program that is linked with a library, and tools of which it holds nothing.
fn inventory() -> Inventory {
    let tools = (Role::Tools, true, "tools");
    Inventory {
        products: vec!["app".to_owned()],
        sources: vec![
            source(
                "alpha",
                "MIT OR (Zlib AND GPL-2.0-only WITH Linux-syscall-note)",
                &["mirror://test/alpha.tar.xz"],
                true,
            ),
            source("beta+1", "see COPYING", &["mirror://test/b", "https://example.org/b?x=1&y=2"], false),
        ],
        packages: vec![package("bison", Some(2), true), package("g++-12", Some(0), false)],
        steps: vec![
            step("lib", &[tools, (Role::Tools, true, "seed")], &["alpha", "beta+1"]),
            step("app", &[tools, (Role::Target, false, "lib"), (Role::Inputs, false, "lib")], &[]),
        ],
        untraced: BTreeSet::new(),
    }
}
