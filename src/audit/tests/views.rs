//! The schemas that are checked in.

use super::*;

/// Set `REPRO_BLESS=1` to write the files instead of comparing them.
#[test]
fn checked_in_schemas_are_in_step() {
    for (name, schema) in [("audit", config_schema()), ("audit-report", report_schema())] {
        let path = format!("{}/snapshots/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema.to_value()).expect("a schema is JSON"));
        if std::env::var_os("REPRO_BLESS").is_some() {
            std::fs::write(&path, &text).expect("the schema can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{path} is out of step: run this test with REPRO_BLESS=1");
    }
}

#[test]
fn a_report_is_what_its_schema_says() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "usr/lib/a", "/build/x");
    write(folder.path(), "usr/lib/b", "/build/x");
    let text = "schema = 1\n[[allow]]\nrule = \"leak-build-path\"\npath = \"usr/*/a\"\nreason = \"for a test\"\n";
    let config = Config::parse(text).expect("it is right");
    let value = serde_json::to_value(report(folder.path(), &config)).expect("a report is JSON");
    let validator = jsonschema::validator_for(&report_schema().to_value()).expect("the schema is one");
    assert!(validator.is_valid(&value), "{value}");
    assert_eq!(value["findings"][0]["rule"], "leak-build-path");
    assert_eq!(value["findings"][0]["evidence"][0]["kind"], "bytes");
    let mut wrong = value;
    wrong["findings"][0]["severity"] = "fatal".into();
    assert!(!validator.is_valid(&wrong));
    // The project's own file, when there is one.
    let own = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/audit.toml")).unwrap_or_default();
    if !own.is_empty() {
        Config::parse(&own).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let value: serde_json::Value = toml::from_str(&own).expect("it is TOML");
        let validator = jsonschema::validator_for(&config_schema().to_value()).expect("the schema is one");
        assert!(validator.is_valid(&value), "{value}");
    }
}
