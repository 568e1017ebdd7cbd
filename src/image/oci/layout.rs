//! The OCI image layout.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::describe::{Image, Options, named};
use super::index::finish;
use super::json::{canonical, object};
use super::sink::Sink;
use crate::digest::{Digest, HashWriter};
use crate::image::content::unwritten;
use crate::image::{Compression, Contents, Error, Tree, tar};

/// Media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of an image's configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The annotation that names an image in a layout.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What is said of an image by something else: a further manifest that names it as its subject.
#[derive(Debug, Clone)]
pub struct Referrer<'a> {
    /// Of what.
    pub subject: Subject,
    /// What it is: `application/spdx+json`, `application/vnd.in-toto+json`.
    pub artifact_type: String,
    /// Media type of the bytes.
    pub media_type: String,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// What a referrer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// What the layout's name stands for: the image, or the index of several.
    Whole,
    /// The image of one platform, by its place in the list.
    Image(usize),
}

/// Writes images as an OCI image layout: one for itself, several under an index of their platforms. Gives the digest of
/// what carries the name: the one that `NAME@sha256:…` pins.
///
/// # Errors
/// The images, the name or the options are not what the specification allows, a tree has what tar cannot express, a content
/// cannot be read, or the sink fails.
pub fn write_layout(
    images: &[Image],
    referrers: &[Referrer],
    name: Option<&str>,
    options: &Options,
    contents: &dyn Contents,
    sink: &mut dyn Sink,
) -> Result<Digest, Error> {
    let wrong = |option, reason| Err(Error::Option { option, reason });
    let suffix = match options.compression {
        Compression::None => "",
        Compression::Gzip(_) => "+gzip",
        Compression::Zstd(_) => "+zstd",
        Compression::Xz(_) => return wrong("compression", "layers are compressed by gzip or zstd"),
    };
    if images.is_empty() {
        return wrong("images", "there is no image");
    }
    for (index, image) in images.iter().enumerate() {
        image.check()?;
        if images[..index].iter().any(|other| other.platform == image.platform) {
            return wrong("images", "two images are of the same platform");
        }
    }
    check_name(name)?;
    let mut layers = Layers { contents, compression: options.compression, written: Vec::new() };
    let mut blobs = Blobs::new(sink);
    let mut manifests = Vec::new();
    for image in images {
        let mut ids = Vec::new();
        let mut descriptors = Vec::new();
        for layer in &image.layers {
            let (id, blob) = layers.write(layer.tree, blobs.sink, |_, blob| blob_name(blob))?;
            ids.push(id);
            descriptors.push(descriptor(&format!("{LAYER}{suffix}"), &blob));
        }
        let config = blobs.json(CONFIG, &image.configuration(&ids, options.created))?;
        let manifest = object([
            ("schemaVersion", json!(2)),
            ("mediaType", json!(MANIFEST)),
            ("config", config.0),
            ("layers", Value::Array(descriptors)),
            ("annotations", json!(image.annotations)),
        ]);
        let (mut described, digest) = blobs.json(MANIFEST, &manifest)?;
        described["platform"] = image.platform.value();
        manifests.push((described, digest));
    }
    let (mut whole, digest) = match manifests.as_slice() {
        [one] => one.clone(),
        several => {
            let list: Vec<_> = several.iter().map(|(descriptor, _)| descriptor).collect();
            blobs.json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": list}))?
        }
    };
    let bare = |(value, digest): &(Value, Digest)| descriptor(value["mediaType"].as_str().unwrap_or(MANIFEST), digest);
    let subjects: Vec<Value> = manifests.iter().map(bare).collect();
    let subject = bare(&(whole.clone(), digest));
    if let Some(name) = name {
        whole["annotations"] = json!({REF_NAME: name});
    }
    let mut listed = vec![whole];
    for referrer in referrers {
        let subject = match referrer.subject {
            Subject::Whole => &subject,
            Subject::Image(at) => match subjects.get(at) {
                Some(subject) => subject,
                None => return wrong("referrers", "a subject is not among the images"),
            },
        };
        listed.push(blobs.referrer(referrer, subject)?);
    }
    finish(listed, blobs.sink)?;
    Ok(digest)
}

/// Writes a file whose bytes are known.
pub(super) fn put(sink: &mut dyn Sink, name: &str, bytes: &[u8]) -> Result<(), Error> {
    sink.begin().map_err(unwritten)?;
    sink.write_all(bytes).map_err(unwritten)?;
    sink.end(name).map_err(unwritten)
}

/// Where a layout has the blob of this digest.
pub fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

