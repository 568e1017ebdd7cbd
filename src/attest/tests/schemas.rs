//! The shapes that others rely on.

use serde_json::json;

use super::*;

/// Set `REPRO_BLESS=1` to write the files instead of comparing them.
#[test]
fn checked_in_schemas_are_in_step() {
    let schemas = [
        ("statement", statement_schema()),
        ("envelope", dsse::envelope_schema()),
        ("attest-check", check_schema()),
        ("against-report", report_schema()),
    ];
    for (name, schema) in schemas {
        let path = format!("{}/snapshots/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema.to_value()).expect("a schema is JSON"));
        if std::env::var_os("REPRO_BLESS").is_some() {
            std::fs::write(&path, &text).expect("the schema can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{path} is out of step: run this test with REPRO_BLESS=1");
    }
}

/// What the specifications ask for, in the words of a schema: in-toto's Statement v1 and ResourceDescriptor, SLSA's
/// Provenance v1. Fields that they leave open are open.
fn official() -> Value {
    json!({
        "$defs": {
            "digest": { "type": "object", "minProperties": 1, "additionalProperties": { "type": "string", "pattern": "^[0-9a-f]+$" } },
            "uri": { "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:[^ ]+$" },
            "resource": {
                "type": "object",
                "anyOf": [{ "required": ["uri"] }, { "required": ["digest"] }, { "required": ["content"] }],
                "properties": {
                    "name": { "type": "string" }, "uri": { "$ref": "#/$defs/uri" }, "digest": { "$ref": "#/$defs/digest" },
                    "content": { "type": "string" }, "downloadLocation": { "$ref": "#/$defs/uri" },
                    "mediaType": { "type": "string", "pattern": "^[a-z]+/[A-Za-z0-9.+-]+$" }, "annotations": { "type": "object" },
                },
                "additionalProperties": false,
            },
        },
        "type": "object",
        "required": ["_type", "subject", "predicateType", "predicate"],
        "additionalProperties": false,
        "properties": {
            "_type": { "const": "https://in-toto.io/Statement/v1" },
            "predicateType": { "const": "https://slsa.dev/provenance/v1" },
            "subject": {
                "type": "array", "minItems": 1,
                "items": { "allOf": [{ "$ref": "#/$defs/resource" }], "required": ["digest"] },
            },
            "predicate": {
                "type": "object",
                "required": ["buildDefinition", "runDetails"],
                "additionalProperties": false,
                "properties": {
                    "buildDefinition": {
                        "type": "object",
                        "required": ["buildType", "externalParameters"],
                        "additionalProperties": false,
                        "properties": {
                            "buildType": { "$ref": "#/$defs/uri" },
                            "externalParameters": { "type": "object" },
                            "internalParameters": { "type": "object" },
                            "resolvedDependencies": { "type": "array", "items": { "$ref": "#/$defs/resource" } },
                        },
                    },
                    "runDetails": {
                        "type": "object",
                        "required": ["builder"],
                        "additionalProperties": false,
                        "properties": {
                            "builder": {
                                "type": "object",
                                "required": ["id"],
                                "additionalProperties": false,
                                "properties": {
                                    "id": { "$ref": "#/$defs/uri" },
                                    "version": { "type": "object", "additionalProperties": { "type": "string" } },
                                    "builderDependencies": { "type": "array", "items": { "$ref": "#/$defs/resource" } },
                                },
                            },
                            "metadata": {
                                "type": "object",
                                "additionalProperties": false,
                                "properties": {
                                    "invocationId": { "type": "string" },
                                    "startedOn": { "type": "string", "pattern": "Z$" },
                                    "finishedOn": { "type": "string", "pattern": "Z$" },
                                },
                            },
                            "byproducts": { "type": "array", "items": { "$ref": "#/$defs/resource" } },
                        },
                    },
                },
            },
        },
    })
}

#[test]
fn what_is_written_is_of_the_official_form_and_of_ours() {
    let mut with_time = statement("a", "out");
    let run = Run::new("urn:x:y".into(), Some("2026-11-21T18:40:48Z".into())).unwrap();
    with_time.predicate.run_details.metadata = Some(Metadata { finished_on: run.finished_on });
    for schema in [official(), statement_schema().to_value()] {
        let validator = jsonschema::validator_for(&schema).expect("it is a schema");
        for statement in [&statement("a", "out"), &with_time] {
            let value = json::parse(&json::canonical(statement)).unwrap();
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}");
            let mut wrong = value.clone();
            wrong["predicate"]["runDetails"]["builder"]["id"] = Value::Null;
            assert!(!validator.is_valid(&wrong));
        }
    }
    let validator = jsonschema::validator_for(&dsse::envelope_schema().to_value()).unwrap();
    assert!(validator.is_valid(&json::parse(&envelope(b"x", &[1, 2]).to_json()).unwrap()));
}
