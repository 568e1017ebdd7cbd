//! Image layouts (OCI image format 1.1, "Image Layout"): a folder whose blobs have their digests as names, so that a blob
//! that differs has another name. What has the same part in both images is compared with each other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compare::Error;
use super::folder::{Child, Folder, What};

/// Indices and manifests are small (the specification lets registries refuse more than 4 MiB).
const LARGEST: u64 = 4 << 20;
/// Indices within each other.
const DEPTH: usize = 4;
/// Blobs of one image that have a part.
const MOST: usize = 10_000;

/// What blobs are to the image: by their places within the layout, `blobs/sha256/HEX`.
pub(super) type Parts = BTreeMap<String, String>;

/// The parts of the blobs, if this is an image layout; `children` lie in its folder.
pub(super) fn parts(children: &[Child]) -> Result<Option<Parts>, Error> {
    let named = |children: &'_ [Child], name: &str| children.iter().position(|child| child.name == name);
    let (Some(_), Some(index), Some(blobs)) =
        (named(children, "oci-layout"), named(children, "index.json"), named(children, "blobs"))
    else {
        return Ok(None);
    };
    let mut layout = Layout { blobs: BTreeMap::new(), parts: Parts::new() };
    if let What::Folder(blobs) = &children[blobs].what {
        for algorithm in blobs.list()? {
            if let What::Folder(folder) = &algorithm.what {
                layout.algorithm(&algorithm.name, folder)?;
            }
        }
    }
    if let Some(index) = json(&children[index])? {
        layout.index(&index, "", DEPTH)?;
    }
    Ok(Some(layout.parts))
}

/// Gives blobs the names of their parts, and an order by these; `at` is their folder's place within the layout.
pub(super) fn rename(children: &mut [Child], parts: &Parts, at: &str) {
    for child in children.iter_mut() {
        if let Some(part) = parts.get(&format!("{at}/{}", child.name)) {
            (child.name, child.raw) = (part.clone(), part.clone().into_bytes());
        }
    }
    children.sort_by(|a, b| a.raw.cmp(&b.raw));
}

struct Layout {
    /// By place.
    blobs: BTreeMap<String, Child>,
    parts: Parts,
}

impl Layout {
    fn algorithm(&mut self, name: &str, folder: &Folder) -> Result<(), Error> {
        let files = folder.list()?.into_iter().filter(|child| matches!(child.what, What::File(_)));
        self.blobs.extend(files.map(|child| (format!("blobs/{name}/{}", child.name), child)));
        Ok(())
    }

    /// The blob that a descriptor names becomes a part; none if it is not there, or is one already.
    fn blob(&mut self, descriptor: &Value, part: String) -> Option<&Child> {
        let place = format!("blobs/{}", descriptor.get("digest")?.as_str()?.replacen(':', "/", 1));
        let blob = self.blobs.get(&place)?;
        if self.parts.len() >= MOST || self.parts.contains_key(&place) {
            return None;
        }
        self.parts.insert(place, part);
        Some(blob)
    }

    /// An index: each of its manifests, or indices. `of` stands behind the names of parts.
    fn index(&mut self, index: &Value, of: &str, depth: usize) -> Result<(), Error> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        for (at, descriptor) in list(index, "manifests").iter().enumerate() {
            let number = at + 1;
            let Some(blob) = self.blob(descriptor, format!("manifest {number}{of}")) else { continue };
            let Some(manifest) = json(blob)? else { continue };
            let of = format!(" of manifest {number}{of}");
            if let Some(config) = manifest.get("config") {
                self.blob(config, format!("configuration{of}"));
            }
            for (at, layer) in list(&manifest, "layers").iter().enumerate() {
                self.blob(layer, format!("layer {}{of}", at + 1));
            }
            self.index(&manifest, &of, depth)?;
        }
        Ok(())
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A file as JSON, if it is one.
fn json(child: &Child) -> Result<Option<Value>, Error> {
    match &child.what {
        What::File(file) if file.size() <= LARGEST => Ok(serde_json::from_slice(&file.open()?.bytes()?).ok()),
        _ => Ok(None),
    }
}
