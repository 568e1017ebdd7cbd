//! Container images: `index.json` of a layout names manifests, these name layers, and layers laid over each other are the
//! image. In what `docker load` takes, `manifest.json` names the layers by their paths.
//!
//! Sources: the OCI Image Format Specification, image-layout.md and layer.md (whiteouts); the Docker Image Specification
//! v1.2, "Combined Image JSON + Filesystem Changeset Format". The layers are files of a root that has been looked at; what is
//! done here is to lay the roots in them over each other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Error;
use super::tree::{Node, Root, Scanned, Shape, What};

/// Indices within indices so deep are followed.
const DEPTH: usize = 4;

/// The images of a layout or a `docker load` archive, each as one root, in place of layers that are no system by themselves;
/// nothing if the root is neither.
///
/// # Errors
/// The layout lacks its index, a manifest or a layer.
pub(super) fn images(root: &Root) -> Result<Option<Vec<Root>>, Error> {
    if !root.nodes.contains_key("oci-layout") {
        return Ok(docker(root));
    }
    let label = root.label.clone();
    let wrong = |reason: String| Error::Layout {
        path: if label.is_empty() { ".".into() } else { label.clone().into() },
        reason,
    };
    let index = json(root, "index.json").ok_or_else(|| wrong("`index.json` is missing or no JSON".to_owned()))?;
    let mut manifests = Vec::new();
    follow(root, &index, 0, &mut manifests).map_err(wrong)?;
    let mut images = Vec::new();
    for manifest in &manifests {
        let mut nodes = BTreeMap::new();
        for layer in list(manifest, "layers") {
            let path = blob(layer).map_err(wrong)?;
            let layer = file(root, &path).and_then(|file| file.roots.first());
            let layer = layer.ok_or_else(|| wrong(format!("layer `{path}` is missing or no archive")))?;
            apply(&mut nodes, layer);
        }
        images.push(Root { label: label.clone(), shape: Shape::System, nodes });
    }
    Ok(Some(images))
}

/// The images of an archive for `docker load`.
fn docker(root: &Root) -> Option<Vec<Root>> {
    let manifest = json(root, "manifest.json")?;
    let images = manifest.as_array()?.iter().map(|image| {
        let mut nodes = BTreeMap::new();
        for path in image["Layers"].as_array()? {
            apply(&mut nodes, file(root, path.as_str()?)?.roots.first()?);
        }
        Some(Root { label: root.label.clone(), shape: Shape::System, nodes })
    });
    images.collect()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

/// The path of what a descriptor names.
fn blob(descriptor: &Value) -> Result<String, String> {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    match digest.split_once(':') {
        Some((algorithm, hex)) if !hex.contains('/') && !algorithm.contains('/') => {
            Ok(format!("blobs/{algorithm}/{hex}"))
        }
        _ => Err(format!("`{digest}` is no digest")),
    }
}

fn file<'r>(root: &'r Root, path: &str) -> Option<&'r Scanned> {
    match &root.nodes.get(path)?.what {
        What::File(file) => Some(file),
        _ => None,
    }
}

fn json(root: &Root, path: &str) -> Option<Value> {
    serde_json::from_slice(file(root, path)?.content.as_deref()?).ok()
}

fn follow(root: &Root, index: &Value, depth: usize, found: &mut Vec<Value>) -> Result<(), String> {
    for descriptor in list(index, "manifests") {
        let path = blob(descriptor)?;
        // Layouts may hold a part of an index only: other platforms stay where they came from.
        let Some(value) = json(root, &path) else { continue };
        if value["manifests"].is_array() && depth < DEPTH {
            follow(root, &value, depth + 1, found)?;
        } else if value["layers"].is_array() && !found.contains(&value) {
            found.push(value);
        }
    }
    if found.is_empty() && depth == 0 { Err("it holds no image".to_owned()) } else { Ok(()) }
}

/// Lays a layer over what is there.
fn apply(nodes: &mut BTreeMap<String, Node>, layer: &Root) {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    // Whiteouts hide what lies below the layer, never what is in it.
    for path in layer.nodes.keys() {
        let folder = path.strip_suffix(&name(path)).unwrap_or_default();
        match name(path).strip_prefix(".wh.") {
            Some(".wh..opq") => nodes.retain(|path, _| folder.is_empty() || !path.starts_with(folder)),
            Some(hidden) => remove(nodes, &format!("{folder}{hidden}")),
            None => {}
        }
    }
    for (path, node) in layer.nodes.iter().filter(|(path, _)| !name(path).starts_with(".wh.")) {
        let both = |old: &&Node| matches!((&old.what, &node.what), (What::Directory, What::Directory));
        if nodes.get(path).is_some_and(|old| !both(&old)) {
            remove(nodes, path);
        }
        nodes.insert(path.clone(), node.clone());
    }
}

/// Removes a path and all below it.
fn remove(nodes: &mut BTreeMap<String, Node>, path: &str) {
    nodes.remove(path);
    let below = format!("{path}/");
    let keys: Vec<String> = nodes
        .range(below.clone()..)
        .take_while(|(key, _)| key.starts_with(&below))
        .map(|(key, _)| key.clone())
        .collect();
    for key in keys {
        nodes.remove(&key);
    }
}
