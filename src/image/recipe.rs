//! What an image shall be: one table of a stage file, or the options of a command line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compress::Compression;

/// Version of what the writers write. Part of the key of every action that writes an image: another version may write other
/// bytes for the same recipe. The golden digests of the writers' tests hold it.
pub const VERSION: &str = "1";

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// POSIX tar (pax).
    Tar,
    /// cpio (newc), as the kernel unpacks at boot.
    Cpio,
    /// An OCI image layout in a tar: `oci-archive:` of the usual tools.
    Oci,
    /// What `docker load` takes.
    Docker,
    /// squashfs 4.0.
    Squashfs,
    /// erofs.
    Erofs,
    /// ext4.
    Ext4,
    /// FAT: an EFI system partition, or any tree without owners.
    Fat,
    /// A disk with a GPT that starts by UEFI, and with a `loader` by BIOS.
    Disk,
    /// ISO 9660 that starts by UEFI, and with a `loader` by BIOS, from an optical disc and from a stick.
    Iso,
    /// A file as it is: a kernel, a manifest.
    File,
    /// SHA-256 of the other images of the stage, as `sha256sum` writes and checks them.
    Sums,
}

/// What the recipe of a container image may say.
const OCI: &[&str] = &[
    "root",
    "table",
    "compress",
    "label",
    "layers",
    "platform",
    "entrypoint",
    "command",
    "environment",
    "directory",
    "user",
    "ports",
    "volumes",
    "stop-signal",
    "labels",
    "annotations",
    "images",
];
/// The same without what the older form has no place for; and without `root`, which it needs.
const DOCKER: &[&str] = {
    let (_, others) = OCI.split_at(1);
    others.split_at(others.len() - 2).0
};
/// What an index of several platforms may say.
const INDEX: &[&str] = &["images", "label", "annotations"];

impl Format {
    /// All.
    pub const ALL: [Self; 12] = [
        Self::Tar,
        Self::Cpio,
        Self::Oci,
        Self::Docker,
        Self::Squashfs,
        Self::Erofs,
        Self::Ext4,
        Self::Fat,
        Self::Disk,
        Self::Iso,
        Self::File,
        Self::Sums,
    ];

    /// Its name in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Cpio => "cpio",
            Self::Oci => "oci",
            Self::Docker => "docker",
            Self::Squashfs => "squashfs",
            Self::Erofs => "erofs",
            Self::Ext4 => "ext4",
            Self::Fat => "fat",
            Self::Disk => "disk",
            Self::Iso => "iso",
            Self::File => "file",
            Self::Sums => "sums",
        }
    }

    /// The keys of a recipe that mean something for it; the first ones of these it needs.
    pub fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Tar | Self::Cpio | Self::Squashfs => (&["root"], &["table", "compress"]),
            Self::Erofs => (&["root"], &["table"]),
            Self::Ext4 => (&["root"], &["table", "label", "size"]),
            Self::Fat => (&[], &["root", "kernel", "initramfs", "label"]),
            Self::Disk => (&["kernel", "initramfs"], &["loader", "command-line", "partitions", "label"]),
            Self::Iso => (&["kernel", "initramfs"], &["root", "table", "loader", "command-line", "label"]),
            Self::File => (&["file"], &["compress"]),
            Self::Sums => (&[], &[]),
            Self::Oci => (&[], OCI),
            Self::Docker => (&["root"], DOCKER),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let none =
            || format!("`{}` is no format: there are {}", name.escape_debug(), Self::ALL.map(Self::name).join(", "));
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(none)
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, level) = text.split_once(':').map_or((text, None), |(name, level)| (name, Some(level)));
        let level = |from: u32, usual: u32, most: u32| match level.map(str::parse) {
            None => Ok(usual),
            Some(Ok(level)) if (from..=most).contains(&level) => Ok(level),
            Some(_) => Err(format!("the level of `{name}` is a number from {from} to {most}")),
        };
        match name {
            "none" if !text.contains(':') => Ok(Self::None),
            "gzip" => level(0, 9, 9).map(Self::Gzip),
            "xz" => level(0, 6, 9).map(Self::Xz),
            "zstd" => level(1, 15, 22).map(Self::Zstd),
            _ => Err(format!("`{text}` is no compression: there are none, gzip, xz, zstd, and `zstd:19` for a level")),
        }
    }
}

impl TryFrom<String> for Compression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Compression> for String {
    fn from(compress: Compression) -> Self {
        compress.to_string()
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Gzip(level) => write!(f, "gzip:{level}"),
            Self::Xz(level) => write!(f, "xz:{level}"),
            Self::Zstd(level) => write!(f, "zstd:{level}"),
        }
    }
}

