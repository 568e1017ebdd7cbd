//! The statement: in-toto Statement v1, SLSA Provenance v1, and what `repro` puts into them.
//!
//! A build of type [`BUILD_TYPE`] executes a stage. Its external parameters name the stage and its target; its internal ones
//! are the action (`hex/size`, the digest of the Remote Execution API's message) and all that the action is made of. A tree
//! stands by the SHA-256 of its `Directory` message, of media type [`TREE`], with the size of that message.
//!
//! Dependencies have these names:
//!
//! | name | what |
//! |---|---|
//! | `package:SYSROOT/NAME` | a binary package, with the place that it was pinned at |
//! | `sysroot:NAME` | the tree of a sysroot |
//! | `source:NAME` | an upstream archive, with its places |
//! | `source-tree:NAME` | what is in it, as a stage sees it |
//! | `folder:NAME` | the folder of a stage |
//! | `stage:NAME`, `stage:NAME/path` | the tree that another stage left, with its action, or a part of that tree |

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::stage::{ActionInputs, compose};

/// `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The predicate's type.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// What a statement in an envelope is called.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The type of the builds that `repro` does.
pub const BUILD_TYPE: &str = "urn:repro:build:v1";
/// Media type of a tree: a `Directory` message of the Remote Execution API in its canonical form.
pub const TREE: &str = "application/x.build.bazel.remote.execution.v2.directory";

/// What a builder says of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What came out: the tree, named like the stage, and each file at the top of it as `STAGE/FILE`.
    #[schemars(length(min = 1))]
    pub subject: Vec<Resource>,
    /// [`PREDICATE_TYPE`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// How it was made.
    pub predicate: Provenance,
}

/// Something with a digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its name in this statement.
    #[serde(default)]
    pub name: String,
    /// The first place that it is to be had from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// `sha256`, in hexadecimal digits.
    #[serde(default)]
    pub digest: BTreeMap<String, String>,
    /// What it is, if it is no plain file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// More of it.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

/// What else is known of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Annotations {
    /// The action that left the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub action: Option<Digest>,
    /// All places that it is to be had from, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// Bytes that the digest is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// SLSA Provenance v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What went in.
    pub build_definition: BuildDefinition,
    /// Who built it.
    pub run_details: RunDetails,
}

/// What went in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// [`BUILD_TYPE`].
    pub build_type: String,
    /// What was asked for.
    pub external_parameters: External,
    /// What that came to.
    pub internal_parameters: Internal,
    /// All that the graph has below the stage.
    #[serde(default)]
    pub resolved_dependencies: Vec<Resource>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// The stage.
    pub stage: String,
    /// The values of its parameters, joined by `-`; `any` without any.
    pub target: String,
}

/// What that came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Internal {
    /// The action, `hex/size`.
    #[schemars(with = "String")]
    pub action: Digest,
    /// What it is made of.
    pub inputs: ActionInputs,
}

/// Who built it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunDetails {
    /// The builder.
    pub builder: Builder,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// A builder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Builder {
    /// A URI, as the builder calls itself.
    pub id: String,
    /// Versions of its parts: `repro`.
    #[serde(default)]
    pub version: BTreeMap<String, String>,
}

/// When it was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// When the build ended, as the user says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<String>,
}

impl Annotations {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Resource {
    /// A resource by its name and digest.
    pub fn new(name: impl Into<String>, digest: Digest) -> Self {
        Self {
            name: name.into(),
            digest: BTreeMap::from([("sha256".to_owned(), digest.hex())]),
            annotations: Annotations { size: Some(digest.size), ..Annotations::default() },
            ..Self::default()
        }
    }

    /// A tree.
    pub fn tree(name: impl Into<String>, digest: Digest) -> Self {
        Self { media_type: Some(TREE.to_owned()), ..Self::new(name, digest) }
    }

    /// Its SHA-256, in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        self.digest.get("sha256").map_or("", String::as_str)
    }

    /// `hex/size`, or the digits alone where the size is not told.
    pub fn shown(&self) -> String {
        match self.annotations.size {
            Some(size) => format!("{}/{size}", self.sha256()),
            None => self.sha256().to_owned(),
        }
    }
}

