//! What can go wrong, and the cure.

use std::path::PathBuf;

use rustix::io::Errno;

use super::fault::{Call, Fault};
use super::plan::Step;

/// Why a sandbox could not be made or watched. A program that ran and failed is not an error but an
/// [`Outcome`](super::Outcome).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plan of another version.
    #[error("read a plan of schema {found}: this version knows {known}")]
    Schema {
        /// The plan's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A step that cannot be applied as written.
    #[error("plan step `{step}`: {reason}")]
    BadStep {
        /// The step, as text.
        step: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A plan that lacks a part, or has it twice.
    #[error("run a plan without exactly one of each part: {part}")]
    Incomplete {
        /// The part.
        part: &'static str,
    },
    /// A path that must be absolute.
    #[error("use `{path}` as a layer: it is not absolute")]
    Relative {
        /// The path.
        path: PathBuf,
    },
    /// A string that the kernel would cut short.
    #[error("use `{text}`: it holds a NUL byte")]
    Nul {
        /// The string.
        text: String,
    },
    /// The host lacks something without which no stage runs.
    #[error("isolate stages on this host: {feature} {problem}")]
    Host {
        /// What is missing.
        feature: &'static str,
        /// What was seen.
        problem: String,
        /// What to do about it.
        cure: String,
    },
    /// The sandbox's first process could not be made.
    #[error("make the sandbox's first process")]
    Start {
        /// What the kernel said.
        source: Errno,
    },
    /// A step failed inside the sandbox.
    #[error("{what} ({call}{})", details(object.as_deref(), note.as_deref()))]
    Step {
        /// The step, as text.
        what: String,
        /// What was being done.
        call: &'static str,
        /// To what.
        object: Option<String>,
        /// The kernel's own explanation.
        note: Option<String>,
        /// What the kernel said.
        source: Errno,
        /// What to do about it.
        hint: Option<String>,
        /// Whether it is the host that lacks something.
        host: bool,
    },
    /// The program could not be executed.
    #[error("execute `{program}` in the stage: {reason}")]
    NoProgram {
        /// As the plan names it.
        program: String,
        /// Why.
        reason: String,
    },
    /// The sandbox ended without a word.
    #[error("hear from the sandbox: its first process ended early ({detail})")]
    Lost {
        /// How it ended.
        detail: String,
    },
    /// Cancelled before the sandbox stood.
    #[error("start the stage: cancelled")]
    CancelledEarly,
    /// A system call of the caller's side failed.
    #[error("{what}")]
    System {
        /// What it was for.
        what: &'static str,
        /// What the kernel said.
        source: Errno,
    },
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Host { cure, .. } => Some(cure.clone()),
            Self::Start { source } => start_hint(*source),
            Self::Step { hint, .. } => hint.clone(),
            Self::NoProgram { program, .. } => {
                Some(format!("check that the stage's `tools` hold `{program}`, its interpreter and its dynamic loader"))
            }
            Self::Lost { .. } => Some("look for `oom` in the kernel's log".to_owned()),
            _ => None,
        }
    }

    /// Whether this host cannot give the promised isolation, which is exit code 4.
    pub fn is_host(&self) -> bool {
        match self {
            Self::Host { .. } | Self::Start { .. } => true,
            Self::Step { host, .. } => *host,
            _ => false,
        }
    }

    /// The sentence for a fault in a step.
    pub(super) fn from_fault(step: &Step, fault: &Fault) -> Self {
        let index = fault.index as usize;
        if let (Step::Execute { argv, .. }, Call::Execute) = (step, fault.call) {
            let reason = match fault.errno {
                Errno::NOENT => "no such file (or its interpreter or dynamic loader is missing)".to_owned(),
                Errno::ACCESS => "not executable".to_owned(),
                Errno::NOEXEC => "neither a program nor a script with a `#!` line".to_owned(),
                errno => errno.to_string(),
            };
            return Self::NoProgram { program: argv.first().cloned().unwrap_or_default(), reason };
        }
        let object = match (step, fault.call) {
            (Step::Root { lower, .. } | Step::Tree { lower, .. }, Call::Lower) => {
                lower.get(index).map(|path| path.display().to_string())
            }
            (Step::Root { points, .. }, Call::MakeDirectory) => points.get(index).cloned(),
            (Step::Devices { nodes, .. }, Call::OpenNode | Call::WrongNode | Call::Attach) => {
                nodes.get(index).map(|name| format!("/dev/{name}"))
            }
            (Step::Identity { .. }, Call::OpenFile | Call::WriteFile) => {
                ["setgroups", "uid_map", "gid_map"].get(index).map(|name| format!("/proc/self/{name}"))
            }
            _ => None,
        };
        let (hint, host) = step_hint(step, fault);
        Self::Step {
            what: step.to_string(),
            call: fault.call.text(),
            object,
            note: fault.note(),
            source: fault.errno,
            hint,
            host,
        }
    }
}

