//! The types of `lockfile.json`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The version of the format that this program reads and writes.
pub const SCHEMA: u32 = 1;

/// The target of a stage that takes no parameters.
pub const ANY_TARGET: &str = "any";

/// The whole of `lockfile.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lockfile {
    /// The version of the format: [`SCHEMA`].
    pub schema: u32,
    /// Package archives by name.
    #[serde(default, deserialize_with = "unique")]
    pub archives: BTreeMap<String, ArchivePin>,
    /// Sources by name.
    #[serde(default, deserialize_with = "unique")]
    pub sources: BTreeMap<String, SourcePin>,
    /// Sysroots by name.
    #[serde(default, deserialize_with = "unique")]
    pub sysroots: BTreeMap<String, SysrootPin>,
    /// Output trees by stage, then target.
    #[serde(default, deserialize_with = "unique_twice")]
    pub outputs: BTreeMap<String, BTreeMap<String, KnownOutput>>,
}

/// The state of a package archive that the sysroots were resolved against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchivePin {
    /// The suite, such as `bookworm`.
    pub suite: String,
    /// The `Date` of the suite's signed index, in UTC, as `20261101T000000Z`.
    #[schemars(regex(pattern = r"^[0-9]{8}T[0-9]{6}Z$"))]
    pub timestamp: String,
    /// The signed index (`InRelease`) itself.
    #[schemars(with = "DigestText")]
    pub inrelease: Digest,
}

/// A source archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcePin {
    /// Places that hold the same bytes, in the order in which they are tried: `https://…`, `http://…` or
    /// `mirror://NAME/path`.
    #[schemars(length(min = 1))]
    pub urls: Vec<String>,
    /// What the bytes must be.
    #[schemars(with = "DigestText")]
    pub digest: Digest,
}

/// What a sysroot's package names were resolved to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysrootPin {
    /// Digest of what was resolved: archive, packages, exclusions. Another value means that the pins are out of date.
    #[schemars(with = "DigestText")]
    pub definition: Digest,
    /// The packages with all that they depend on, sorted by name.
    pub packages: Vec<PackagePin>,
}

/// What a stage is known to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownOutput {
    /// The action: everything that the stage saw. With another action nothing is said of the output.
    #[schemars(with = "DigestText")]
    pub action: Digest,
    /// The tree that it left.
    #[schemars(with = "DigestText")]
    pub tree: Digest,
}

/// One binary package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackagePin {
    /// Name, such as `gcc-12`.
    pub name: String,
    /// Version in the archive's own notation, with its epoch if it has one.
    pub version: String,
    /// Path below the archive's base, such as `pool/main/g/gcc-12/gcc-12_12.2.0-14_amd64.deb`.
    pub path: String,
    /// What the package file's bytes must be.
    #[schemars(with = "DigestText")]
    pub digest: Digest,
}

impl Default for Lockfile {
    fn default() -> Self {
        Self::new()
    }
}

impl Lockfile {
    /// A lockfile that pins nothing yet.
    pub fn new() -> Self {
        Self {
            schema: SCHEMA,
            archives: BTreeMap::new(),
            sources: BTreeMap::new(),
            sysroots: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }

    /// The tree that `stage` is known to leave for `target` ([`ANY_TARGET`] for a stage without parameters).
    pub fn known_output(&self, stage: &str, target: &str) -> Option<KnownOutput> {
        self.outputs.get(stage)?.get(target).copied()
    }

    /// Records what `stage` leaves for `target`; says what was recorded before.
    pub fn set_output(&mut self, stage: &str, target: &str, output: KnownOutput) -> Option<KnownOutput> {
        self.outputs.entry(stage.to_owned()).or_default().insert(target.to_owned(), output)
    }
}

/// The text form of a [`Digest`], for the JSON Schema only.
pub(super) struct DigestText;

impl JsonSchema for DigestText {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "SHA-256 as 64 lower-case hex digits, a slash, the size in bytes.",
            "pattern": "^[0-9a-f]{64}/(0|[1-9][0-9]*)$"
        })
    }
}

/// A map whose keys must differ: serde would silently keep the last of two.
fn unique<'de, D: Deserializer<'de>, V: Deserialize<'de>>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error> {
    struct Unique<V>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = access.next_key::<String>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(format_args!("the key `{key}` is there twice")));
                }
                let value = access.next_value()?;
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Unique(PhantomData))
}

/// [`unique`] at both levels of the outputs.
fn unique_twice<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, BTreeMap<String, KnownOutput>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Targets(#[serde(deserialize_with = "unique")] BTreeMap<String, KnownOutput>);
    let stages: BTreeMap<String, Targets> = unique(deserializer)?;
    Ok(stages.into_iter().map(|(stage, targets)| (stage, targets.0)).collect())
}
