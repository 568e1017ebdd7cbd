//! Statements made by hand, and everything that is wrong with some.

mod forged;
mod keys;
mod opinions;
mod schemas;
mod signed;

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::digest::Digest;
use crate::stage::{ActionInputs, Layer, Record, SourceInput, compose};

/// What a stage might see; `variant` goes into its source.
pub(super) fn inputs(variant: &str) -> ActionInputs {
    let tree = |text: &str| Digest::of(text.as_bytes());
    ActionInputs {
        tools: vec![Layer { label: "sysroot:tools".into(), tree: tree("tools") }],
        target: vec![Layer { label: "stage:lib/dev".into(), tree: tree("lib/dev") }],
        wins: Vec::new(),
        sources: vec![SourceInput { name: "app".into(), tree: tree(&format!("source {variant}")), writable: false }],
        inputs: vec![Layer { label: "data".into(), tree: tree("data") }],
        stage_dir: tree("folder"),
        argv: vec!["/bin/sh".into(), "-eu".into(), "/stage/build.sh".into()],
        env: BTreeMap::from([("PATH".into(), "/bin".into())]),
        platform: BTreeMap::from([("arch".into(), "x86_64".into())]),
    }
}

/// A statement that the stage `app` left this output of these inputs.
pub(super) fn statement(variant: &str, output: &str) -> Statement {
    let inputs = inputs(variant);
    let tree = |name: &str, tree: Digest| Resource::tree(name, tree);
    let mut lib = tree("stage:lib", Digest::of(b"lib"));
    lib.annotations.action = Some(Digest::of(b"action of lib"));
    let mut archive = Resource::new("source:app", Digest::of(format!("archive {variant}").as_bytes()));
    archive.uri = Some("mirror://test/app.tar".into());
    let dependencies = vec![
        Resource::new("package:tools/sh", Digest::of(b"sh.deb")),
        tree("sysroot:tools", inputs.tools[0].tree),
        lib,
        tree("stage:lib/dev", inputs.target[0].tree),
        tree("stage:data", inputs.inputs[0].tree),
        archive,
        tree("source-tree:app", inputs.sources[0].tree),
        tree("folder:app", inputs.stage_dir),
    ];
    let action = compose(&inputs).expect("the inputs make an action").key;
    Statement {
        kind: STATEMENT_TYPE.into(),
        subject: vec![
            tree("app", Digest::of(output.as_bytes())),
            Resource::new("app/disk.img", Digest::of(format!("disk of {output}").as_bytes())),
        ],
        predicate_type: PREDICATE_TYPE.into(),
        predicate: Provenance {
            build_definition: BuildDefinition {
                build_type: BUILD_TYPE.into(),
                external_parameters: External { stage: "app".into(), target: "x86_64".into() },
                internal_parameters: Internal { action, inputs },
                resolved_dependencies: dependencies,
            },
            run_details: RunDetails {
                builder: Builder { id: "https://builds.example/one".into(), version: BTreeMap::new() },
                metadata: None,
            },
        },
    }
}

/// What was built here.
pub(super) fn ours(variant: &str, output: &str) -> Ours {
    let statement = statement(variant, output);
    Ours {
        target: "x86_64".into(),
        record: Record::new("app", statement.action(), inputs(variant), BTreeMap::new()),
        output: Digest::of(output.as_bytes()),
        known: crate::build::known::Verdict::Unknown,
        statement: Some(statement),
    }
}

/// The JSON value of a statement.
pub(super) fn value(statement: &Statement) -> Value {
    serde_json::to_value(statement).expect("a statement has string keys only")
}

/// An envelope with this payload, signed by keys of these numbers.
pub(super) fn envelope(payload: &[u8], keys: &[u8]) -> dsse::Envelope {
    let keys: Vec<SecretKey> = keys.iter().map(|number| SecretKey::numbered(*number)).collect();
    dsse::Envelope::sign(PAYLOAD_TYPE, payload.to_vec(), &keys)
}

/// A bundle of statements, each signed by keys of these numbers.
pub(super) fn bundle(statements: &[(Statement, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (statement, keys) in statements {
        let keys: Vec<SecretKey> = keys.iter().map(|number| SecretKey::numbered(*number)).collect();
        bytes.extend(seal(statement, &keys));
    }
    bytes
}
