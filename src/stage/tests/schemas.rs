//! The checked-in JSON Schemas are the generated ones, and mean what the reader means.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ARCHIVES, FULL, Project, SEED, SOURCES};
use crate::image::Recipe;
use crate::stage::{parse, parse_root, parse_sysroot, sources_schema, stage_schema, sysroot_schema};

fn schemas() -> [(&'static str, Value); 3] {
    [("stage", stage_schema()), ("sources", sources_schema()), ("sysroot", sysroot_schema())]
        .map(|(name, schema)| (name, schema.to_value()))
}

fn schema(name: &str) -> Value {
    let found = schemas().into_iter().find(|(other, _)| *other == name);
    found.expect("one of the three").1
}

/// Set `REPRO_BLESS=1` to write the files instead of comparing them.
#[test]
fn checked_in_schemas_are_in_step() {
    for (name, schema) in schemas() {
        let path = format!("{}/snapshots/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("a schema is JSON"));
        if std::env::var_os("REPRO_BLESS").is_some() {
            std::fs::write(&path, &text).expect("the schema can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{path} is out of step: run this test with REPRO_BLESS=1");
    }
}

fn keys(schema: &Value) -> BTreeSet<&str> {
    schema["properties"].as_object().expect("the schema has properties").keys().map(String::as_str).collect()
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let (stage, sources, sysroot) = (schema("stage"), schema("sources"), schema("sysroot"));
    let tables = [
        (&stage, parse::STAGE),
        (&stage["$defs"]["SourceUse"], parse::SOURCE_USE),
        (&stage["$defs"]["Win"], parse::WIN),
        (&stage["$defs"]["Root"], parse_root::ROOT),
        (&stage["$defs"]["RootWin"], parse_root::ROOT_WIN),
        (&stage["$defs"]["Limits"], parse::LIMITS),
        (&sources["$defs"]["SourceDef"], parse::SOURCE_DEF),
        (&sysroot, parse_sysroot::SYSROOT),
        (&sysroot["$defs"]["LinkDef"], parse_sysroot::LINK),
        (&sysroot["$defs"]["FileDef"], parse_sysroot::FILE),
        (&sysroot["$defs"]["PackageWin"], parse_sysroot::PACKAGE_WIN),
    ];
    for (schema, known) in tables {
        assert_eq!(keys(schema), known.iter().copied().collect());
        assert_eq!(schema["additionalProperties"], Value::Bool(false));
    }
    let image = schemars::schema_for!(Recipe).to_value();
    for schema in [&stage["$defs"]["Image"], &image] {
        assert_eq!(keys(schema), Recipe::keys());
        assert_eq!(schema["additionalProperties"], Value::Bool(false));
    }
}

fn valid(schema: &Value, text: &str) -> bool {
    let value: Value = toml::from_str(text).expect("the text is TOML");
    jsonschema::validator_for(schema).expect("the schema is one").is_valid(&value)
}

#[test]
fn what_the_reader_takes_is_valid() {
    Project::full().graph();
    assert!(valid(&schema("stage"), FULL));
    assert!(valid(&schema("sources"), SOURCES));
    assert!(valid(&schema("sysroot"), SEED));
    assert!(ARCHIVES.contains("[debian]"));
}

#[test]
fn what_the_reader_refuses_is_not_valid() {
    let head = "schema = 1\nsummary = \"s\"\n";
    for wrong in [
        "tools = []\ntolls = []",
        "tools = [\"seed\"]",
        "tools = []\nparams = [\"x\"]",
        "tools = []\n[limits]\ntime = \"60\"",
        "tools = []\n[limits]\nmemory = \"8GB\"",
        "tools = []\n[env]\nA = 1",
        "",
    ] {
        let text = format!("{head}{wrong}");
        assert!(!valid(&schema("stage"), &text), "{text}");
        let (_, mistakes) = parse::stage("a", "a", &text, &crate::stage::ParamValues::default());
        assert!(!mistakes.is_empty(), "{text}");
    }
}

/// Every definition of this very project, when it has some.
#[test]
fn the_project_s_own_definitions_are_valid() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = |name: &str, path: std::path::PathBuf| {
        if let Ok(text) = std::fs::read_to_string(&path) {
            assert!(valid(&schema(name), &text), "{}", path.display());
        }
    };
    check("sources", root.join("stages/sources.toml"));
    for entry in std::fs::read_dir(root.join("stages")).into_iter().flatten().flatten() {
        check("stage", entry.path().join("stage.toml"));
    }
    for entry in std::fs::read_dir(root.join("sysroots")).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|e| e == "toml") && entry.file_name() != "archives.toml" {
            check("sysroot", entry.path());
        }
    }
}
