//! What an image is, and its configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use super::json::{object, time};
use crate::digest::Digest;
use crate::image::{Compression, Error, Tree};

/// What an image runs on, in Go's words: `linux`, `amd64`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// Operating system.
    pub os: String,
    /// Architecture.
    pub architecture: String,
    /// Variant of the architecture, such as `v8` of `arm64`; empty if there is none.
    pub variant: String,
}

/// What a runtime does with an image. What is empty is left to the runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The program and the arguments that it always has.
    pub entrypoint: Vec<String>,
    /// Further arguments; without an entry point, the command.
    pub cmd: Vec<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Where the program starts.
    pub working_dir: String,
    /// `user`, `uid`, `user:group`, `uid:gid`.
    pub user: String,
    /// `80/tcp`, `53/udp`, `8080`.
    pub exposed_ports: BTreeSet<String>,
    /// Folders that hold data of the container.
    pub volumes: BTreeSet<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The signal that asks the program to end: `SIGTERM`.
    pub stop_signal: String,
}

/// A layer.
#[derive(Debug, Clone)]
pub struct Layer<'a> {
    /// What it holds; over another layer, what [`difference`](super::difference()) gives.
    pub tree: &'a Tree,
    /// What the history says of it.
    pub comment: String,
}

/// An image of one platform.
#[derive(Debug, Clone, Default)]
pub struct Image<'a> {
    /// What it runs on.
    pub platform: Platform,
    /// What a runtime does with it.
    pub config: Config,
    /// Annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
    /// Its layers, the lowest first.
    pub layers: Vec<Layer<'a>>,
}

/// How images are written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// When they were made, in seconds since 1970.
    pub created: u32,
    /// How layers are compressed: not, or by gzip or zstd.
    pub compression: Compression,
}

impl Image<'_> {
    /// Complains of what the specification forbids.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |option, reason| Err(Error::Option { option, reason });
        if self.platform.os.is_empty() || self.platform.architecture.is_empty() {
            return wrong("platform", "an image has an operating system and an architecture");
        }
        if self.layers.is_empty() {
            return wrong("layers", "an image has at least one layer");
        }
        let plain = |name: &String| !name.is_empty() && !name.contains(['=', '\0']);
        if !self.config.env.iter().all(|(name, value)| plain(name) && !value.contains('\0')) {
            return wrong("env", "a variable has a name, without `=`, and no zero byte");
        }
        let port = |port: &String| {
            let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
            number.parse::<u16>().is_ok() && matches!(protocol, "tcp" | "udp")
        };
        if !self.config.exposed_ports.iter().all(port) {
            return wrong("exposed ports", "a port is a number, then `/tcp`, `/udp` or nothing");
        }
        check_annotations(&self.annotations)?;
        // What begins so in the lowest layer would hide what is not there.
        super::difference::no_whiteouts(self.layers[0].tree)
    }

    /// The image configuration, for layers of these diff IDs.
    pub(super) fn configuration(&self, layers: &[Digest], created: u32) -> Value {
        let created = time(created);
        let set = |names: &BTreeSet<String>| names.iter().map(|name| (name.clone(), json!({}))).collect::<Value>();
        let Config { entrypoint, cmd, env, working_dir, user, exposed_ports, volumes, labels, stop_signal } =
            &self.config;
        let config = object([
            ("Cmd", json!(cmd)),
            ("Entrypoint", json!(entrypoint)),
            ("Env", env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            ("ExposedPorts", set(exposed_ports)),
            ("Labels", json!(labels)),
            ("StopSignal", json!(stop_signal)),
            ("User", json!(user)),
            ("Volumes", set(volumes)),
            ("WorkingDir", json!(working_dir)),
        ]);
        let history = self.layers.iter().map(|layer| {
            object([("comment", json!(layer.comment)), ("created", json!(created)), ("created_by", json!("repro"))])
        });
        let ids: Vec<String> = layers.iter().map(named).collect();
        let mut value = self.platform.value();
        value["config"] = config;
        value["created"] = json!(created);
        value["history"] = history.collect();
        value["rootfs"] = json!({"type": "layers", "diff_ids": ids});
        value
    }
}

/// Complains of annotations without a name.
pub(super) fn check_annotations(annotations: &BTreeMap<String, String>) -> Result<(), Error> {
    let reason = "an annotation has a name, such as `org.opencontainers.image.title`";
    if annotations.contains_key("") { Err(Error::Option { option: "annotations", reason }) } else { Ok(()) }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { os, architecture, variant } = self;
        let slash = if variant.is_empty() { "" } else { "/" };
        write!(f, "{os}/{architecture}{slash}{variant}")
    }
}

impl Platform {
    /// This platform under one name of those that runtimes take for the same.
    pub fn usual(&self) -> Self {
        let variant = match (self.architecture.as_str(), self.variant.as_str()) {
            ("arm64", "v8") | ("amd64", "v1") => "",
            ("arm", "") => "v7",
            (_, variant) => variant,
        };
        Self { variant: variant.to_owned(), ..self.clone() }
    }

    pub(super) fn value(&self) -> Value {
        object([("architecture", json!(self.architecture)), ("os", json!(self.os)), ("variant", json!(self.variant))])
    }
}

/// A digest as the specification writes it.
pub(super) fn named(digest: &Digest) -> String {
    format!("sha256:{}", digest.hex())
}
