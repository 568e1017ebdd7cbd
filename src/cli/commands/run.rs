//! `repro run`

use std::collections::BTreeMap;

use crate::build::Resolver;
use crate::cli::enter::enter;
use crate::cli::machines::Machine;
use crate::cli::named::Named;
use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure, pins};
use crate::digest::Digest;
use crate::exec::Local;
use crate::fetch::Fetcher;
use crate::sandbox;
use crate::stage::{ActionInputs, FIXED_ENVIRONMENT, Layer, Level, Limits};
use crate::store::{Store, TreeBuilder};

/// Start what a stage left, on this terminal.
///
/// An image starts in a virtual machine of the project's own (sysroot `vm` or `vm-ARCH`): a disk or an ISO by UEFI, or with --bios by
/// BIOS; a folder with `kernel` and `initramfs.img` directly. Its serial console is this terminal; Ctrl-A X ends it. A tree
/// with a root file system starts as a container: a program in it, in the sandbox of a stage. Either way there is no
/// network but the machine's own, nothing is written to what is started, and no program of the host is run.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro run image                      the kernel and its initramfs
  repro run image/disk.img             as from a disk, by UEFI
  repro run image/image.iso --bios     as from an optical disc, by BIOS
  repro run rootfs/root --oci          /bin/sh in the tree, as a container
  repro run rootfs/root --oci -- /bin/ls -l /")]
pub struct Args {
    /// A stage's output, or a part of it.
    #[arg(value_name = "STAGE[/PATH]")]
    pub image: String,
    /// In a virtual machine [default, but for a root file system].
    #[arg(long, conflicts_with = "oci")]
    pub vm: bool,
    /// As a container.
    #[arg(long)]
    pub oci: bool,
    /// With BIOS firmware instead of UEFI.
    #[arg(long, conflicts_with = "oci")]
    pub bios: bool,
    /// Memory of the machine, in MiB.
    #[arg(short, long, value_name = "MIB", default_value_t = 256, conflicts_with = "oci", value_parser = clap::value_parser!(u32).range(16..))]
    pub memory: u32,
    /// The sysroot that has the virtual machine [default: the project's for the architecture].
    #[arg(long, value_name = "NAME", conflicts_with = "oci")]
    pub sysroot: Option<String>,
    /// Added to the kernel's command line, where the kernel is started directly.
    #[arg(long, value_name = "TEXT", conflicts_with = "oci")]
    pub append: Option<String>,
    /// What the container runs [default: /bin/sh].
    #[arg(last = true, value_name = "COMMAND", requires = "oci")]
    pub command: Vec<String>,
}

/// Where the sandbox has what is started.
const IMAGE: &str = "image";

/// Runs it.
///
/// # Errors
/// There is no such output, or nothing in it that starts.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let started = Started::find(&args.image, &project, context)?;
    let architecture = context.params.get("arch").unwrap_or_default();
    if args.oci && architecture != std::env::consts::ARCH {
        let text =
            format!("cannot start `{}` as a container: it is for {architecture}, and this machine is not", args.image);
        let hint = "an image of it starts in a virtual machine: `repro run image`".to_owned();
        return Err(Failure::new(ExitCode::Usage, text).hint(Some(hint)));
    }
    let machine = Machine::of(architecture).ok_or_else(|| {
        Failure::new(ExitCode::Usage, format!("cannot start a machine: there is none for {architecture}"))
    })?;
    let (tools, inputs, argv) = match &started {
        Started::Folder(tree) if args.oci => {
            let argv = if args.command.is_empty() { vec!["/bin/sh".to_owned()] } else { args.command.clone() };
            (*tree, Vec::new(), argv)
        }
        Started::File { .. } if args.oci => {
            let failure =
                Failure::new(ExitCode::Usage, format!("cannot start `{}` as a container: it is a file", args.image));
            return Err(failure.hint(Some("name the tree of a root file system".to_owned())));
        }
        started => {
            let (tree, argv) = started.machine(machine, args, &project.store)?;
            let name = args.sysroot.as_deref().unwrap_or(machine.sysroot);
            (sysroot(name, &project, context)?, vec![Layer { label: IMAGE.to_owned(), tree }], argv)
        }
    };
    let inputs = ActionInputs {
        tools: vec![Layer { label: "tools".to_owned(), tree: tools }],
        target: Vec::new(),
        wins: Vec::new(),
        sources: Vec::new(),
        inputs,
        stage_dir: TreeBuilder::new(&project.store).finish()?,
        argv,
        env: FIXED_ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        platform: BTreeMap::from([("isolation".to_owned(), sandbox::isolation_id(Level::default()))]),
    };
    let mut prepared = Local::new(&project.store).prepare(&args.image, &inputs, &Limits::default())?;
    if !args.oci {
        context.say("the machine's console is this terminal; Ctrl-A X ends it");
    }
    enter(&mut prepared, context)
}

