//! Statements about an image that is there: further manifests of its layout, which name it as their subject.
//!
//! The layout's index lists them, and a list of all that refer to the image has the tag `sha256-HEX` of the image's digest:
//! the referrers tag schema of the distribution specification 1.1, by which registries and tools without the referrers API
//! find them. Lists are sorted by digest, so that the order in which statements came does not show.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json::canonical;
use super::layout::{Blobs, INDEX, REF_NAME, Referrer, blob_name};
use super::sink::Sink;
use crate::digest::Digest;
use crate::image::Error;

/// What a layout becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The image, as `sha256:HEX`.
    pub subject: String,
    /// The manifests that refer to it, the new ones, as `sha256:HEX`.
    pub referrers: Vec<String>,
    /// Blobs by their places; those that are there already are the same.
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// What nothing refers to any more.
    pub gone: Option<String>,
    /// The new `index.json`.
    pub index: Vec<u8>,
}

/// Files in memory.
#[derive(Default)]
struct Memory {
    files: BTreeMap<String, Vec<u8>>,
    open: Vec<u8>,
}

impl std::io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.open.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for Memory {
    fn begin(&mut self) -> std::io::Result<()> {
        self.open.clear();
        Ok(())
    }

    fn end(&mut self, name: &str) -> std::io::Result<()> {
        self.files.insert(name.to_owned(), std::mem::take(&mut self.open));
        Ok(())
    }
}

/// The place of the list of what refers to the layout's image, if there is one: [`attach`] wants its bytes.
///
/// # Errors
/// The index is none, or it has not one image.
pub fn referrers_place(index: &[u8]) -> Result<Option<String>, Error> {
    let manifests = listed(&read(index)?);
    let tag = tag(&subject(&manifests)?);
    let list = manifests.iter().find(|one| name(one) == Some(&tag));
    Ok(list.and_then(digest_of).and_then(|digest| place(&digest)))
}

/// Adds referrers to the image of a layout with this `index.json`; `list` is what [`referrers_place`] has named.
/// What the referrers say of their subject is not asked.
///
/// # Errors
/// The index is none, it has not one image, or a referrer is not what the specification allows.
pub fn attach(index: &[u8], list: Option<&[u8]>, referrers: &[Referrer]) -> Result<Attached, Error> {
    let mut index = read(index)?;
    let manifests = listed(&index);
    let image = subject(&manifests)?;
    let subject = json!({ "mediaType": image["mediaType"], "digest": image["digest"], "size": image["size"] });
    let mut memory = Memory::default();
    let mut all = list.map(|list| Ok::<_, Error>(listed(&read(list)?))).transpose()?.unwrap_or_default();
    let mut new = Vec::new();
    let mut blobs = Blobs::new(&mut memory);
    for referrer in referrers {
        let described = blobs.referrer(referrer, &subject)?;
        new.extend(digest_of(&described));
        all.push(described);
    }
    let digest = |one: &Value| digest_of(one).unwrap_or_default();
    all.sort_by_key(digest);
    all.dedup_by_key(|one| digest(one));
    let (mut tagged, made) = blobs.json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": all}))?;
    let tag = tag(&image);
    tagged["annotations"] = json!({ REF_NAME: tag });
    let old = manifests.iter().find(|one| name(one) == Some(&tag)).and_then(digest_of);
    let refers = |one: &Value| all.iter().any(|other| digest(other) == digest(one));
    let mut kept: Vec<Value> =
        manifests.iter().filter(|one| !refers(one) && name(one) != Some(&tag)).cloned().collect();
    kept.extend(all.iter().cloned());
    kept.push(tagged);
    index["manifests"] = Value::Array(kept);
    let made = blob_name(&made);
    Ok(Attached {
        subject: digest(&image),
        referrers: new,
        gone: old.and_then(|old| place(&old)).filter(|old| *old != made),
        blobs: memory.files,
        index: canonical(&index),
    })
}

fn read(bytes: &[u8]) -> Result<Value, Error> {
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    let is_index = |value: &Value| value["schemaVersion"] == 2 && value["manifests"].is_array();
    value.filter(is_index).ok_or(Error::Option { option: "attach", reason: "the layout's index is none" })
}

fn listed(index: &Value) -> Vec<Value> {
    index["manifests"].as_array().cloned().unwrap_or_default()
}

/// The one image of a layout, or the one index of several platforms.
fn subject(manifests: &[Value]) -> Result<Value, Error> {
    let is_list = |one: &&Value| name(one).is_some_and(|name| name.starts_with("sha256-"));
    let mut images = manifests.iter().filter(|one| one.get("artifactType").is_none() && !is_list(one));
    match (images.next(), images.next()) {
        (Some(one), None) if digest_of(one).as_deref().and_then(place).is_some() => Ok(one.clone()),
        (Some(_), None) => Err(Error::Option { option: "attach", reason: "the image's digest is no SHA-256" }),
        (None, _) => Err(Error::Option { option: "attach", reason: "there is no image in the layout" }),
        _ => Err(Error::Option { option: "attach", reason: "there are several images in the layout" }),
    }
}

/// The tag of what refers to an image.
fn tag(image: &Value) -> String {
    digest_of(image).unwrap_or_default().replacen(':', "-", 1)
}

fn name(descriptor: &Value) -> Option<&str> {
    descriptor["annotations"][REF_NAME].as_str()
}

fn digest_of(descriptor: &Value) -> Option<String> {
    descriptor["digest"].as_str().map(str::to_owned)
}

/// Where the blob of a digest is.
fn place(digest: &str) -> Option<String> {
    let hex = digest.strip_prefix("sha256:")?;
    Digest::from_hex(hex, 0).ok().map(|digest| blob_name(&digest))
}
