//! Image layouts that were written by others: a folder, or a tar of one.
//!
//! They are hostile. Nothing is taken from one but blobs that a manifest names, and each is read by its digest: a blob of
//! other bytes or of another size is an error. JSON is read up to a bound. What is not understood is refused with its name,
//! not left out: an index within the index, what is no image, a blob that lies elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::error::{Error, LayoutFault};
use crate::digest::Digest;
use crate::format::{Rules, tar_places};
use crate::fs::{self, Content, Dir};
use crate::image::oci::{CONFIG, INDEX, Listed, MANIFEST, Platform, REF_NAME, blob_name};

/// Most bytes of a manifest or a configuration (the distribution specification asks registries for so many).
const LARGEST: u64 = 4 << 20;
/// What an index was called before there was a specification.
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// An image layout.
#[derive(Debug)]
pub struct Layout {
    name: String,
    files: Files,
}

#[derive(Debug)]
enum Files {
    /// With offset and size of each file.
    Tar(Content, BTreeMap<String, (u64, u64)>),
    Folder(Dir),
}

/// What a layout holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Its images: platform and manifest.
    pub images: Vec<(Platform, Digest)>,
    /// What refers to them, by manifest.
    pub referrers: BTreeMap<Digest, Listed>,
    /// Lists of what refers to an image, by the tag that such a list has (distribution specification 1.1, "Referrers Tag
    /// Schema").
    pub lists: BTreeMap<String, Digest>,
    /// All blobs: manifests, configurations, layers.
    pub blobs: BTreeSet<Digest>,
}

type Result<T> = std::result::Result<T, Error>;

