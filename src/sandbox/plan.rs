//! The plan: what a sandbox is made of, as a list of steps in order.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answers::Answers;

/// Version of the plan's JSON form.
pub const SCHEMA: u32 = 1;

/// A sandbox and the program to run in it, as plain data.
///
/// A plan prints as numbered lines, compares, and goes to JSON and back. It names paths of this host, so it is not part
/// of an action's key: the digests that the paths hold are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What is done, in this order. A failure names the step's index.
    pub steps: Vec<Step>,
    /// What is watched while the program runs.
    pub limits: Limits,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>3}  {step}", index + 1)?;
        }
        writeln!(f, "     {}", self.limits)
    }
}

/// One step of a [`Plan`].
///
/// The steps up to [`Step::Spawn`] are done by the sandbox's first process, which then stays as its reaper; those after
/// it by the process that becomes the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Step {
    /// Be born in new namespaces.
    Enter {
        /// Which ones.
        namespaces: Vec<Namespace>,
    },
    /// Map a single user and a single group of the new user namespace to the caller's own.
    Identity {
        /// User id inside.
        uid: u32,
        /// Group id inside.
        gid: u32,
    },
    /// Have the program's processes taken first when memory runs out (`/proc/self/oom_score_adj`).
    OomScore {
        /// The adjustment.
        adjust: i32,
    },
    /// Leave the caller's session keyring.
    Keyring,
    /// Bring `lo` up: the only network there is.
    Loopback,
    /// Set the names of the machine.
    HostName {
        /// Host name.
        host: String,
        /// NIS domain name.
        domain: String,
    },
    /// Make the scratch file system that holds all that the program writes.
    Scratch {
        /// Most bytes.
        size: u64,
        /// Most inodes.
        inodes: u64,
    },
    /// Have a directory of this host hold all that the program writes: where a variation asks for another file system.
    ScratchFolder {
        /// An absolute path of this host.
        path: PathBuf,
    },
    /// Count process ids from here on, as if so many processes had been there before.
    ProcessIds {
        /// The last one that counts as taken.
        after: u32,
    },
    /// Mount the root: the lower directories, first on top, under a scratch upper layer.
    Root {
        /// Directories of this host.
        lower: Vec<PathBuf>,
        /// Directories made in the upper layer for the mounts of later steps: absolute paths, parents first.
        points: Vec<String>,
    },
    /// Mount directories of this host, first on top, as one tree.
    Tree {
        /// Where: an absolute path inside.
        at: String,
        /// Directories of this host.
        lower: Vec<PathBuf>,
        /// Whether a scratch upper layer takes changes. Otherwise the mount is read-only.
        writable: bool,
    },
    /// Mount an empty directory of the scratch file system.
    Space {
        /// Where: an absolute path inside.
        at: String,
        /// Its mode.
        mode: u32,
    },
    /// Mount what is mounted at one place at another one, too.
    Again {
        /// Where: an absolute path inside.
        at: String,
        /// What: an absolute path inside.
        of: String,
    },
    /// Mount a minimal, read-only `/dev`.
    Devices {
        /// Names of the character devices bound from this host's `/dev`.
        nodes: Vec<String>,
        /// Whether it has terminals (`/dev/ptmx` and a `/dev/pts` of its own).
        terminal: bool,
        /// The seed of files that stand for `random` and `urandom`, if there are such.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        random: Option<u64>,
    },
    /// Mount a read-only `/proc` of the new pid namespace, with processes only and without those of other owners.
    Proc,
    /// Make the root the root, and let go of the host's.
    Pivot,
    /// Set a resource limit.
    Limit {
        /// Which one.
        resource: Resource,
        /// Soft limit; none means no limit.
        soft: Option<u64>,
        /// Hard limit; none means no limit.
        hard: Option<u64>,
    },
    /// Answer questions of the program's processes in place of the kernel.
    Supervise {
        /// What is answered.
        answers: Answers,
    },
    /// Go on as a new process; the first one stays behind as process 1 and reaps.
    Spawn,
    /// Start a session of its own.
    Session {
        /// Whether it gets a terminal of its own. Otherwise it has none.
        terminal: bool,
    },
    /// Arrange the descriptors: 0 is `/dev/null`, 1 and 2 the log, 3 and 4 the make jobserver if there is one. Nothing
    /// else stays open.
    Descriptors,
    /// Normal scheduling and I/O priority and timer slack.
    Scheduling,
    /// Run on the first processors only.
    Processors {
        /// How many.
        count: u32,
    },
    /// Default action for all signals, none blocked.
    Signals,
    /// Set the file mode creation mask.
    Umask {
        /// The mask.
        mask: u32,
    },
    /// Set the execution domain and its flags.
    Personality {
        /// As personality(2).
        persona: u64,
    },
    /// Give up all capabilities, and the ways to get any.
    Capabilities,
    /// No new privileges by executing a program, and the filter of system calls.
    Filter {
        /// Name of the filter, see [`super::filter::name`].
        policy: String,
    },
    /// Change to the working directory.
    Directory {
        /// An absolute path inside.
        path: String,
    },
    /// Become the program.
    Execute {
        /// The program and its arguments. A name without a slash is looked for in the `PATH` of `env`.
        argv: Vec<String>,
        /// The environment, all of it.
        env: BTreeMap<String, String>,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = |lower: &[PathBuf]| {
            lower.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(" over ")
        };
        let amount = |limit: &Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |n| n.to_string());
        match self {
            Self::Enter { namespaces } => {
                let names: Vec<&str> = namespaces.iter().map(|n| n.name()).collect();
                write!(f, "enter new namespaces: {}", names.join(", "))
            }
            Self::Identity { uid, gid } => write!(f, "map the caller to uid {uid}, gid {gid}"),
            Self::OomScore { adjust } => write!(f, "adjust the out-of-memory score by {adjust}"),
            Self::Keyring => write!(f, "take a new session keyring"),
            Self::Loopback => write!(f, "bring `lo` up"),
            Self::HostName { host, domain } => write!(f, "set host name `{host}`, domain name `{domain}`"),
            Self::Scratch { size, inodes } => write!(f, "make scratch space of {size} bytes, {inodes} inodes"),
            Self::ScratchFolder { path } => write!(f, "use `{}` as scratch space", path.display()),
            Self::ProcessIds { after } => write!(f, "count process ids from {after} on"),
            Self::Again { at, of } => write!(f, "mount `{at}`: the same as `{of}`"),
            Self::Processors { count } => write!(f, "run on {count} of the processors"),
            Self::Root { lower, .. } => write!(f, "mount `/`: scratch over {}", layers(lower)),
            Self::Tree { at, lower, writable: true } => write!(f, "mount `{at}`: scratch over {}", layers(lower)),
            Self::Tree { at, lower, writable: false } => write!(f, "mount `{at}`: {}, read-only", layers(lower)),
            Self::Space { at, mode } => write!(f, "mount `{at}`: empty scratch, mode {mode:04o}"),
            Self::Devices { nodes, terminal, random } => {
                let terminals = if *terminal { ", with terminals" } else { "" };
                write!(f, "mount `/dev`: {}{terminals}", nodes.join(" "))?;
                random.map_or(Ok(()), |seed| write!(f, ", random and urandom as files of seed {seed}"))
            }
            Self::Proc => write!(f, "mount `/proc`: own processes only, read-only"),
            Self::Pivot => write!(f, "make it the root and detach the host's"),
            Self::Limit { resource, soft, hard } => {
                write!(f, "limit {} to {} (hard: {})", resource.name(), amount(soft), amount(hard))
            }
            Self::Supervise { answers } => write!(f, "answer in place of the kernel: {answers}"),
            Self::Spawn => write!(f, "leave process 1 behind as reaper"),
            Self::Session { terminal: false } => write!(f, "start a session without terminal"),
            Self::Session { terminal: true } => write!(f, "start a session with its own terminal"),
            Self::Descriptors => write!(f, "arrange descriptors 0 to 4 and close all others"),
            Self::Scheduling => write!(f, "take normal scheduling"),
            Self::Signals => write!(f, "reset signals"),
            Self::Umask { mask } => write!(f, "set umask {mask:03o}"),
            Self::Personality { persona } => write!(f, "set personality {persona:#x}"),
            Self::Capabilities => write!(f, "drop all capabilities"),
            Self::Filter { policy } => write!(f, "filter system calls: {policy}"),
            Self::Directory { path } => write!(f, "change to `{path}`"),
            Self::Execute { argv, env } => {
                write!(f, "execute")?;
                for (name, value) in env {
                    write!(f, " {name}={}", quoted(value))?;
                }
                argv.iter().try_for_each(|word| write!(f, " {}", quoted(word)))
            }
        }
    }
}

