//! From a plan to the form that the child can apply without allocating: C strings, arrays, a filter program.

use std::borrow::Cow;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Rlimit;

use super::answers::{Answers, Source};
use super::error::Error;
use super::plan::{Plan, Step};
use super::{filter, plan, supervisor};
use crate::sys::process::{Stack, StringArray};
use crate::sys::seccomp::Instruction;

/// Character devices that a plan may bind, with their numbers (Documentation/admin-guide/devices.txt).
pub(super) const NODES: [(&str, u32, u32); 5] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9)];

/// A step, ready to be applied. The meaning is that of [`Step`]; paths are relative to the root or the scratch space.
#[derive(Debug)]
pub(super) enum Ready {
    Enter,
    Identity { uid_map: Vec<u8>, gid_map: Vec<u8> },
    OomScore { text: Vec<u8> },
    Keyring,
    Loopback,
    HostName { host: Vec<u8>, domain: Vec<u8> },
    Scratch { size: CString, inodes: CString },
    ScratchFolder { path: CString },
    ProcessIds { text: Vec<u8> },
    Root { lower: Vec<CString>, points: Vec<CString> },
    Again { at: CString, of: CString },
    Tree { at: CString, lower: Vec<CString>, scratch: Option<(CString, CString)> },
    Space { at: CString, folder: CString, mode: u32 },
    Devices { nodes: Vec<Node>, terminal: bool, random: Option<Vec<u8>> },
    Proc,
    Pivot { terminal: bool },
    Limit { resource: rustix::process::Resource, limit: Rlimit },
    Supervise { answers: Answers },
    Spawn,
    Session { terminal: bool },
    Descriptors,
    Scheduling,
    Processors { set: rustix::thread::CpuSet },
    Signals,
    Umask { mask: u32 },
    Personality { persona: u64 },
    Capabilities,
    Filter { program: Cow<'static, [Instruction]> },
    Directory { path: CString },
    Execute { candidates: Vec<CString>, argv: StringArray, env: StringArray },
}

/// A device to bind.
#[derive(Debug)]
pub(super) struct Node {
    /// Its path on the host.
    pub(super) host: CString,
    /// Its name in `/dev`.
    pub(super) name: CString,
    /// Its number.
    pub(super) number: (u32, u32),
}

/// All that the child needs.
#[derive(Debug)]
pub(super) struct Prepared {
    /// In order.
    pub(super) steps: Vec<Ready>,
    /// Flags for clone3.
    pub(super) namespaces: u64,
    /// Stack of the second process.
    pub(super) stack: Stack,
}

impl Prepared {
    /// Prepares a plan, refusing one that could not be applied as written. With `traced` the
    /// filter stops calls for a tracer.
    pub(super) fn new(plan: &Plan, traced: bool) -> Result<Self, Error> {
        if plan.schema != plan::SCHEMA {
            return Err(Error::Schema { found: plan.schema, known: plan::SCHEMA });
        }
        require_order(plan)?;
        Self::of(&plan.steps, traced)
    }