/// What an image shall be. Trees and files are named as `INPUT/PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// Its format.
    pub format: Format,
    /// The tree that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The file with modes, owners and devices of that tree. Without one all belongs to user and group 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The file that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How its bytes are compressed: `gzip`, or with a level `zstd:19`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compression>,
    /// Name of the volume; of an OCI image, the reference that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Bytes of the file system; as few as serve without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The kernel that starts from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Its first file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initramfs: Option<String>,
    /// The tree of the BIOS boot loader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loader: Option<String>,
    /// What the boot loader tells the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// Other images of the same stage that become further partitions, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<String>,
    /// Globs over paths of the tree: each makes a layer of what no earlier one matches, and what none matches is the last
    /// layer. A folder is matched with all that is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// Container images of single platforms that become one of all: other images of the same stage, or `INPUT/PATH`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// What a container image runs on, as `linux/arm64`; that of the programs in it without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What a container runs, before its command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// What a container runs, or the arguments of its entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Variables of a container, `NAME=VALUE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// Working directory of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// User of a container, `UID` or `UID:GID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Ports that a container listens on: `80/tcp`, `53/udp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// Folders with data of a container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// The signal that asks a container to end: `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Labels of a container image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of a container image's manifest, or of an index of several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Recipe {
    /// One of this format, with nothing else said.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            root: None,
            table: None,
            file: None,
            compress: None,
            label: None,
            size: None,
            kernel: None,
            initramfs: None,
            loader: None,
            command_line: None,
            partitions: Vec::new(),
            layers: Vec::new(),
            images: Vec::new(),
            platform: None,
            entrypoint: Vec::new(),
            command: Vec::new(),
            environment: Vec::new(),
            directory: None,
            user: None,
            ports: Vec::new(),
            volumes: Vec::new(),
            stop_signal: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }

    /// All keys of a recipe: `format`, and those that mean something for any format.
    pub fn keys() -> BTreeSet<&'static str> {
        let keys = Format::ALL.into_iter().map(Format::keys).flat_map(|(needed, others)| needed.iter().chain(others));
        keys.copied().chain(["format"]).collect()
    }

    /// The keys that are there, but for `format`.
    fn given(&self) -> Vec<String> {
        // What is not there is left out of the JSON.
        let json = serde_json::to_value(self).expect("its keys are text");
        let keys = json.as_object().into_iter().flat_map(|keys| keys.keys());
        keys.filter(|key| *key != "format").cloned().collect()
    }

    /// What is wrong with it: a key that its format needs and that is missing, or one that means nothing for it.
    ///
    /// # Errors
    /// In words, with the cure.
    pub fn check(&self) -> Result<(), (String, String)> {
        let (needed, others) = self.format.keys();
        let given = self.given();
        let format = self.format;
        if let Some(key) = needed.iter().find(|key| !given.iter().any(|given| given == *key)) {
            return Err((format!("`{format}` needs `{key}`"), "name it as STAGE/PATH".to_owned()));
        }
        let known: Vec<&str> = needed.iter().chain(others).copied().collect();
        if let Some(key) = given.iter().find(|key| !known.contains(&key.as_str())) {
            let cure = if known.is_empty() {
                "leave it out".to_owned()
            } else {
                format!("`{format}` knows {}", known.join(", "))
            };
            return Err((format!("`{key}` means nothing for `{format}`"), cure));
        }
        if self.format == Format::Fat {
            match (&self.root, &self.kernel) {
                (Some(_), None) if self.initramfs.is_some() => {
                    let cure = "leave it out, or state the `kernel` instead of `root`".to_owned();
                    return Err(("`initramfs` means nothing without a `kernel`".to_owned(), cure));
                }
                (Some(_), None) | (None, Some(_)) => {}
                (both, _) => {
                    let what = if both.is_some() { "cannot have both" } else { "needs one of" };
                    let cure = "a tree is its `root`; a `kernel` starts from it".to_owned();
                    return Err((format!("`fat` {what} `root` and `kernel`"), cure));
                }
            }
        }
        if self.format == Format::Oci {
            match (&self.root, self.images.is_empty()) {
                (Some(_), true) => {}
                (None, false) => {
                    if let Some(key) = given.iter().find(|key| !INDEX.contains(&key.as_str())) {
                        let cure = "state it in the images that it is about".to_owned();
                        return Err((format!("`{key}` means nothing beside `images`"), cure));
                    }
                }
                (root, _) => {
                    let what = if root.is_some() { "cannot have both" } else { "needs one of" };
                    let cure = "a tree is its `root`; `images` of several platforms become one".to_owned();
                    return Err((format!("`oci` {what} `root` and `images`"), cure));
                }
            }
        }
        if self.table.is_some() && self.root.is_none() {
            return Err(("`table` is that of no tree".to_owned(), "name it as `root`".to_owned()));
        }
        if self.command_line.is_some() && self.loader.is_none() {
            let cure = "the kernel's own command line holds without a `loader`".to_owned();
            return Err(("`command-line` is for the boot loader, and there is none".to_owned(), cure));
        }
        Ok(())
    }

    /// The other images of the same stage that it is made from.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        // An image's name has no folder, and what a stage takes is in one.
        let images = self.images.iter().filter(|image| !image.contains('/'));
        self.partitions.iter().chain(images).map(String::as_str)
    }

    /// The trees and files that it takes, as `INPUT/PATH`.
    pub fn takes(&self) -> Vec<&str> {
        [&self.root, &self.table, &self.file, &self.kernel, &self.initramfs, &self.loader]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }
}