/// The word as a shell would take it.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-+=./:,@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A kind of namespace (namespaces(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// Users, groups and capabilities.
    User,
    /// Mounts.
    Mount,
    /// Process numbers.
    Pid,
    /// Network.
    Net,
    /// Host and domain name.
    Uts,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Names of control groups. Entered once the process is in the group that limits it, so that this is the root.
    Cgroup,
}

impl Namespace {
    /// Those of every stage.
    pub const ALL: [Self; 7] = [Self::User, Self::Mount, Self::Pid, Self::Net, Self::Uts, Self::Ipc, Self::Cgroup];

    /// The name in `/proc/self/ns`.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Mount => "mnt",
            Self::Pid => "pid",
            Self::Net => "net",
            Self::Uts => "uts",
            Self::Ipc => "ipc",
            Self::Cgroup => "cgroup",
        }
    }

    /// The flag of clone(2).
    pub fn flag(self) -> u64 {
        let flag = match self {
            Self::User => libc::CLONE_NEWUSER,
            Self::Mount => libc::CLONE_NEWNS,
            Self::Pid => libc::CLONE_NEWPID,
            Self::Net => libc::CLONE_NEWNET,
            Self::Uts => libc::CLONE_NEWUTS,
            Self::Ipc => libc::CLONE_NEWIPC,
            Self::Cgroup => libc::CLONE_NEWCGROUP,
        };
        u64::from(flag.cast_unsigned())
    }
}

