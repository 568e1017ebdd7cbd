//! The shape of the definition files, for editors and other programs: JSON Schema, generated from these types.
//!
//! The types are read by no one; [`super::reader`] reads the files, because serde stops at the first mistake. Tests
//! hold both to the same keys and the same examples.

#![expect(dead_code, reason = "the types are only looked at by schemars")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use super::level::Level;
use super::root::Deliver;
use crate::image::Format;

/// `stages/<name>/stage.toml`: one node of the build graph.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "stage.toml", rename_all = "kebab-case")]
#[schemars(extend("anyOf" = [{ "required": ["tools"] }, { "required": ["image"] }, { "required": ["root"] }, { "required": ["when"] }]))]
struct StageFile {
    /// Version of this format.
    #[schemars(range(min = 1, max = 1))]
    schema: u64,
    /// What the stage makes, in one line.
    #[schemars(length(min = 1))]
    summary: String,
    /// Parameters that the stage depends on; `{name}` stands for their values in strings, `REPRO_<NAME>` in the
    /// environment.
    #[schemars(default)]
    params: Vec<Param>,
    /// Trees merged at `/`. Only a stage with images or a root has none.
    #[schemars(default)]
    tools: Vec<Input>,
    /// Trees merged at `/target`: what the stage compiles against.
    #[schemars(default)]
    target: Vec<Input>,
    /// Trees at `/in/<name>`.
    #[schemars(default)]
    inputs: Vec<Input>,
    /// The script, relative to this folder. Default: `build.sh`.
    script: Option<Path>,
    /// The program that runs the script, with its options. Default: `/bin/sh -eu`.
    shell: Option<Vec<String>>,
    /// The entries that the top of `/out` must have, no more and no fewer.
    outputs: Option<Vec<String>>,
    /// A test: nothing may depend on it.
    #[schemars(default)]
    test: bool,
    /// Sources by their name in `stages/sources.toml`, at `/src/<name>`.
    #[schemars(default)]
    sources: BTreeMap<String, SourceUse>,
    /// Environment on top of the fixed one.
    #[schemars(default)]
    env: BTreeMap<String, String>,
    /// Which input wins where two give one path different contents; the first rule that matches counts.
    #[schemars(default)]
    wins: Vec<Win>,
    /// What holds still while the stage runs. Default: isolated.
    level: Option<Level>,
    /// Images by the names of their files, which `repro` itself writes; no script runs.
    #[schemars(default)]
    image: BTreeMap<String, Image>,
    /// A root file system that `repro` itself composes; no script runs.
    root: Option<Root>,
    /// Where the stage is stopped.
    limits: Option<Limits>,
    /// The values of parameters that there is such a stage for. Default: all.
    #[schemars(default)]
    only: BTreeMap<Param, Vec<String>>,
    /// Built only when it is named, or when another stage needs it.
    #[schemars(default)]
    on_demand: bool,
    /// More keys of this file for single values of parameters: `[when.PARAMETER.VALUE]`. Lists are appended, tables are
    /// merged, and nothing is said twice.
    #[schemars(default)]
    when: BTreeMap<Param, BTreeMap<String, BTreeMap<String, serde_json::Value>>>,
}

/// Name of a parameter.
#[derive(PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Param {
    Arch,
    Libc,
    Mode,
    Profile,
}

/// `sysroot:NAME`, `stage:NAME` or `stage:NAME/sub/tree`.
#[derive(JsonSchema)]
struct Input(#[schemars(regex(pattern = r"^(sysroot:[^/]+|stage:[^/]+(/[^/]+)*)$"))] String);

/// A relative path without `.` and `..`.
#[derive(JsonSchema)]
struct Path(#[schemars(regex(pattern = r"^[^/]+(/[^/]+)*$"))] String);

/// How a stage takes a source.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SourceUse {
    /// Whether `/src/<name>` can be written, into scratch space.
    #[schemars(default)]
    writable: bool,
    /// An archive inside the archive, which is unpacked instead.
    inner: Option<Path>,
    /// Whether the archive is unpacked. Default: true.
    unpack: Option<bool>,
}

/// A rule for paths that two inputs give.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Win {
    /// Glob over paths in the merged tree, without a leading slash.
    path: String,
    /// The input that wins.
    input: Input,
}

