//! `repro image`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure};
use crate::digest::Digest;
use crate::fs::{Dir, Kind};
use crate::image::{Compression, Format, Recipe};
use crate::pack::{Layout, Packer};
use crate::report::bytes;
use crate::store::EPOCH;

/// Write what a stage left as an archive, a file system, a container image or a disk.
///
/// The stage has to be built. Where its output has a tree `root` and a table of owners `manifest`, as a root file system's
/// has, these are what is written; else the whole output, owned by user and group 0. The bytes follow from the trees and
/// the options alone: no root, no loop device and no program of the host is needed, and no clock is read. To have images
/// made, checked and remembered with a build, state them in a stage: `[image."FILE"]` in its stage.toml.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro image rootfs --format squashfs -o root.squashfs
  repro image rootfs --format tar --compress zstd:19 -o root.tar.zst
  repro image rootfs --format ext4 --size 256MiB --label root -o root.ext4
  repro image rootfs --format oci --label localhost/small:1 --command /bin/sh -o small.tar
  repro image rootfs --format docker --layer 'usr/lib/**' --label localhost/small:1 -o small.tar
  repro image --format oci --images amd64.tar arm64.tar --label localhost/small:1 -o all.tar
  repro image --format disk --kernel kernel/boot/kernel --initramfs initramfs/initramfs.img -o d.img

Formats: tar, cpio, oci, docker, squashfs, erofs, ext4, fat, disk, iso, file. Places are STAGE/PATH.")]
pub struct Args {
    /// The stage whose output is written.
    #[arg(value_name = "STAGE", required_unless_present_any = ["kernel", "file", "images"])]
    pub stage: Option<String>,
    /// What to write.
    #[arg(long, value_name = "FORMAT", value_parser = str::parse::<Format>)]
    pub format: Format,
    /// The file to write; it is replaced.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// The folder of the output to write [default: `root` if there is one, with `manifest`; else all].
    #[arg(long, value_name = "PATH", requires = "stage")]
    pub root: Option<String>,
    /// The file of the output with modes, owners and devices [default: `manifest`, beside `root`].
    #[arg(long, value_name = "PATH", requires = "root", hide_short_help = true)]
    pub table: Option<String>,
    /// none, gzip, xz or zstd, with a level such as `zstd:19`.
    #[arg(long, value_name = "NAME", value_parser = str::parse::<Compression>)]
    pub compress: Option<Compression>,
    /// Name of the volume, or the reference of a container image.
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Size of the file system, such as 256MiB [default: as small as it can be].
    #[arg(long, value_name = "SIZE", value_parser = crate::stage::parse_size)]
    pub size: Option<u64>,
    /// The file to write, for the format `file`.
    #[arg(long, value_name = "STAGE/PATH")]
    pub file: Option<String>,
    /// The kernel that starts.
    #[arg(long, value_name = "STAGE/PATH")]
    pub kernel: Option<String>,
    /// Its first file system.
    #[arg(long, value_name = "STAGE/PATH")]
    pub initramfs: Option<String>,
    /// The stage with the BIOS boot loader.
    #[arg(long, value_name = "STAGE", hide_short_help = true)]
    pub loader: Option<String>,
    /// What the boot loader tells the kernel.
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub command_line: Option<String>,
    /// Paths that make a layer of a container image.
    ///
    /// May be given several times, the lowest layer first. Each path is in the layer of the first glob that matches it or a
    /// folder above it; what no glob matches is the last layer.
    #[arg(long = "layer", value_name = "GLOB")]
    pub layers: Vec<String>,
    /// Image layouts of single platforms that become one of all.
    ///
    /// They are files or folders, written by `repro` or by others. Each image stays as it is, under one index.
    #[arg(long, value_name = "LAYOUT", num_args = 1.., conflicts_with_all = ["stage", "kernel", "file"])]
    pub images: Vec<PathBuf>,
    /// What a container image runs on, such as linux/arm64 [default: what the programs in it are for].
    #[arg(long, value_name = "OS/MACHINE", hide_short_help = true)]
    pub platform: Option<String>,
    /// What a container runs: once for each word.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub command: Vec<String>,
    /// What a container runs before its command; may be given several times, once for each word.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true, hide_short_help = true)]
    pub entrypoint: Vec<String>,
    /// A variable of a container, NAME=VALUE; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", hide_short_help = true)]
    pub environment: Vec<String>,
    /// The user of a container: UID or UID:GID.
    #[arg(long, value_name = "USER", hide_short_help = true)]
    pub user: Option<String>,
    /// A port that a container listens on, such as 80/tcp; may be given several times.
    #[arg(long = "port", hide_short_help = true, value_name = "PORT")]
    pub ports: Vec<String>,
    /// A folder with data of a container; may be given several times.
    #[arg(long = "volume", hide_short_help = true, value_name = "PATH")]
    pub volumes: Vec<String>,
    /// The signal that asks a container to end.
    #[arg(long, value_name = "SIGNAL", hide_short_help = true)]
    pub stop_signal: Option<String>,
    /// A label of a container image, NAME=VALUE; may be given several times.
    #[arg(long = "container-label", hide_short_help = true, value_name = "NAME=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
    /// An annotation of a container image, or of an index of several, NAME=VALUE; may be given several times.
    #[arg(long = "annotation", hide_short_help = true, value_name = "NAME=VALUE", value_parser = pair)]
    pub annotations: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs it.
///
/// # Errors
/// A stage is not built, the options do not fit the format, or the file cannot be written.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let file = args.output.display().to_string();
    let refused = |message: &str, hint: &str| {
        Failure::new(ExitCode::Usage, format!("cannot write `{file}`: {message}")).hint(Some(hint.to_owned()))
    };
    if args.format == Format::Sums {
        return Err(refused("`sums` are of all images of a stage", "a stage can state them: [image.SHA256SUMS]"));
    }
    let recipe = recipe(args, &project, context)?;
    recipe.check().map_err(|(message, hint)| refused(&message, &hint))?;
    let layouts: Vec<Layout> = args.images.iter().map(|path| layout(path)).collect::<Result<_, _>>()?;
    let mut inputs = BTreeMap::new();
    for place in recipe.takes() {
        let stage = place.split('/').next().unwrap_or_default();
        if !inputs.contains_key(stage) {
            inputs.insert(stage.to_owned(), output(&project, stage, context)?);
        }
    }
    let name = args.output.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| refused("it is no file name", "name a file with `--output`"))?;
    let parent = args.output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = Dir::open(parent).map_err(|error| Failure::of(ExitCode::Usage, &error))?;
    if folder.stat(name)?.is_some_and(|there| there.kind == Kind::Directory) {
        return Err(refused(&format!("`{name}` is a folder"), "name a file with `--output`"));
    }
    // Whoever looks sees the old file or the new one.
    let partial = format!(".{name}.repro-partial");
    folder.remove(&partial)?;
    let packer = Packer {
        store: &project.store,
        inputs: &inputs,
        time: EPOCH as u32,
        folder: &folder,
        threads: context.jobs,
        cancel: &context.cancel,
    };
    let written = match layouts.as_slice() {
        [] => packer.write(&partial, &recipe, &[]),
        layouts => packer.join(&partial, &recipe, layouts),
    };
    let written = written.map_err(|error| {
        drop(folder.remove(&partial));
        Failure::from(error).during(&format!("write `{file}`"))
    })?;
    folder.rename(&partial, &folder, name)?;
    if context.globals.json {
        let format = recipe.format.name();
        context.print_json(&json!({ "schema": 1, "file": file, "format": format, "size": written.size }))?;
    } else {
        context.say(&format!("wrote `{file}`: {}, {}", recipe.format, bytes(written.size)));
    }
    Ok(ExitCode::Done)
}