/// A resource limit (getrlimit(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of getrlimit(2), which says what they mean")]
pub enum Resource {
    Cpu,
    Fsize,
    Data,
    Stack,
    Core,
    Rss,
    Nproc,
    Nofile,
    Memlock,
    As,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Rttime,
}

impl Resource {
    /// The name in getrlimit(2), without `RLIMIT_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Fsize => "FSIZE",
            Self::Data => "DATA",
            Self::Stack => "STACK",
            Self::Core => "CORE",
            Self::Rss => "RSS",
            Self::Nproc => "NPROC",
            Self::Nofile => "NOFILE",
            Self::Memlock => "MEMLOCK",
            Self::As => "AS",
            Self::Locks => "LOCKS",
            Self::Sigpending => "SIGPENDING",
            Self::Msgqueue => "MSGQUEUE",
            Self::Nice => "NICE",
            Self::Rtprio => "RTPRIO",
            Self::Rttime => "RTTIME",
        }
    }

    pub(super) fn raw(self) -> rustix::process::Resource {
        use rustix::process::Resource as Raw;
        match self {
            Self::Cpu => Raw::Cpu,
            Self::Fsize => Raw::Fsize,
            Self::Data => Raw::Data,
            Self::Stack => Raw::Stack,
            Self::Core => Raw::Core,
            Self::Rss => Raw::Rss,
            Self::Nproc => Raw::Nproc,
            Self::Nofile => Raw::Nofile,
            Self::Memlock => Raw::Memlock,
            Self::As => Raw::As,
            Self::Locks => Raw::Locks,
            Self::Sigpending => Raw::Sigpending,
            Self::Msgqueue => Raw::Msgqueue,
            Self::Nice => Raw::Nice,
            Self::Rtprio => Raw::Rtprio,
            Self::Rttime => Raw::Rttime,
        }
    }
}

/// What a program may use.
///
/// Limits bound the harm that a program does; they are not isolation, and not every host can hold all of them as
/// tightly (see the text of the [module](super)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall-clock time from start to end.
    pub time: Duration,
    /// Longest time without any output.
    pub silence: Duration,
    /// Processes and threads at one time.
    pub processes: u64,
    /// Bytes of memory, without the scratch space.
    pub memory: u64,
    /// Bytes of scratch space: all that the program writes.
    pub scratch: u64,
    /// Files and directories in the scratch space.
    pub inodes: u64,
    /// Bytes of output.
    pub log: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(60 * 60),
            silence: Duration::from_secs(15 * 60),
            processes: 4096,
            memory: 8 << 30,
            scratch: 8 << 30,
            inodes: 2_000_000,
            log: 1 << 30,
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "limits: {} s, {} s without output, {} processes, {} bytes of memory, {} of scratch, {} inodes, {} of log",
            self.time.as_secs(),
            self.silence.as_secs(),
            self.processes,
            self.memory,
            self.scratch,
            self.inodes,
            self.log
        )
    }
}