    /// Prepares steps that need not be a whole plan.
    pub(super) fn of(plan: &[Step], traced: bool) -> Result<Self, Error> {
        let terminal = plan.iter().any(|step| matches!(step, Step::Session { terminal: true }));
        let mut namespaces = 0;
        let mut supervised = Vec::new();
        let mut steps = Vec::with_capacity(plan.len());
        for (index, step) in plan.iter().enumerate() {
            let bad = |reason: &'static str| Error::BadStep { step: step.to_string(), reason };
            if (index == 0) != matches!(step, Step::Enter { .. }) {
                return Err(bad("namespaces are entered first, and once"));
            }
            steps.push(match step {
                Step::Enter { namespaces: wanted } => {
                    namespaces = wanted.iter().fold(0, |flags, namespace| flags | namespace.flag());
                    Ready::Enter
                }
                Step::Identity { uid, gid } => Ready::Identity {
                    uid_map: format!("{uid} {} 1\n", rustix::process::geteuid().as_raw()).into_bytes(),
                    gid_map: format!("{gid} {} 1\n", rustix::process::getegid().as_raw()).into_bytes(),
                },
                Step::OomScore { adjust } => Ready::OomScore { text: adjust.to_string().into_bytes() },
                Step::Keyring => Ready::Keyring,
                Step::Loopback => Ready::Loopback,
                Step::HostName { host, domain } => {
                    Ready::HostName { host: host.clone().into_bytes(), domain: domain.clone().into_bytes() }
                }
                Step::Scratch { size, inodes } => {
                    Ready::Scratch { size: text(size.to_string())?, inodes: text(inodes.to_string())? }
                }
                Step::ScratchFolder { path } => {
                    let path = paths(std::slice::from_ref(path))?.remove(0);
                    Ready::ScratchFolder { path }
                }
                Step::ProcessIds { after } => Ready::ProcessIds { text: after.to_string().into_bytes() },
                Step::Again { at, of } => {
                    let plain = |path| inner(path).ok_or_else(|| bad("not a plain absolute path"));
                    Ready::Again { at: plain(at)?, of: plain(of)? }
                }
                Step::Processors { count } => Ready::Processors { set: processors(*count)? },
                Step::Root { lower, points } => {
                    if lower.is_empty() {
                        return Err(bad("the root needs at least one lower directory"));
                    }
                    let points = points.iter().map(|at| inner(at).ok_or_else(|| bad("not a plain absolute path")));
                    Ready::Root { lower: paths(lower)?, points: points.collect::<Result<_, _>>()? }
                }
                Step::Tree { at, lower, writable } => {
                    let scratch = (text(format!("upper{index}"))?, text(format!("work{index}"))?);
                    Ready::Tree {
                        at: inner(at).ok_or_else(|| bad("not a plain absolute path"))?,
                        lower: paths(lower)?,
                        scratch: writable.then_some(scratch),
                    }
                }
                Step::Space { at, mode } => Ready::Space {
                    at: inner(at).ok_or_else(|| bad("not a plain absolute path"))?,
                    folder: text(format!("space{index}"))?,
                    mode: mode & 0o7777,
                },
                Step::Devices { nodes, terminal, random } => {
                    let node = |name: &String| {
                        let known = NODES.iter().find(|known| known.0 == name);
                        let (name, major, minor) = known.ok_or_else(|| bad("a device that no stage may have"))?;
                        let (host, name) = (text(format!("/dev/{name}"))?, text(name.to_string())?);
                        Ok(Node { host, name, number: (*major, *minor) })
                    };
                    let nodes = nodes.iter().map(node).collect::<Result<_, Error>>()?;
                    Ready::Devices { nodes, terminal: *terminal, random: random.map(supervisor::device) }
                }
                Step::Proc => Ready::Proc,
                Step::Pivot => Ready::Pivot { terminal },
                Step::Limit { resource, soft, hard } => {
                    Ready::Limit { resource: resource.raw(), limit: Rlimit { current: *soft, maximum: *hard } }
                }
                Step::Supervise { .. } if !cfg!(target_arch = "x86_64") => {
                    return Err(bad("this machine's registers are not known to `repro`"));
                }
                Step::Supervise { answers } => {
                    supervised = match traced {
                        true => Source::ALL.to_vec(),
                        false => answers.answered().collect(),
                    };
                    Ready::Supervise { answers: answers.clone() }
                }
                Step::Spawn => Ready::Spawn,
                Step::Session { terminal } => Ready::Session { terminal: *terminal },
                Step::Descriptors => Ready::Descriptors,
                Step::Scheduling => Ready::Scheduling,
                Step::Signals => Ready::Signals,
                Step::Umask { mask } => Ready::Umask { mask: mask & 0o777 },
                Step::Personality { persona } => Ready::Personality { persona: *persona },
                Step::Capabilities => Ready::Capabilities,
                Step::Filter { policy } => {
                    if *policy != filter::name() {
                        return Err(bad("this version of `repro` has another filter"));
                    }
                    Ready::Filter { program: filter::shared(traced, &supervised) }
                }
                Step::Directory { path } => Ready::Directory { path: text(path.clone())? },
                Step::Execute { argv, env } => {
                    let program = argv.first().ok_or_else(|| bad("no program"))?;
                    let path = env.get("PATH").map_or("", String::as_str);
                    Ready::Execute {
                        candidates: candidates(program, path)?,
                        argv: StringArray::new(argv.iter().cloned().map(text).collect::<Result<_, _>>()?),
                        env: StringArray::new(
                            env.iter()
                                .map(|(name, value)| text(format!("{name}={value}")))
                                .collect::<Result<_, _>>()?,
                        ),
                    }
                }
            });
        }
        Ok(Self { steps, namespaces, stack: Stack::new() })
    }
}

/// Refuses plans without the parts that [`Plan::run`] itself depends on, so that a missing one cannot mean a program
/// that runs with less isolation.
fn require_order(plan: &Plan) -> Result<(), Error> {
    type Is = fn(&Step) -> bool;
    let needed: [(&'static str, Is); 11] = [
        ("the identity", |s| matches!(s, Step::Identity { .. })),
        ("the scratch space", |s| matches!(s, Step::Scratch { .. } | Step::ScratchFolder { .. })),
        ("the root", |s| matches!(s, Step::Root { .. })),
        ("`/build`", |s| matches!(s, Step::Space { at, .. } | Step::Tree { at, writable: true, .. } if at == "/build")),
        ("`/out`", |s| matches!(s, Step::Space { at, .. } | Step::Tree { at, writable: true, .. } if at == "/out")),
        ("the pivot", |s| matches!(s, Step::Pivot)),
        ("the reaper", |s| matches!(s, Step::Spawn)),
        ("the descriptors", |s| matches!(s, Step::Descriptors)),
        ("the capabilities", |s| matches!(s, Step::Capabilities)),
        ("the filter", |s| matches!(s, Step::Filter { .. })),
        ("the program", |s| matches!(s, Step::Execute { .. })),
    ];
    for (part, is) in needed {
        if plan.steps.iter().filter(|step| is(step)).count() != 1 {
            return Err(Error::Incomplete { part });
        }
    }
    let place = |is: Is| plan.steps.iter().position(is);
    let places: Vec<_> =
        [needed[1].1, needed[2].1, needed[5].1, needed[6].1, needed[9].1].into_iter().map(place).collect();
    if !places.is_sorted() || !matches!(plan.steps.last(), Some(Step::Execute { .. })) {
        return Err(Error::Incomplete { part: "the right order" });
    }
    Ok(())
}

/// So many of the processors that this process may run on; each call begins at another one, so that stages with few do not
/// all share the same.
fn processors(count: u32) -> Result<rustix::thread::CpuSet, Error> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let system = |source| Error::System { what: "ask for the processors", source };
    let all = rustix::thread::sched_getaffinity(None).map_err(system)?;
    let mut some = rustix::thread::CpuSet::new();
    let numbers: Vec<usize> = (0..rustix::thread::CpuSet::MAX_CPU).filter(|number| all.is_set(*number)).collect();
    let begin = NEXT.fetch_add(1, Ordering::Relaxed) % numbers.len().max(1);
    numbers
        .iter()
        .cycle()
        .skip(begin)
        .take(numbers.len().min(count.max(1) as usize))
        .for_each(|number| some.set(*number));
    Ok(some)
}

fn text(text: impl Into<Vec<u8>>) -> Result<CString, Error> {
    CString::new(text).map_err(|error| Error::Nul { text: String::from_utf8_lossy(&error.into_vec()).into_owned() })
}

/// Host directories: must be absolute, because the child changes directory between them.
fn paths(paths: &[PathBuf]) -> Result<Vec<CString>, Error> {
    let one = |path: &PathBuf| {
        if !path.is_absolute() {
            return Err(Error::Relative { path: path.clone() });
        }
        text(path.as_os_str().as_bytes())
    };
    paths.iter().map(one).collect()
}

/// A plain absolute path as one relative to the root; none for anything else.
fn inner(at: &str) -> Option<CString> {
    let rest = at.strip_prefix('/')?;
    let plain = rest.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    plain.then(|| CString::new(rest).ok())?
}

/// Where a program may be, in the order of the search.
fn candidates(program: &str, path: &str) -> Result<Vec<CString>, Error> {
    if program.contains('/') {
        return Ok(vec![text(program)?]);
    }
    let folders = path.split(':').filter(|folder| folder.starts_with('/'));
    let found: Vec<_> = folders
        .map(|folder| text(Path::new(folder).join(program).into_os_string().into_encoded_bytes()))
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(Error::NoProgram {
            program: program.to_owned(),
            reason: "`PATH` has no absolute folder".to_owned(),
        });
    }
    Ok(found)
}