/// What is started.
enum Started {
    Folder(Digest),
    File { name: String, content: Digest, mode: u32 },
}

impl Started {
    fn find(word: &str, project: &Project, context: &Context) -> Result<Self, Failure> {
        let none = |what: &str| Failure::new(ExitCode::Usage, format!("cannot start `{word}`: {what}"));
        let Named::Stage { name, part } = Named::of(word, context) else { return Err(none("it is no stage's output")) };
        let output = project.preview(name, context)?.output;
        let output = output.ok_or_else(|| none("it is not built").hint(Some(format!("run `repro build {name}`"))))?;
        if part.is_empty() {
            return Ok(Self::Folder(output));
        }
        if let Some(tree) = project.store.subtree(output, part)? {
            return Ok(Self::Folder(tree));
        }
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let folder = if folder.is_empty() { Some(output) } else { project.store.subtree(output, folder)? };
        let folder = folder.ok_or_else(|| none("there is no such file"))?;
        let files = project.store.directory(folder)?.files;
        let file = files.into_iter().find(|entry| entry.name == file).ok_or_else(|| none("there is no such file"))?;
        let content = file.content().map_err(|reason| none(&reason))?;
        Ok(Self::File { mode: file.mode(), name: file.name, content })
    }

    /// The tree that the machine sees, and the machine.
    fn machine(&self, machine: &Machine, args: &Args, store: &Store) -> Result<(Digest, Vec<String>), Failure> {
        let mut argv = machine.command();
        let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["-m", &args.memory.to_string()]);
        let drive = |name: &str| format!("if=none,id=drive,format=raw,readonly=on,file=/in/{IMAGE}/{name}");
        let tree = match self {
            Self::Folder(tree) => {
                let files = store.directory(*tree)?.files;
                if !["kernel", "initramfs.img"].iter().all(|name| files.iter().any(|file| file.name == *name)) {
                    let text = format!("cannot start `{}`: it has no `kernel` and `initramfs.img`", args.image);
                    let hint = "name a disk or an ISO; a root file system starts with --oci".to_owned();
                    return Err(Failure::new(ExitCode::Usage, text).hint(Some(hint)));
                }
                let file = |name: &str| format!("/in/{IMAGE}/{name}");
                add(&["-kernel", &file("kernel"), "-initrd", &file("initramfs.img")]);
                if let Some(text) = &args.append {
                    add(&["-append", text]);
                }
                return Ok((*tree, argv));
            }
            Self::File { name, content, mode } => {
                let is_disc = name.ends_with(".iso");
                add(&["-drive", &format!("{}{}", drive(name), if is_disc { ",media=cdrom" } else { "" })]);
                let mut device = if is_disc { machine.disc } else { &["-device", "virtio-blk-pci"] }.to_vec();
                let last = format!("{},drive=drive,bootindex=1", device.pop().unwrap_or_default());
                device.push(&last);
                add(&device);
                let mut tree = TreeBuilder::new(store);
                tree.blob(name, *mode, *content)?;
                tree.finish()?
            }
        };
        if args.bios && !machine.bios {
            let failure =
                Failure::new(ExitCode::Usage, format!("cannot start `{}`: this machine has no BIOS", args.image));
            return Err(failure.hint(Some("leave `--bios` out".to_owned())));
        }
        if !args.bios {
            // The firmware's variables are not kept: it finds what starts by itself.
            let [code, variables] = machine.efi;
            add(&["-drive", &format!("if=pflash,format=raw,readonly=on,file={code}")]);
            add(&["-drive", &format!("if=pflash,format=raw,snapshot=on,file={variables}")]);
        }
        Ok((tree, argv))
    }
}

/// A sysroot of the project, whatever of it has to be fetched first.
fn sysroot(name: &str, project: &Project, context: &Context) -> Result<Digest, Failure> {
    let resolver = Resolver::new(&project.store, &project.graph, &project.lockfile);
    if !project.graph.sysroots().contains_key(name) {
        let failure = Failure::new(ExitCode::Usage, format!("cannot start a machine: there is no sysroot `{name}`"));
        return Err(failure.hint(Some("name the one with qemu by `--sysroot`".to_owned())));
    }
    let reporter = context.reporter();
    let progress = pins::FetchEvents::new(&*reporter);
    let fetcher = Fetcher::new(&project.store, pins::config(context), &progress);
    let pins = resolver.missing_of(&[name])?;
    if !pins.is_empty() {
        fetcher.fetch(&pins)?;
    }
    Ok(resolver.sysroot(name)?)
}
