//! An index over images that are there already.
//!
//! What is said of a manifest is what it says itself: a platform from its configuration, an artifact's type and annotations from
//! the manifest. So the index follows from the blobs, whatever else the layout said that they came from.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde_json::{Value, json};

use super::describe::{Platform, check_annotations};
use super::json::{canonical, object};
use super::layout::{INDEX, MANIFEST, REF_NAME, blob_name, check_name, descriptor, put};
use super::sink::Sink;
use crate::digest::{Digest, HashWriter};
use crate::image::Error;
use crate::image::content::unwritten;

/// A manifest that refers to another one: an SBOM, a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What it says that it is.
    pub artifact_type: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Copies the bytes of a blob into a layout, under the name of `digest`. Gives the digest that they have: whoever reads from
/// others compares.
///
/// # Errors
/// Reading or writing fails.
pub fn write_blob(digest: &Digest, mut bytes: impl Read, sink: &mut dyn Sink) -> Result<Digest, Error> {
    sink.begin().map_err(unwritten)?;
    let mut hash = HashWriter::new(&mut *sink);
    io::copy(&mut bytes, &mut hash).map_err(unwritten)?;
    let (_, found) = hash.finish();
    sink.end(&blob_name(digest)).map_err(unwritten)?;
    Ok(found)
}

/// Writes the end of a layout whose blobs are written: an index of these images, sorted by platform, and the files that say
/// what is in it: the index, what refers to images, and lists of that by their tags. Gives the index's digest.
///
/// # Errors
/// The name or an annotation is not what the specification allows, or the sink fails.
pub fn write_index(
    images: &BTreeMap<Platform, Digest>,
    referrers: &BTreeMap<Digest, Listed>,
    lists: &BTreeMap<String, Digest>,
    name: Option<&str>,
    annotations: &BTreeMap<String, String>,
    sink: &mut dyn Sink,
) -> Result<Digest, Error> {
    check_name(name)?;
    check_annotations(annotations)?;
    let images = images.iter().map(|(platform, manifest)| {
        let mut described = descriptor(MANIFEST, manifest);
        described["platform"] = platform.value();
        described
    });
    let index = object([
        ("schemaVersion", json!(2)),
        ("mediaType", json!(INDEX)),
        ("manifests", images.collect()),
        ("annotations", json!(annotations)),
    ]);
    let bytes = canonical(&index);
    let digest = Digest::of(&bytes);
    put(sink, &blob_name(&digest), &bytes)?;
    let mut whole = descriptor(INDEX, &digest);
    if let Some(name) = name {
        whole["annotations"] = json!({REF_NAME: name});
    }
    let mut listed = vec![whole];
    listed.extend(referrers.iter().map(|(manifest, referrer)| {
        let mut described = descriptor(MANIFEST, manifest);
        described["artifactType"] = json!(referrer.artifact_type);
        if !referrer.annotations.is_empty() {
            described["annotations"] = json!(referrer.annotations);
        }
        described
    }));
    listed.extend(lists.iter().map(|(tag, list)| {
        let mut described = descriptor(INDEX, list);
        described["annotations"] = json!({REF_NAME: tag});
        described
    }));
    finish(listed, sink)?;
    Ok(digest)
}

/// Writes the two files that make a folder of blobs a layout.
pub(super) fn finish(listed: Vec<Value>, sink: &mut dyn Sink) -> Result<(), Error> {
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed});
    put(sink, "index.json", &canonical(&index))?;
    put(sink, "oci-layout", &canonical(&json!({"imageLayoutVersion": "1.0.0"})))
}