fn recipe(args: &Args, project: &Project, context: &Context) -> Result<Recipe, Failure> {
    let (mut root, mut table) = (None, None);
    if let Some(stage) = &args.stage {
        let place = |path: &str| format!("{stage}/{path}");
        root = Some(args.root.as_deref().map_or_else(|| stage.clone(), place));
        table = args.table.as_deref().map(place);
        if args.root.is_none() {
            let top = project.store.directory(output(project, stage, context)?)?;
            let is_root = top.directories.iter().any(|entry| entry.name == "root");
            if is_root && top.files.iter().any(|entry| entry.name == "manifest") {
                root = Some(place("root"));
                // FAT knows no owners.
                table = (args.format != Format::Fat).then(|| place("manifest"));
            }
        }
    }
    Ok(Recipe {
        root,
        table,
        file: args.file.clone(),
        compress: args.compress,
        label: args.label.clone(),
        size: args.size,
        kernel: args.kernel.clone(),
        initramfs: args.initramfs.clone(),
        loader: args.loader.clone(),
        command_line: args.command_line.clone(),
        layers: args.layers.clone(),
        images: args.images.iter().map(|path| path.display().to_string()).collect(),
        platform: args.platform.clone(),
        entrypoint: args.entrypoint.clone(),
        command: args.command.clone(),
        environment: args.environment.clone(),
        user: args.user.clone(),
        ports: args.ports.clone(),
        volumes: args.volumes.clone(),
        stop_signal: args.stop_signal.clone(),
        labels: args.labels.iter().cloned().collect(),
        annotations: args.annotations.iter().cloned().collect(),
        ..Recipe::new(args.format)
    })
}

/// An image layout that the user names.
fn layout(path: &Path) -> Result<Layout, Failure> {
    // Whatever keeps it from being read, it is the user's file.
    Layout::open(path).map_err(|error| Failure::of(ExitCode::Usage, &error).hint(error.hint()))
}

/// What a stage left.
fn output(project: &Project, stage: &str, context: &Context) -> Result<Digest, Failure> {
    let preview = project.preview(stage, context)?;
    preview.output.ok_or_else(|| {
        let failure =
            Failure::new(ExitCode::Usage, format!("cannot write an image of stage `{stage}`: it is not built"));
        failure.hint(Some(format!("run `repro build {stage}`")))
    })
}