impl Layout {
    /// A layout of the host: a folder, or a tar.
    ///
    /// # Errors
    /// It cannot be read, or is no tar.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        if let Ok(folder) = Dir::open(path) {
            return Ok(Self { name, files: Files::Folder(folder) });
        }
        let content = Content::open(path)?;
        Self::tar(&name, content.clone(), content.reader())
    }

    /// A layout in a tar, which `reader` reads once from the start. `name` is for messages.
    ///
    /// # Errors
    /// It cannot be read, or is no tar.
    pub fn tar(name: &str, content: Content, reader: impl Read) -> Result<Self> {
        let places = tar_places(name, reader, &Rules::default())?;
        Ok(Self { name: name.to_owned(), files: Files::Tar(content, places) })
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn wrong(&self, fault: LayoutFault) -> Error {
        Error::Foreign { layout: self.name.clone(), fault }
    }

    /// A file of the layout.
    fn file(&self, name: &str) -> Result<Content> {
        let missing = || self.wrong(LayoutFault::Missing { file: name.to_owned() });
        match &self.files {
            Files::Tar(content, places) => {
                let found = places.get(name).and_then(|(offset, size)| content.part(*offset, *size));
                found.ok_or_else(missing)
            }
            Files::Folder(folder) => {
                let (above, last) = name.rsplit_once('/').unwrap_or(("", name));
                let mut inner: Option<Dir> = None;
                let closed = |error: fs::Error| match error.is_missing() {
                    true => missing(),
                    false => {
                        let reason = std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
                        self.wrong(LayoutFault::Closed { file: name.to_owned(), reason })
                    }
                };
                // One by one: a symbolic link on the way is none of the layout's.
                for part in above.split('/').filter(|part| !part.is_empty()) {
                    inner = Some(inner.as_ref().unwrap_or(folder).dir(part).map_err(closed)?);
                }
                let file = inner.as_ref().unwrap_or(folder).file(last).map_err(closed)?;
                Ok(Content::of_file(file, &folder.join(name))?)
            }
        }
    }

    /// A blob, whose bytes are still to be held against the digest.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Content> {
        let name = blob_name(digest);
        let content = self.file(&name)?;
        match content.size() == digest.size {
            true => Ok(content),
            false => Err(self.wrong(LayoutFault::Size { file: name, stated: digest.size, found: content.size() })),
        }
    }

    /// Complains of a blob that is another.
    ///
    /// # Errors
    /// The digests differ.
    pub(super) fn same(&self, stated: &Digest, found: &Digest) -> Result<()> {
        let file = blob_name(stated);
        if stated == found { Ok(()) } else { Err(self.wrong(LayoutFault::Digest { file })) }
    }

    /// The bytes of a file that is small.
    fn bytes(&self, name: &str, content: &Content) -> Result<Vec<u8>> {
        if content.size() > LARGEST {
            let file = name.to_owned();
            return Err(self.wrong(LayoutFault::TooLarge { file, size: content.size(), most: LARGEST }));
        }
        Ok(content.bytes()?)
    }

    fn parse(&self, name: &str, bytes: &[u8]) -> Result<Value> {
        let wrong = |error: serde_json::Error| LayoutFault::Json { file: name.to_owned(), reason: error.to_string() };
        serde_json::from_slice(bytes).map_err(|error| self.wrong(wrong(error)))
    }

    /// What a file says that no digest names.
    fn json(&self, name: &str) -> Result<Value> {
        self.parse(name, &self.bytes(name, &self.file(name)?)?)
    }

    /// What a blob says.
    fn said(&self, digest: &Digest) -> Result<Value> {
        let name = blob_name(digest);
        let bytes = self.bytes(&name, &self.blob(digest)?)?;
        self.same(digest, &Digest::of(&bytes))?;
        self.parse(&name, &bytes)
    }

    fn field(&self, file: &str, field: &'static str, wanted: &'static str) -> Error {
        self.wrong(LayoutFault::Field { file: file.to_owned(), field, wanted })
    }

    /// Media type and digest of what a descriptor names.
    fn descriptor<'v>(&self, file: &str, field: &'static str, value: &'v Value) -> Result<(&'v str, Digest)> {
        let wanted = || self.field(file, field, "a descriptor: a media type, a SHA-256 and a size");
        let media_type = value["mediaType"].as_str().ok_or_else(wanted)?;
        let size = value["size"].as_u64().ok_or_else(wanted)?;
        let hex = value["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:")).ok_or_else(wanted)?;
        Ok((media_type, Digest::from_hex(hex, size).map_err(|_| wanted())?))
    }

    fn list<'v>(&self, file: &str, field: &'static str, value: &'v Value) -> Result<&'v [Value]> {
        value[field].as_array().map(Vec::as_slice).ok_or_else(|| self.field(file, field, "a list"))
    }

    /// What it holds. The bytes of manifests and configurations are those of their digests; of layers only the sizes are
    /// known to be right.
    ///
    /// # Errors
    /// It is no layout, or has something that is not understood.
    pub fn held(&self) -> Result<Held> {
        let version = self.json("oci-layout")?;
        if version["imageLayoutVersion"] != "1.0.0" {
            return Err(self.field("oci-layout", "imageLayoutVersion", "1.0.0"));
        }
        let index = self.json("index.json")?;
        let mut held = Held::default();
        let mut manifests = BTreeSet::new();
        let mut subjects = Vec::new();
        for described in self.list("index.json", "manifests", &index)? {
            let (media_type, digest) = self.descriptor("index.json", "manifests", described)?;
            let tag = described["annotations"][REF_NAME].as_str().filter(|name| name.starts_with("sha256-"));
            match (media_type, tag) {
                // An image may be listed under several names.
                (MANIFEST, _) if !manifests.insert(digest) => {}
                (MANIFEST, _) => subjects.extend(self.manifest(digest, &mut held)?),
                (INDEX, Some(tag)) => drop(held.lists.insert(tag.to_owned(), digest)),
                (INDEX | DOCKER_LIST, _) => return Err(self.wrong(LayoutFault::Several)),
                _ => return Err(self.field("index.json", "mediaType", MANIFEST)),
            }
        }
        if let Some(file) = subjects.iter().find(|subject| !manifests.contains(subject)).map(blob_name) {
            return Err(self.wrong(LayoutFault::Subject { file }));
        }
        if held.images.is_empty() {
            return Err(self.wrong(LayoutFault::Empty));
        }
        for (tag, list) in held.lists.clone() {
            self.listing(&tag, list, &mut held)?;
        }
        Ok(held)
    }

    /// Takes a list of what refers to an image: nothing else may be in it.
    fn listing(&self, tag: &str, list: Digest, held: &mut Held) -> Result<()> {
        let file = blob_name(&list);
        let said = self.said(&list)?;
        for described in self.list(&file, "manifests", &said)? {
            let (_, referrer) = self.descriptor(&file, "manifests", described)?;
            if !held.referrers.contains_key(&referrer) {
                return Err(self.wrong(LayoutFault::Subject { file: blob_name(&referrer) }));
            }
        }
        if !held.images.iter().any(|(_, manifest)| tag.strip_prefix("sha256-") == Some(&manifest.hex())) {
            return Err(self.field("index.json", REF_NAME, "the digest of an image, where it begins with `sha256-`"));
        }
        held.blobs.insert(list);
        Ok(())
    }

    /// Takes a manifest with what it names; gives what it is about, if it is about another.
    fn manifest(&self, digest: Digest, held: &mut Held) -> Result<Option<Digest>> {
        let file = blob_name(&digest);
        let manifest = self.said(&digest)?;
        // What one reader takes for a manifest and another for an index is neither.
        if manifest["mediaType"].as_str().is_some_and(|media_type| media_type != MANIFEST) {
            return Err(self.field(&file, "mediaType", MANIFEST));
        }
        if manifest.get("manifests").is_some() {
            return Err(self.field(&file, "manifests", "absent in a manifest"));
        }
        let (config_type, config) = self.descriptor(&file, "config", &manifest["config"])?;
        held.blobs.extend([digest, config]);
        self.blob(&config)?;
        for layer in self.list(&file, "layers", &manifest)? {
            let (_, layer) = self.descriptor(&file, "layers", layer)?;
            self.blob(&layer)?;
            held.blobs.insert(layer);
        }
        match &manifest["subject"] {
            Value::Null if config_type != CONFIG => Err(self.wrong(LayoutFault::NoImage { file })),
            Value::Null => {
                held.images.push((self.platform(&config)?, digest));
                Ok(None)
            }
            subject => {
                let (_, subject) = self.descriptor(&file, "subject", subject)?;
                let artifact_type = manifest["artifactType"].as_str().unwrap_or(config_type).to_owned();
                let annotations = manifest["annotations"].as_object().into_iter().flatten();
                let texts = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
                let annotations = annotations.filter_map(texts).collect();
                held.referrers.insert(digest, Listed { artifact_type, annotations });
                Ok(Some(subject))
            }
        }
    }

    /// What a configuration says that its image runs on.
    fn platform(&self, config: &Digest) -> Result<Platform> {
        let file = blob_name(config);
        let said = self.said(config)?;
        let word = |field: &'static str, needed: bool| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            match &said[field] {
                Value::Null if !needed => Ok(String::new()),
                Value::String(text) if text.bytes().all(plain) && !(needed && text.is_empty()) => Ok(text.clone()),
                _ => Err(self.field(&file, field, "a word, as Go has it: `linux`, `amd64`, `v8`")),
            }
        };
        for field in ["os.version", "os.features"] {
            if said.get(field).is_some() {
                return Err(self.field(&file, field, "absent: images are told apart by system and machine"));
            }
        }
        Ok(Platform {
            os: word("os", true)?,
            architecture: word("architecture", true)?,
            variant: word("variant", false)?,
        })
    }
}
