//! Of how many bytes an output consists, and who gave them.
//!
//! A file belongs to the first stage, in the order of the graph, that left a file of the same content: a copy counts for
//! whoever made the original, and no trace is needed. Archives, images of disks and of file systems are opened, to any
//! depth; what is in them is told once for each content. A container of which nothing is known inside counts as a whole.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

use super::error::Error;
use crate::build::budget::{self, Measured};
use crate::container::{self, Data, Fault, Spool, What};
use crate::digest::{Digest, HashReader};
use crate::fs::Content;
use crate::store::{self, Store};
use crate::sys::CancelToken;

/// Version of the format of the report.
pub const SIZES_SCHEMA: u32 = 1;
/// Containers within each other.
const DEPTH: usize = 16;
/// Bytes that may be unpacked of one file.
const UNPACKED: u64 = 64 << 30;

/// The size of a stage's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sizes {
    /// [`SIZES_SCHEMA`].
    pub schema: u32,
    /// The stage.
    pub stage: String,
    /// The values of its parameters.
    pub target: String,
    /// The tree.
    #[schemars(with = "String")]
    pub output: Digest,
    /// All files.
    pub total: Bytes,
    /// The most bytes that they may have, if the stage has a budget.
    pub budget: Option<u64>,
    /// Files by the stage that made their content, most bytes first.
    pub stages: Vec<Share>,
    /// Files by the entry at the top of the output that they are or lie in, most bytes first.
    pub top: Vec<Share>,
    /// The largest files, largest first.
    pub largest: Vec<Large>,
    /// Containers among the files, by path, with what is in them.
    pub containers: Vec<Inside>,
}

/// So many files, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bytes {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Somebody's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Share {
    /// Whose; empty for what no stage left as a file.
    pub name: String,
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Large {
    /// Its path in the output.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// The stage that made its content.
    pub stage: String,
}

/// What is in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Inside {
    /// Its path in the output.
    pub path: String,
    /// What it is.
    pub kind: String,
    /// Its bytes.
    pub bytes: u64,
    /// What it holds, each content once, unpacked.
    pub total: Bytes,
    /// The same by the stage that made it, most bytes first.
    pub stages: Vec<Share>,
}

/// What sizes are taken of.
pub struct Output<'a> {
    /// Where it is.
    pub store: &'a Store,
    /// The stage.
    pub stage: &'a str,
    /// The values of its parameters.
    pub target: String,
    /// The tree.
    pub tree: Digest,
    /// Its budget.
    pub budget: Option<u64>,
    /// The stages below it with the trees that they left, each after all that it needs.
    pub below: &'a [(&'a str, Digest)],
    /// How many of the largest files are told.
    pub largest: usize,
}

impl Sizes {
    /// Measures an output.
    ///
    /// # Errors
    /// The store or the scratch space fails, or the user asked to stop.
    pub fn new(output: &Output<'_>, scratch: &crate::fs::Dir, cancel: Option<&CancelToken>) -> Result<Self, Error> {
        let mut makers: BTreeMap<Digest, &str> = BTreeMap::new();
        for (stage, tree) in output.below.iter().chain([&(output.stage, output.tree)]) {
            for Measured { digest, .. } in budget::files(output.store, *tree)? {
                // Empty files are all alike.
                if digest.size > 0 {
                    makers.entry(digest).or_insert(stage);
                }
            }
        }
        let maker = |digest: &Digest| makers.get(digest).copied().unwrap_or(output.stage);
        let mut files = budget::files(output.store, output.tree)?;
        let mut stages = Shares::default();
        let mut top = Shares::default();
        let mut containers = Vec::new();
        for Measured { path, digest } in &files {
            stages.add(maker(digest), digest.size);
            top.add(path.split('/').next().unwrap_or(path), digest.size);
            let mut opener =
                Opener { makers: &makers, spool: Spool::new(scratch, UNPACKED, cancel), seen: BTreeMap::new() };
            if let Some((kind, shares)) = opener.inside(output.store, *digest)? {
                let bytes = digest.size;
                let (total, stages) = (shares.total(), shares.sorted());
                containers.push(Inside { path: path.clone(), kind: kind.to_string(), bytes, total, stages });
            }
        }
        files.sort_by(|a, b| b.digest.size.cmp(&a.digest.size).then_with(|| a.path.cmp(&b.path)));
        let large = |one: &Measured| Large {
            path: one.path.clone(),
            bytes: one.digest.size,
            stage: maker(&one.digest).to_owned(),
        };
        Ok(Self {
            schema: SIZES_SCHEMA,
            stage: output.stage.to_owned(),
            target: output.target.clone(),
            output: output.tree,
            total: stages.total(),
            budget: output.budget,
            stages: stages.sorted(),
            top: top.sorted(),
            largest: files.iter().take(output.largest).map(large).collect(),
            containers,
        })
    }

