//! The checked-in JSON Schemas are the generated ones, and what is written fits them.

use serde_json::Value;

use super::World;
use crate::loader::Own;
use crate::rootfs::{Questions, Survey, Surveyed, log_schema, report_schema, survey_schema};

/// Set `REPRO_BLESS=1` to write the files instead of comparing them.
#[test]
fn checked_in_schemas_are_in_step() {
    let schemas = [("root-report", report_schema()), ("pack-log", log_schema()), ("closure", survey_schema())];
    for (name, schema) in schemas {
        let path = format!("{}/snapshots/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("a schema is JSON"));
        if std::env::var_os("REPRO_BLESS").is_some() {
            std::fs::write(&path, &text).expect("the schema can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{path} is out of step: run this test with REPRO_BLESS=1");
    }
}

#[test]
fn what_is_written_fits() {
    let mut world = World::new();
    world.definition.roots = super::texts(&["bin/ash"]);
    world.definition.may_miss = super::texts(&["base"]);
    let composed = world.good();
    let fits = |schema: schemars::Schema, text: &str| {
        let value: Value = serde_json::from_str(text).expect("it is JSON");
        let schema = jsonschema::validator_for(&schema.to_value()).expect("it is a schema");
        let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    };
    fits(report_schema(), &world.text(&composed, "report.json"));
    world.text(&composed, "pack-log.jsonl").lines().for_each(|line| fits(log_schema(), line));
    let path = |path: &str, own: Own| Surveyed { path: path.to_owned(), own, size: 3 };
    let paths = [path("bin", Own::Folder), path("bin/x", Own::File { executable: true }), path("y", Own::Special)];
    let read = |_: &str| Ok::<_, String>(b"#!/bin/none\n".to_vec());
    let survey = Survey::new("x", &paths, &Questions::default(), &read).expect("it can be read");
    assert_eq!((survey.needed.len(), survey.missing.len(), survey.superfluous.len()), (1, 1, 1));
    fits(survey_schema(), &serde_json::to_string(&survey).expect("it is strings and numbers"));
}