pub(super) fn descriptor(media_type: &str, digest: &Digest) -> Value {
    json!({"mediaType": media_type, "digest": named(digest), "size": digest.size})
}

/// Complains of a name that a layout cannot have.
pub(super) fn check_name(name: Option<&str>) -> Result<(), Error> {
    let reason = "a reference is letters and digits with single `-`, `.`, `_`, `:`, `@`, `+` or `/` between";
    if name.is_some_and(|name| !is_reference(name)) { Err(Error::Option { option: "name", reason }) } else { Ok(()) }
}

/// Whether this may be a reference's name (image specification, annotations, `org.opencontainers.image.ref.name`).
fn is_reference(name: &str) -> bool {
    let component = |component: &str| {
        let ends = |at: Option<u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let separator = |byte: u8| b"-._:@+".contains(&byte);
        let bytes = component.as_bytes();
        ends(bytes.first().copied())
            && ends(bytes.last().copied())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || separator(*byte))
            // Two separators stand together only as `--`.
            && bytes.windows(2).all(|pair| pair == b"--" || !(separator(pair[0]) && separator(pair[1])))
            && !component.contains("---")
    };
    name.split('/').all(component)
}

/// The layers that were written: no tree is written twice.
pub(super) struct Layers<'a> {
    pub contents: &'a dyn Contents,
    pub compression: Compression,
    /// Tree, diff ID, blob.
    pub written: Vec<(&'a Tree, Digest, Digest)>,
}

impl<'a> Layers<'a> {
    /// Diff ID and blob of a tree, written under a name that is made of both if it is new.
    pub fn write(
        &mut self,
        tree: &'a Tree,
        sink: &mut dyn Sink,
        name: impl Fn(&Digest, &Digest) -> String,
    ) -> Result<(Digest, Digest), Error> {
        if let Some((_, id, blob)) =
            self.written.iter().find(|(other, ..)| std::ptr::eq(*other, tree) || *other == tree)
        {
            return Ok((*id, *blob));
        }
        sink.begin().map_err(unwritten)?;
        let mut plain = HashWriter::new(self.compression.wrap(HashWriter::new(&mut *sink))?);
        tar::write(tree, self.contents, &mut plain)?;
        let (compressor, id) = plain.finish();
        let (_, blob) = compressor.finish()?.finish();
        sink.end(&name(&id, &blob)).map_err(unwritten)?;
        self.written.push((tree, id, blob));
        Ok((id, blob))
    }
}

/// The blobs that are known before they are written.
pub(super) struct Blobs<'a> {
    sink: &'a mut dyn Sink,
    known: BTreeSet<Digest>,
}

impl<'a> Blobs<'a> {
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, known: BTreeSet::new() }
    }

    fn bytes(&mut self, media_type: &str, bytes: &[u8]) -> Result<(Value, Digest), Error> {
        let digest = Digest::of(bytes);
        if self.known.insert(digest) {
            put(self.sink, &blob_name(&digest), bytes)?;
        }
        Ok((descriptor(media_type, &digest), digest))
    }

    pub fn json(&mut self, media_type: &str, value: &Value) -> Result<(Value, Digest), Error> {
        self.bytes(media_type, &canonical(value))
    }

    /// Writes the manifest of a referrer; gives its descriptor for the layout's index.
    pub fn referrer(&mut self, referrer: &Referrer, subject: &Value) -> Result<Value, Error> {
        // RFC 6838: what a media type looks like.
        let is_type = |text: &str| {
            let part = |part: &str| {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
                part.starts_with(|first: char| first.is_ascii_alphanumeric())
                    && part.len() < 128
                    && part.bytes().all(plain)
            };
            text.split_once('/').is_some_and(|(kind, name)| part(kind) && part(name))
        };
        if !is_type(&referrer.artifact_type) || !is_type(&referrer.media_type) {
            return Err(Error::Option { option: "referrers", reason: "a media type has the form `type/name`" });
        }
        let (config, _) = self.bytes(EMPTY, b"{}")?;
        let (layer, _) = self.bytes(&referrer.media_type, referrer.bytes)?;
        let manifest = object([
            ("schemaVersion", json!(2)),
            ("mediaType", json!(MANIFEST)),
            ("artifactType", json!(referrer.artifact_type)),
            ("config", config),
            ("layers", json!([layer])),
            ("subject", subject.clone()),
            ("annotations", json!(referrer.annotations)),
        ]);
        let (mut described, _) = self.json(MANIFEST, &manifest)?;
        described["artifactType"] = json!(referrer.artifact_type);
        if !referrer.annotations.is_empty() {
            described["annotations"] = json!(referrer.annotations);
        }
        Ok(described)
    }
}