    /// By how many bytes the output is over its budget.
    pub fn excess(&self) -> Option<u64> {
        self.budget.and_then(|budget| self.total.bytes.checked_sub(budget)).filter(|excess| *excess > 0)
    }
}

/// Parts by name.
#[derive(Debug, Default)]
struct Shares {
    parts: BTreeMap<String, Bytes>,
}

impl Shares {
    fn add(&mut self, name: &str, bytes: u64) {
        let part = self.parts.entry(name.to_owned()).or_default();
        part.files += 1;
        part.bytes = part.bytes.saturating_add(bytes);
    }

    fn total(&self) -> Bytes {
        self.parts.values().fold(Bytes::default(), |sum, part| Bytes {
            files: sum.files + part.files,
            bytes: sum.bytes.saturating_add(part.bytes),
        })
    }

    fn sorted(self) -> Vec<Share> {
        let share = |(name, part): (String, Bytes)| Share { name, files: part.files, bytes: part.bytes };
        let mut list: Vec<Share> = self.parts.into_iter().map(share).collect();
        list.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        list
    }
}

/// Something in a container.
type Leaf<'m> = (Option<&'m str>, Digest);

/// Opens one file to any depth.
struct Opener<'a, 'm> {
    makers: &'a BTreeMap<Digest, &'m str>,
    spool: Spool<'a>,
    /// Contents that were looked at, and whether a stage left any of it.
    seen: BTreeMap<Digest, bool>,
}

impl<'m> Opener<'_, 'm> {
    /// What is in a file, if it is a container with something in it that a stage left.
    fn inside(&mut self, store: &Store, digest: Digest) -> Result<Option<(container::Kind, Shares)>, Error> {
        let file = store.open_blob(digest)?;
        let content = Content::of_file(file, &store.blob_path(digest)?)?;
        let Some(kind) = container::detect(&content)? else { return Ok(None) };
        let mut leaves = Vec::new();
        if !self.open(kind, &content, DEPTH, &mut leaves)? {
            return Ok(None);
        }
        let mut shares = Shares::default();
        for (maker, digest) in leaves {
            shares.add(maker.unwrap_or_default(), digest.size);
        }
        Ok(Some((kind, shares)))
    }

    /// Adds what is in a container; says whether a stage left any of it. What cannot be read has nothing in it.
    fn open(
        &mut self,
        kind: container::Kind,
        content: &Content,
        depth: usize,
        leaves: &mut Vec<Leaf<'m>>,
    ) -> Result<bool, Error> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(false) };
        let Some(listing) = readable(kind.list(content, &self.spool))? else { return Ok(false) };
        let mut known = false;
        for entry in listing.entries {
            let What::File(data) = entry.what else { continue };
            let content = match data {
                Data::Plain(content) => content,
                Data::Packed(packed) => match readable(packed.unpack(&self.spool))? {
                    Some(content) => content,
                    None => continue,
                },
            };
            self.spool.check()?;
            let digest = hashed(&content)?;
            if digest.size == 0 {
                continue;
            }
            // An image may have the same files twice: in a file system, and in another one for who cannot read that.
            if let Some(before) = self.seen.get(&digest) {
                known |= before;
                continue;
            }
            let maker = self.makers.get(&digest).copied();
            let mut inner = Vec::new();
            let opened = match container::detect(&content)? {
                Some(kind) => self.open(kind, &content, depth, &mut inner)?,
                None => false,
            };
            if opened {
                leaves.append(&mut inner);
            } else {
                leaves.push((maker, digest));
            }
            self.seen.insert(digest, opened || maker.is_some());
            known |= opened || maker.is_some();
        }
        Ok(known)
    }
}

fn hashed(content: &Content) -> Result<Digest, Error> {
    let mut reader = HashReader::new(content.reader());
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|source| store::Error::Input { source })?;
    Ok(reader.finish())
}

/// What could be read; the machine's own errors and the user's wish to stop are none of the container.
fn readable<T>(result: Result<T, Fault>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(fault @ (Fault::Io(_) | Fault::Cancelled)) => Err(fault.into()),
        Err(_) => Ok(None),
    }
}

/// JSON Schema of [`Sizes`].
pub fn sizes_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Sizes>()
}
