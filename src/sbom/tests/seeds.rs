//! What had to be believed, and the shapes of what is written as JSON.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory;
use crate::digest::Digest;
use crate::lockfile::ArchivePin;
use crate::report::{Palette, seeds_text, sizes_text};
use crate::sbom::{Amount, Bytes, Inside, Large, Seeds, Share, Sizes, seeds_schema, sizes_schema};
use crate::stage::ArchiveDef;

fn archives() -> (BTreeMap<String, ArchiveDef>, BTreeMap<String, ArchivePin>) {
    let text = |text: &str| text.to_owned();
    let definition = ArchiveDef {
        name: text("debian"),
        suite: text("bookworm"),
        component: text("main"),
        architecture: text("amd64"),
        base: text("mirror://debian/"),
        keys: text("keys.asc"),
    };
    let pin =
        ArchivePin { suite: text("bookworm"), timestamp: text("20261101T000000Z"), inrelease: Digest::of(b"index") };
    ([(text("debian"), definition)].into(), [(text("debian"), pin)].into())
}

#[test]
fn packages_are_counted_with_their_users() {
    let (definitions, pins) = archives();
    let seeds = Seeds::new(&inventory(), &definitions, &pins);
    assert_eq!((seeds.total.packages, seeds.used.packages, seeds.held.packages), (2, 1, 1));
    assert_eq!(seeds.used, Amount { packages: 1, bytes: 5 });
    assert_eq!(seeds.archives[0].inrelease.as_deref(), Some(Digest::of(b"index").hex().as_str()));
    let users: Vec<(&str, &BTreeSet<String>)> =
        seeds.sysroots.iter().map(|sysroot| (sysroot.name.as_str(), &sysroot.stages)).collect();
    let [one, two] = [BTreeSet::from(["lib".to_owned()]), BTreeSet::from(["app".to_owned(), "lib".to_owned()])];
    assert_eq!(users, [("seed", &one), ("tools", &two)]);
    assert_eq!(seeds.packages.iter().map(|seed| seed.used).collect::<Vec<_>>(), [Some(true), Some(false)]);
    let text = seeds_text(&seeds, Palette::PLAIN);
    for line in ["2 packages (11 B) that others compiled, below app", "executed or read: 1 package (5 B)"] {
        assert!(text.contains(line), "`{line}` is not in {text}");
    }
    let value = serde_json::to_value(&seeds).expect("keys are strings");
    let validator = jsonschema::validator_for(&seeds_schema().to_value()).expect("it is a schema");
    assert!(validator.is_valid(&value), "{value:#}");
}

#[test]
fn what_is_not_known_is_not_said_to_be_unused() {
    let mut inventory = inventory();
    for package in &mut inventory.packages {
        package.stages.insert("lib".to_owned(), None);
        package.name.push('\u{1b}');
    }
    let (definitions, _) = archives();
    let seeds = Seeds::new(&inventory, &definitions, &BTreeMap::new());
    assert_eq!(seeds.packages.iter().map(|seed| seed.used).collect::<Vec<_>>(), [None, None]);
    assert_eq!((seeds.untraced.as_slice(), seeds.used.packages), (&["lib".to_owned()][..], 0));
    let text = seeds_text(&seeds, Palette::PLAIN);
    assert!(text.contains("not known, for want of a trace, of lib") && text.contains("nothing pinned"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_budget_is_told_with_what_takes_the_room() {
    let share = |name: &str, files, bytes| Share { name: name.to_owned(), files, bytes };
    let mut sizes = Sizes {
        schema: 1,
        stage: "image".to_owned(),
        target: "x86_64".to_owned(),
        output: Digest::of(b""),
        total: Bytes { files: 2, bytes: 3072 },
        budget: Some(2048),
        stages: vec![share("kernel", 1, 2048), share("image", 1, 1024)],
        top: vec![share("boot", 2, 3072)],
        largest: vec![Large { path: "boot/\u{1b}x".to_owned(), bytes: 2048, stage: "kernel".to_owned() }],
        containers: vec![Inside {
            path: "boot/disk".to_owned(),
            kind: "disk image".to_owned(),
            bytes: 1024,
            total: Bytes { files: 2, bytes: 1000 },
            stages: vec![share("musl", 1, 900), share("", 1, 100)],
        }],
    };
    let text = sizes_text(&sizes, Palette::PLAIN);
    for words in [
        "image x86_64: 3.0 KiB in 2 files\ntoo large: 1.0 KiB over its limit of 2.0 KiB\n",
        "kernel       1  2.0 KiB  66.6 %\n",
        "boot/disk (disk image, 1.0 KiB) holds 1000 B in 2 files\n",
        "(no stage left it as a file)",
    ] {
        assert!(text.contains(words), "`{words}` is not in {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
    sizes.budget = Some(3072);
    assert_eq!(sizes.excess(), None);
    assert!(sizes_text(&sizes, Palette::PLAIN).contains("0 B below its limit"));
    let value = serde_json::to_value(&sizes).expect("keys are strings");
    assert!(jsonschema::validator_for(&sizes_schema().to_value()).expect("it is a schema").is_valid(&value));
}

#[test]
fn checked_in_schemas_are_in_step() {
    for (name, schema) in [("seeds", seeds_schema()), ("sizes", sizes_schema())] {
        let path = format!("{}/snapshots/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema.to_value()).expect("a schema is JSON"));
        if std::env::var_os("REPRO_BLESS").is_some() {
            std::fs::write(&path, &text).expect("the schema can be written");
        }
        let is = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(is == text, "snapshots/{name}.schema.json is out of date: run REPRO_BLESS=1 cargo test sbom::");
    }
}