/// The object and the kernel's words, where there are any, as they follow the call's name.
fn details(object: Option<&str>, note: Option<&str>) -> String {
    let object = object.map(|object| format!(" `{object}`")).unwrap_or_default();
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    object + &note
}

fn start_hint(errno: Errno) -> Option<String> {
    Some(match errno {
        Errno::PERM => "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1`, \
                        `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in a container, a seccomp profile \
                        that allows clone3 with namespaces"
            .to_owned(),
        Errno::NOSPC | Errno::USERS => {
            "raise the limits of namespaces below /proc/sys/user, for instance `sysctl user.max_user_namespaces=15000`"
                .to_owned()
        }
        Errno::NOSYS | Errno::INVAL => {
            "use Linux 6.8 or newer, with all namespaces configured; in a container, allow clone3".to_owned()
        }
        Errno::AGAIN => "raise the limit of processes (`ulimit -u`) or end some".to_owned(),
        _ => return None,
    })
}

/// A hint for a failed step, and whether the host lacks something rather than the plan naming something wrong.
fn step_hint(step: &Step, fault: &Fault) -> (Option<String>, bool) {
    let hint = |text: &str| Some(text.to_owned());
    match (step, fault.call) {
        (Step::Root { .. } | Step::Tree { .. }, Call::Lower) => match fault.errno {
            Errno::NOENT | Errno::NOTDIR => (hint("the checkout is gone: run `repro fsck`, then build again"), false),
            Errno::ACCESS => (
                hint(
                    "the store must be readable, and its parent folders searchable, by the user who runs `repro`; \
                      root has no extra rights inside a user namespace",
                ),
                false,
            ),
            Errno::INVAL => (hint("use Linux 6.8 or newer (overlay option `lowerdir+`)"), true),
            _ => (None, false),
        },
        (Step::Root { .. } | Step::Tree { .. }, Call::FsOpen | Call::Create | Call::Option | Call::Upper) => (
            hint(
                "overlay in a user namespace needs Linux 6.8 or newer with CONFIG_OVERLAY_FS and CONFIG_TMPFS_XATTR; \
                  load the module with `modprobe overlay`",
            ),
            true,
        ),
        (Step::Enter { .. }, Call::Private) => (start_hint(Errno::PERM), true),
        (Step::Identity { .. }, _) => (
            hint(
                "a container must leave CAP_SETFCAP to its root, or run `repro` as a plain user; \
                  check `sysctl kernel.apparmor_restrict_unprivileged_userns`",
            ),
            true,
        ),
        (Step::Proc, _) => (
            hint(
                "a new /proc is refused where the present one is partly covered: run the container with an unmasked \
                  /proc (`--security-opt systempaths=unconfined`)",
            ),
            true,
        ),
        (Step::Devices { .. }, Call::WrongNode | Call::OpenNode) => {
            (hint("restore the host's device, for instance `mknod -m 666 /dev/null c 1 3`"), true)
        }
        (Step::Limit { resource, hard, .. }, _) => (
            Some(format!(
                "raise the hard limit {} of the shell that starts `repro` to {}",
                resource.name(),
                hard.map_or_else(|| "unlimited".to_owned(), |n| n.to_string())
            )),
            true,
        ),
        (Step::Scratch { .. }, Call::Create | Call::Option) => {
            (hint("lower the stage's `scratch` and `inodes` limits"), false)
        }
        (Step::Directory { .. }, _) => (None, false),
        _ => (hint("run `repro doctor`"), true),
    }
}