/// An image. Trees and files are named as `INPUT/PATH`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Image {
    /// Its format.
    format: Format,
    /// The tree that it holds.
    root: Option<Path>,
    /// The file with modes, owners and devices of that tree.
    table: Option<Path>,
    /// The file that it is.
    file: Option<Path>,
    /// How its bytes are compressed: `none`, `gzip`, `xz`, `zstd`, or with a level `zstd:19`.
    compress: Option<String>,
    /// Name of the volume; of an OCI image, its reference.
    label: Option<String>,
    /// Bytes of the file system. Default: as few as serve.
    size: Option<Size>,
    /// The kernel that starts from it.
    kernel: Option<Path>,
    /// Its first file system.
    initramfs: Option<Path>,
    /// The tree of the BIOS boot loader.
    loader: Option<Path>,
    /// What the boot loader tells the kernel.
    command_line: Option<String>,
    /// Other images of this stage that become further partitions.
    #[schemars(default)]
    partitions: Vec<String>,
    /// Globs over paths of the tree: each makes a layer of what no earlier one matches, folders with all that is in them;
    /// what none matches is the last layer. Default: one layer.
    #[schemars(default)]
    layers: Vec<String>,
    /// Container images of single platforms that become one of all: other images of this stage, or files of inputs.
    #[schemars(default)]
    images: Vec<String>,
    /// What a container image runs on, as `linux/arm64`. Default: what the programs in it are for.
    platform: Option<String>,
    /// What a container runs, before its command.
    #[schemars(default)]
    entrypoint: Vec<String>,
    /// What a container runs, or the arguments of its entrypoint.
    #[schemars(default)]
    command: Vec<String>,
    /// Variables of a container, `NAME=VALUE`.
    #[schemars(default)]
    environment: Vec<String>,
    /// Working directory of a container.
    directory: Option<String>,
    /// User of a container.
    user: Option<String>,
    /// Ports that a container listens on: `80/tcp`, `53/udp`.
    #[schemars(default)]
    ports: Vec<String>,
    /// Folders with data of a container.
    #[schemars(default)]
    volumes: Vec<String>,
    /// The signal that asks a container to end.
    stop_signal: Option<String>,
    /// Labels of a container image.
    #[schemars(default)]
    labels: BTreeMap<String, String>,
    /// Annotations of a container image's manifest, or of an index of several.
    #[schemars(default)]
    annotations: BTreeMap<String, String>,
}

/// A root file system. Paths in it have no leading slash.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Root {
    /// Inputs whose trees make it, by name: `musl` for `stage:musl/run`.
    #[schemars(default)]
    components: Vec<String>,
    /// Which component counts where two give one path differently; the first rule that matches.
    #[schemars(default)]
    wins: Vec<RootWin>,
    /// Directories that are empty in the image: mount points, and places for files that come and go.
    #[schemars(default)]
    directories: Vec<Path>,
    /// Symbolic links and their targets.
    #[schemars(default)]
    links: BTreeMap<String, String>,
    /// Files that are made from others of this folder: `{inputs}`, `{stamp}` and each declared parameter are replaced.
    #[schemars(default)]
    templates: BTreeMap<String, Path>,
    /// Folders of this folder that are laid over all this, in this order.
    #[schemars(default)]
    overlays: Vec<Path>,
    /// Files of this folder with lines `PATTERN TYPE MODE OWNER GROUP [MAJOR:MINOR] [cap=…] [size<=…]`, or `PATTERN omit`.
    /// The last line that matches a path decides.
    #[schemars(default)]
    manifests: Vec<Path>,
    /// The same for the paths of one component alone; they decide before the others.
    #[schemars(default)]
    component_manifests: BTreeMap<String, Path>,
    /// What of the components gets into the image. Default: all.
    deliver: Option<Deliver>,
    /// Globs over what has to run. What that needs is computed, and has to be there.
    #[schemars(default)]
    roots: Vec<String>,
    /// Globs over what nothing needs by name and is delivered all the same.
    #[schemars(default)]
    keep: Vec<String>,
    /// Globs over paths and names that may be needed and not there.
    #[schemars(default)]
    may_miss: Vec<String>,
    /// Services of glibc's name service switch. Default: those of etc/nsswitch.conf.
    #[schemars(default)]
    nss: Vec<String>,
    /// For a component the others that it needs, no more and no fewer.
    #[schemars(default)]
    needs: BTreeMap<String, Vec<String>>,
    /// The bytes that the files of a component may have together.
    #[schemars(default)]
    budgets: BTreeMap<String, Size>,
}

/// A rule for paths that two components give.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RootWin {
    /// Glob over paths in the root.
    path: String,
    /// The component that wins.
    component: String,
}

