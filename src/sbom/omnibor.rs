//! Input manifests, after the OmniBOR specification, draft 0.2: which files each file was made from, as a graph of hashes.
//!
//! An artifact is named by its *gitoid*: the SHA-256 of `blob SIZE`, a zero byte and its bytes, as git names a blob. The
//! manifest of an artifact lists those that went into it as data, each with the manifest that it has itself. The header says
//! the type of the names; the manifest is an artifact as well, and its name is what those that take the file refer to: so a
//! manifest changes with anything below it.
//!
//! Edges are what the traces say ([`Observed`]), through all stages. Files that a stage made on the way (an object file) are
//! not in the manifest of what they went into, but what they were made from is, also where the stage left both. A
//! file that is only a copy has the manifest of the one that it is a copy of. What nothing went into (a source, a file that a
//! script wrote) has none.
//!
//! On disk: `manifests/gitoid_blob_sha256/AB/CDEF…`, and `targets`, a line for each artifact and its manifest, both as URIs.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::error::Error;
use super::gather::Facts;
use crate::digest::{Digest, HashWriter};
use crate::fs;
use crate::provenance::{Observed, Stages};
use crate::store::{self, Store};

/// What all names here are, and the header of each manifest.
const TYPE: &str = "gitoid:blob:sha256";

/// A file of a stage's output: the stage's place in the order, and the path.
type Node = (usize, String);

/// What went into a file.
struct Made {
    content: Digest,
    /// Its inputs, and where other stages made them.
    from: Vec<(Digest, Option<Node>)>,
    /// It is one of these, and nothing else.
    is_copy: bool,
}

/// Manifests, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Omnibor {
    /// The manifests by the hexadecimal digits of their names.
    pub manifests: BTreeMap<String, String>,
    /// Artifacts, each with its manifest.
    pub targets: BTreeSet<(String, String)>,
    /// Stages on the way that have no trace: what they left counts as not made from anything.
    pub untraced: BTreeSet<String>,
}

/// The manifests of all that a stage left, and of what that was made from.
///
/// # Errors
/// The stage is not built, a trace cannot be read, or the store fails.
pub fn omnibor(facts: &Facts<'_>, product: &str) -> Result<Omnibor, Error> {
    let order = facts.graph.closure(&[product]).unwrap_or_default();
    let stages = Stages { store: facts.store, order, built: facts.built };
    let mut graph = Omnibor::default();
    let made = walk(&stages, product, &mut graph)?;
    let mut names = Names { store: facts.store, known: BTreeMap::new() };
    // Whoever takes something comes after it in the order.
    let mut of: BTreeMap<&Node, String> = BTreeMap::new();
    for (node, made) in &made {
        let below = |from: &Option<Node>| from.as_ref().and_then(|from| of.get(from).cloned());
        let manifest = if made.is_copy {
            made.from.iter().find_map(|(_, from)| below(from))
        } else {
            let mut lines = BTreeMap::new();
            for (content, from) in &made.from {
                // One that was made is told as that, should it be a source as well.
                let line = lines.entry(names.name(*content)?).or_insert(None);
                *line = line.take().max(below(from));
            }
            (!lines.is_empty()).then(|| graph.manifest(&lines))
        };
        if let Some(manifest) = manifest {
            graph.targets.insert((names.name(made.content)?, manifest.clone()));
            of.insert(node, manifest);
        }
    }
    Ok(graph)
}

/// From all that the product left back to what nobody here made.
fn walk(stages: &Stages<'_>, product: &str, graph: &mut Omnibor) -> Result<BTreeMap<Node, Made>, Error> {
    let rank = |name: &str| stages.order.iter().position(|stage| stage.name == name);
    let mut found = BTreeMap::new();
    let mut wants: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    wants.extend(rank(product).map(|at| (at, BTreeSet::new())));
    let mut is_product = true;
    while let Some((at, mut files)) = wants.pop_last() {
        let stage = stages.order[at];
        let built = (stages.built)(stage).ok_or_else(|| Error::NotBuilt { stage: stage.name.clone() })?;
        let Some(mut observed) = Observed::open(stages.store, built)? else {
            graph.untraced.insert(stage.name.clone());
            continue;
        };
        if std::mem::take(&mut is_product) {
            files = observed.outputs("")?;
        }
        for path in files {
            let Some(content) = observed.output(&path)? else { continue };
            let mut made = Made { content, from: Vec::new(), is_copy: false };
            for one in observed.reached(&BTreeSet::from([path.clone()]))? {
                let Some(digest) = one.given.digest else { continue };
                let from = one.given.from.and_then(|(stage, path)| Some((rank(&stage)?, path)));
                made.from.push((digest, from));
            }
            // Empty files are all alike.
            if content.size > 0 && made.from.iter().any(|(digest, _)| *digest == content) {
                made.from.retain(|(digest, _)| *digest == content);
                made.is_copy = true;
            }
            for (at, path) in made.from.iter().filter_map(|(_, from)| from.as_ref()) {
                wants.entry(*at).or_default().insert(path.clone());
            }
            found.insert((at, path), made);
        }
    }
    Ok(found)
}

impl Omnibor {
    /// A manifest with these lines: the names of inputs, and of their manifests. Gives its own name.
    fn manifest(&mut self, lines: &BTreeMap<String, Option<String>>) -> String {
        let mut text = format!("{TYPE}\n");
        for (name, manifest) in lines {
            text.push_str(name);
            if let Some(manifest) = manifest {
                text.push_str(" manifest ");
                text.push_str(manifest);
            }
            text.push('\n');
        }
        let name = Digest::of(&[format!("blob {}\0", text.len()).as_bytes(), text.as_bytes()].concat()).hex();
        self.manifests.insert(name.clone(), text);
        name
    }

    /// Writes it below a folder, which may have others: manifests are named by what they say, and the list of targets grows.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let place = folder.join("manifests").join(TYPE.replace(':', "_"));
        for (name, text) in &self.manifests {
            let (first, rest) = name.split_at(2);
            let place = place.join(first);
            fs::create_dir_all(&place)?;
            fs::replace(&place.join(rest), text.as_bytes())?;
        }
        fs::create_dir_all(folder)?;
        let targets = folder.join("targets");
        let old = if fs::exists(&targets)? { fs::read_to_string(&targets)? } else { String::new() };
        let mut lines: BTreeSet<String> = old.lines().map(str::to_owned).collect();
        lines.extend(self.targets.iter().map(|(artifact, manifest)| format!("{TYPE}:{artifact} {TYPE}:{manifest}")));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        Ok(fs::replace(&targets, text.as_bytes())?)
    }
}

/// Names of artifacts in a store, each read once.
struct Names<'a> {
    store: &'a Store,
    known: BTreeMap<Digest, String>,
}

impl Names<'_> {
    fn name(&mut self, content: Digest) -> Result<String, Error> {
        if let Some(name) = self.known.get(&content) {
            return Ok(name.clone());
        }
        let mut hash = HashWriter::new(io::sink());
        let mut file = self.store.open_blob(content)?;
        let failed = |source| store::Error::Input { source };
        io::Write::write_all(&mut hash, format!("blob {}\0", content.size).as_bytes()).map_err(failed)?;
        io::copy(&mut file, &mut hash).map_err(failed)?;
        let name = hash.finish().1.hex();
        self.known.insert(content, name.clone());
        Ok(name)
    }
}