impl Statement {
    /// Says what a JSON value is about, if it is no statement on a build by `repro`.
    pub(super) fn foreign(value: &Value) -> Option<String> {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let types = [
            ("/_type", STATEMENT_TYPE, "its `_type`"),
            ("/predicateType", PREDICATE_TYPE, "its predicate"),
            ("/predicate/buildDefinition/buildType", BUILD_TYPE, "its `buildType`"),
        ];
        let other = types.into_iter().find(|(path, want, _)| text(path) != *want)?;
        Some(format!("{} is `{}` and not `{}`", other.2, text(other.0), other.1))
    }

    /// Reads a statement, and checks that it does not contradict itself.
    ///
    /// # Errors
    /// It is not of that form, or contradicts itself; the text says how.
    pub fn from_json(mut value: Value) -> Result<Self, String> {
        without_nulls(&mut value);
        let statement: Self = serde_json::from_value(value)
            .map_err(|error| format!("its statement is not of the right form: {error}"))?;
        statement.check()?;
        Ok(statement)
    }

    /// The stage.
    pub fn stage(&self) -> &str {
        &self.definition().external_parameters.stage
    }

    /// The stage's target.
    pub fn target(&self) -> &str {
        &self.definition().external_parameters.target
    }

    /// The action.
    pub fn action(&self) -> Digest {
        self.definition().internal_parameters.action
    }

    /// The tree that the stage left.
    pub fn output(&self) -> &Resource {
        let output = self.subject.iter().find(|subject| subject.name == self.stage());
        output.expect("a statement is made with the tree, and one without is not read")
    }

    /// What went in.
    pub fn definition(&self) -> &BuildDefinition {
        &self.predicate.build_definition
    }

    /// Who built it, as the statement says.
    pub fn builder(&self) -> &str {
        &self.predicate.run_details.builder.id
    }

    fn check(&self) -> Result<(), String> {
        let Internal { action, inputs } = &self.definition().internal_parameters;
        let dependencies = &self.definition().resolved_dependencies;
        for (what, resource) in [("subject", &self.subject), ("dependency", dependencies)]
            .into_iter()
            .flat_map(|(what, all)| all.iter().map(move |one| (what, one)))
        {
            let name = resource.name.escape_debug();
            Digest::from_hex(resource.sha256(), 0)
                .map_err(|_| format!("its {what} `{name}` has no SHA-256 of 64 lower-case hex digits"))?;
        }
        let mut names = BTreeSet::new();
        for subject in &self.subject {
            if !names.insert(&subject.name) {
                return Err(format!("its subject `{}` is there twice", subject.name.escape_debug()));
            }
        }
        if self.stage().is_empty() || !names.contains(&self.definition().external_parameters.stage) {
            return Err(format!("none of its subjects is the tree of stage `{}`", self.stage().escape_debug()));
        }
        if self.builder().is_empty() {
            return Err("it does not say who built it".to_owned());
        }
        let made = compose(inputs).map_err(|error| format!("its inputs make no action: cannot {error}"))?;
        if made.key != *action {
            return Err(format!("its inputs make the action {}, and it names {action}", made.key));
        }
        let known: BTreeSet<&str> = dependencies.iter().map(Resource::sha256).collect();
        let missing = trees(inputs).find(|(_, tree)| !known.contains(tree.hex().as_str()));
        match missing {
            Some((label, _)) => Err(format!("its input `{}` is not among its dependencies", label.escape_debug())),
            None => Ok(()),
        }
    }
}

/// All trees that an action sees, with their labels.
fn trees(inputs: &ActionInputs) -> impl Iterator<Item = (&str, Digest)> {
    let layers = inputs.tools.iter().chain(&inputs.target).chain(&inputs.inputs);
    let layers = layers.map(|layer| (layer.label.as_str(), layer.tree));
    let sources = inputs.sources.iter().map(|source| (source.name.as_str(), source.tree));
    layers.chain(sources).chain([("stage", inputs.stage_dir)])
}

/// "Unset, null, and empty field values MUST be interpreted equivalently", says SLSA.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The JSON Schema of the statements that are written.
pub fn statement_schema() -> Schema {
    schema_for!(Statement)
}
