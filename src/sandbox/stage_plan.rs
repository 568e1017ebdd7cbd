//! The plan of a stage: what the contract with stages says, as steps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::answers::Answers;
use super::filter;
use super::plan::{Limits, Namespace, Plan, Resource, SCHEMA, Step};
use super::vary::Variation;
use crate::stage::Level;

/// User and group id of a stage's processes, and of all files that it sees.
pub const ID: u32 = 1000;

/// The script's folder, sources and so on, from which [`StagePlan::plan`] makes the sandbox of a stage.
///
/// All paths are directories of this host, absolute. What the stage sees:
///
/// | path | what | |
/// |---|---|---|
/// | `/` | `tools`, first on top | scratch upper layer |
/// | `/target` | `target`, first on top | read-only; absent without any |
/// | `/src/NAME` | a source | read-only, or scratch upper layer |
/// | `/in/NAME` | another stage's tree | read-only |
/// | `/stage` | `stage_dir` | read-only |
/// | `/build` | the working directory | scratch, empty |
/// | `/tmp`, `/dev/shm` | | scratch, empty, 1777 |
/// | `/out` | what is left here is the output | scratch, empty |
/// | `/dev` | null zero full random urandom fd stdin stdout stderr | read-only |
/// | `/proc` | its own processes | read-only |
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StagePlan {
    /// Checkouts whose union is the root, first on top.
    pub tools: Vec<PathBuf>,
    /// Checkouts whose union is `/target`, first on top.
    pub target: Vec<PathBuf>,
    /// Name, checkout, and whether the stage may change its view of it.
    pub sources: Vec<(String, PathBuf, bool)>,
    /// Name and checkout.
    pub inputs: Vec<(String, PathBuf)>,
    /// The checkout of the stage's own folder; empty for none.
    pub stage_dir: PathBuf,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The environment, all of it.
    pub env: BTreeMap<String, String>,
    /// What holds still while it runs.
    pub level: Level,
    /// What it may use.
    pub limits: Limits,
    /// Checkouts that `/build` and `/out` begin with, under a scratch upper layer, instead of being empty: what a failed
    /// build left, for a shell.
    pub left: Option<[PathBuf; 2]>,
    /// Whether it gets a terminal of its own, for a shell. Then it does not write to the log.
    pub terminal: bool,
}

impl StagePlan {
    /// The plan.
    pub fn plan(&self) -> Plan {
        let mut points: Vec<String> = Vec::new();
        let mut mounts: Vec<Step> = Vec::new();
        let tree = |at: String, lower: Vec<PathBuf>, writable| Step::Tree { at, lower, writable };
        if !self.target.is_empty() {
            points.push("/target".to_owned());
            mounts.push(tree("/target".to_owned(), self.target.clone(), false));
        }
        if !self.sources.is_empty() {
            points.push("/src".to_owned());
        }
        for (name, path, writable) in &self.sources {
            points.push(format!("/src/{name}"));
            mounts.push(tree(format!("/src/{name}"), vec![path.clone()], *writable));
        }
        if !self.inputs.is_empty() {
            points.push("/in".to_owned());
        }
        for (name, path) in &self.inputs {
            points.push(format!("/in/{name}"));
            mounts.push(tree(format!("/in/{name}"), vec![path.clone()], false));
        }
        if !self.stage_dir.as_os_str().is_empty() {
            points.push("/stage".to_owned());
            mounts.push(tree("/stage".to_owned(), vec![self.stage_dir.clone()], false));
        }
        points.extend(["/build", "/tmp", "/out", "/dev", "/proc"].map(str::to_owned));

        let space = |at: &str, mode| Step::Space { at: at.to_owned(), mode };
        let mut steps = vec![
            Step::Enter { namespaces: Namespace::ALL.to_vec() },
            Step::Identity { uid: ID, gid: ID },
            Step::OomScore { adjust: 1000 },
            Step::Keyring,
            Step::Loopback,
            Step::HostName { host: "repro".to_owned(), domain: "(none)".to_owned() },
            Step::Scratch { size: self.limits.scratch, inodes: self.limits.inodes },
            Step::Root { lower: self.tools.clone(), points },
        ];
        steps.append(&mut mounts);
        let [build, out] = match &self.left {
            Some(left) => [("/build", &left[0]), ("/out", &left[1])]
                .map(|(at, path)| tree(at.to_owned(), vec![path.clone()], true)),
            None => ["/build", "/out"].map(|at| space(at, 0o755)),
        };
        steps.extend([
            build,
            space("/tmp", 0o1777),
            out,
            Step::Devices {
                nodes: ["null", "zero", "full", "random", "urandom"].map(str::to_owned).to_vec(),
                terminal: self.terminal,
                random: None,
            },
            space("/dev/shm", 0o1777),
            Step::Proc,
            Step::Pivot,
        ]);
        steps.extend(resource_limits(&self.limits));
        steps.extend([
            Step::Spawn,
            Step::Session { terminal: self.terminal },
            Step::Descriptors,
            Step::Scheduling,
            Step::Signals,
            Step::Umask { mask: 0o022 },
            Step::Personality { persona: filter::PERSONA.into() },
            Step::Directory { path: "/build".to_owned() },
            Step::Capabilities,
            Step::Filter { policy: filter::name() },
            Step::Execute { argv: self.argv.clone(), env: self.env.clone() },
        ]);
        let mut plan = Plan { schema: SCHEMA, steps, limits: self.limits.clone() };
        let variation = Variation { answers: Answers::of(self.level), ..Variation::default() };
        variation.apply(&mut plan);
        plan
    }
}

/// All sixteen limits, explicitly: programs behave by them (make raises its stack to the hard limit, and an unlimited
/// stack changes the layout of memory). Hard limits are no higher than what a kernel without any configuration gives,
/// because a plain user cannot raise them.
fn resource_limits(limits: &Limits) -> Vec<Step> {
    use Resource::{
        As, Core, Cpu, Data, Fsize, Locks, Memlock, Msgqueue, Nice, Nofile, Nproc, Rss, Rtprio, Rttime, Sigpending,
        Stack,
    };
    const MIB: u64 = 1 << 20;
    let both = |n| (Some(n), Some(n));
    let none = (None, None);
    [
        (Cpu, none),
        (Fsize, none),
        (Data, both(limits.memory)),
        (Stack, (Some(8 * MIB), Some(64 * MIB))),
        (Core, both(0)),
        (Rss, none),
        // The reaper counts, too.
        (Nproc, both(limits.processes + 1)),
        (Nofile, (Some(1024), Some(4096))),
        (Memlock, both(64 << 10)),
        (As, none),
        (Locks, none),
        (Sigpending, both(1024)),
        (Msgqueue, both(819_200)),
        (Nice, both(0)),
        (Rtprio, both(0)),
        (Rttime, none),
    ]
    .map(|(resource, (soft, hard))| Step::Limit { resource, soft, hard })
    .to_vec()
}