/// Where a stage is stopped.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Limits {
    /// Wall clock. Default: 60m.
    time: Option<Duration>,
    /// How long it may write nothing to its log. Default: 15m.
    silence: Option<Duration>,
    /// Processes and threads at one time. Default: 4096.
    #[schemars(range(min = 1))]
    processes: Option<u64>,
    /// Memory. Default: 8GiB.
    memory: Option<Size>,
    /// Scratch space. Default: 8GiB.
    scratch: Option<Size>,
    /// Files and directories in the scratch space. Default: 2000000.
    #[schemars(range(min = 1))]
    inodes: Option<u64>,
    /// Bytes of all files that the stage leaves. Default: any number.
    size: Option<Size>,
}

/// Whole numbers with units: `90s`, `1h30m`.
#[derive(JsonSchema)]
struct Duration(#[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h))+$"))] String);

/// A whole number with a unit: `8GiB`.
#[derive(JsonSchema)]
struct Size(#[schemars(regex(pattern = r"^[0-9]+ *(B|KiB|MiB|GiB|TiB)$"))] String);

/// One source of `stages/sources.toml`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SourceDef {
    /// The upstream version.
    #[schemars(length(min = 1))]
    version: String,
    /// SPDX expression.
    #[schemars(length(min = 1))]
    license: String,
    /// Places of the same bytes, tried in turn.
    #[schemars(length(min = 1))]
    urls: Vec<Url>,
}

/// `mirror://NAME/path`, `https://…` or `http://…`.
#[derive(JsonSchema)]
struct Url(
    #[schemars(regex(pattern = r"^(mirror|https?)://[^/]+/.*[^/]$"))]
    String,
);

/// `sysroots/<name>.toml`: a root file system assembled from packages.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "sysroot.toml")]
struct SysrootFile {
    /// Version of this format.
    #[schemars(range(min = 1, max = 1))]
    schema: u64,
    /// What the sysroot is for, in one line.
    #[schemars(length(min = 1))]
    summary: String,
    /// Key in `sysroots/archives.toml`. Default: that of what it extends.
    archive: Option<String>,
    /// Sysroots whose packages, remove, links, files and dirs are taken over.
    #[schemars(default)]
    extends: Vec<String>,
    /// Packages; what they depend on comes with them.
    #[schemars(default)]
    packages: Vec<String>,
    /// Packages left out.
    #[schemars(default)]
    exclude: Vec<String>,
    /// Globs of paths dropped after unpacking.
    #[schemars(default)]
    remove: Vec<String>,
    /// Symbolic links made afterwards.
    #[schemars(default)]
    links: Vec<LinkDef>,
    /// Files made afterwards.
    #[schemars(default)]
    files: Vec<FileDef>,
    /// Empty directories made afterwards.
    #[schemars(default)]
    dirs: Vec<Path>,
    /// Which package wins where two carry one path with different contents.
    #[schemars(default)]
    wins: Vec<PackageWin>,
}

/// A symbolic link.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LinkDef {
    /// Path in the sysroot.
    path: Path,
    /// Target, as text.
    #[schemars(length(min = 1))]
    to: String,
}

/// A file.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FileDef {
    /// Path in the sysroot.
    path: Path,
    /// Its content.
    text: String,
    /// Its mode. Default: 0644.
    mode: Option<Mode>,
}

/// A plain mode.
#[derive(JsonSchema)]
enum Mode {
    #[schemars(rename = "0644")]
    Plain,
    #[schemars(rename = "0755")]
    Executable,
}

/// A rule for paths that two packages carry.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PackageWin {
    /// Glob over paths in the sysroot.
    #[schemars(length(min = 1))]
    path: String,
    /// The package that wins.
    #[schemars(length(min = 1))]
    package: String,
}

/// JSON Schema of `stage.toml`.
pub fn stage_schema() -> Schema {
    settings().into_generator().into_root_schema_for::<StageFile>()
}

/// JSON Schema of `stages/sources.toml`.
pub fn sources_schema() -> Schema {
    let mut generator = settings().into_generator();
    let source = generator.subschema_for::<SourceDef>();
    let definitions = generator.take_definitions(true);
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sources.toml",
        "description": "`stages/sources.toml`: the sources of all stages, by name.",
        "type": "object",
        "properties": { "schema": { "type": "integer", "minimum": 1, "maximum": 1 } },
        "additionalProperties": source,
        "$defs": definitions,
    })
}

/// JSON Schema of `sysroots/<name>.toml`.
pub fn sysroot_schema() -> Schema {
    settings().into_generator().into_root_schema_for::<SysrootFile>()
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12()
}
