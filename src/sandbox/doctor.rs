//! Whether this host can keep the promise: every feature is really tried, in a process of its own.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use serde::Serialize;

use super::cgroup;
use super::child::{self, Inherited};
use super::compile::Prepared;
use super::error::Error;
use super::fault::{Fault, MESSAGE, Message};
use super::launcher::Launchers;
use super::plan::{Limits, Namespace, Plan, Step};
use super::run::{RunIo, Tracing};
use super::stage_plan::StagePlan;
use crate::digest::Digest;
use crate::stage::Level;
use crate::sys::CancelToken;
use crate::sys::process;

/// A directory that the probes' sandboxes themselves make, and so exists whatever the host is like.
const EMPTY: &str = "/proc/empty";

/// Something that a host has or lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub needed_for: &'static str,
    /// Whether stages run without it. One that is not required only makes limits tighter.
    pub required: bool,
    /// What was found.
    pub status: Status,
    /// What to do if it is missing.
    pub cure: Option<String>,
}

/// See [`Feature`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It works.
    Works {
        /// What exactly, where there are several ways.
        detail: Option<String>,
    },
    /// It does not.
    Missing {
        /// What happened when it was tried.
        reason: String,
    },
}

impl Feature {
    /// Whether it works.
    pub fn works(&self) -> bool {
        matches!(self.status, Status::Works { .. })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.status {
            Status::Works { detail: None } => write!(f, "{}: works", self.name),
            Status::Works { detail: Some(detail) } => write!(f, "{}: works ({detail})", self.name),
            Status::Missing { reason } => write!(f, "{}: missing: {reason}", self.name),
        }
    }
}

/// Tries everything that stages need or make use of.
pub fn probe() -> Vec<Feature> {
    let mut found = vec![
        of("clone3 and pidfd", "starting and killing stages", started(0)),
        of("user namespace", "everything else, without root", started(Namespace::User.flag())),
    ];
    let each = [
        (Namespace::Mount, "mount namespace", "a root of its own"),
        (Namespace::Pid, "pid namespace", "nothing running after a stage"),
        (Namespace::Net, "network namespace", "no network"),
        (Namespace::Uts, "uts namespace", "a fixed host name"),
        (Namespace::Ipc, "ipc namespace", "no shared memory or queues with the host"),
        (Namespace::Cgroup, "cgroup namespace", "no names of control groups"),
    ];
    for (namespace, name, for_what) in each {
        found.push(of(name, for_what, started(Namespace::User.flag() | namespace.flag())));
    }
    for (name, for_what, wanted) in trials() {
        found.push(of(name, for_what, tried(wanted)));
    }
    let groups = cgroup::describe();
    found.push(Feature {
        name: "control groups",
        needed_for: "tighter limits of processes and memory; the reason of an out-of-memory kill",
        required: false,
        cure: groups.is_none().then(|| {
            "without it a stage's memory is limited by process and by scratch space; as root its number of processes is \
             not limited: run `repro` as a plain user, or mount a hierarchy with the pids and memory controllers"
                .to_owned()
        }),
        status: match groups {
            Some(detail) => Status::Works { detail: Some(detail) },
            None => Status::Missing { reason: "no group can be made".to_owned() },
        },
    });
    found
}

/// Checks that this host can run stages as promised, at the price of one empty sandbox.
///
/// # Errors
/// It cannot: [`Error::Host`], which names the missing feature and the cure. There is no running with less.
pub fn require() -> Result<(), Error> {
    let cancel = CancelToken::new().map_err(|error| {
        let source = rustix::io::Errno::from_io_error(&error.source).unwrap_or(rustix::io::Errno::MFILE);
        Error::System { what: "make a cancellation token", source }
    })?;
    let io = RunIo { log: &mut |_| {}, jobserver: None, cancel: &cancel, tracing: Tracing::Off, terminal: None };
    let result = minimal(Level::Isolated).run(&Launchers::new(), io);
    match result {
        // All steps but the last have worked: there is no program in an empty root.
        Err(Error::NoProgram { .. }) | Ok(_) => Ok(()),
        Err(error) => {
            let missing = probe().into_iter().find(|feature| feature.required && !feature.works());
            let Some(Feature { name, status: Status::Missing { reason }, cure, .. }) = missing else {
                return Err(error);
            };
            let cure = cure.or_else(|| error.hint()).unwrap_or_else(|| "see `repro doctor`".to_owned());
            Err(Error::Host { feature: name, problem: format!("does not work: {reason}"), cure })
        }
    }
}

/// The name of the isolation that every stage of a level gets: equal on all hosts and for all users on which stages run at
/// all, because there is no other. It changes when a step that stages can notice does, and so is part of an action's key.
pub fn isolation_id(level: Level) -> String {
    static NAMES: OnceLock<[String; 3]> = OnceLock::new();
    // The steps as text, with the filter's own digest among them.
    let named = |level: Level| format!("{level}-1-{}", Digest::of(minimal(level).to_string().as_bytes()).short());
    NAMES.get_or_init(|| Level::ALL.map(named))[level as usize].clone()
}

/// A plan with nothing of any stage in it.
fn minimal(level: Level) -> Plan {
    // Numbers of its own: the defaults may change without a stage noticing.
    let limits = Limits {
        time: Duration::from_secs(60),
        silence: Duration::from_secs(60),
        processes: 64,
        memory: 1 << 30,
        scratch: 16 << 20,
        inodes: 1000,
        log: 1 << 20,
    };
    let (tools, argv) = (vec![EMPTY.into()], vec!["/probe".to_owned()]);
    StagePlan { tools, argv, level, limits, ..StagePlan::default() }.plan()
}

/// Steps of the minimal plan that show a feature, besides those that every trial starts with.
type Wanted = fn(&Step) -> bool;

fn trials() -> [(&'static str, &'static str, Wanted); 13] {
    fn files(step: &Step) -> bool {
        matches!(step, Step::Scratch { .. } | Step::Root { .. })
    }
    [
        ("single-id map", "the same user inside for everybody", |_| false),
        ("tmpfs with limits, mount API", "scratch space", |s| matches!(s, Step::Scratch { .. })),
        ("overlay with userxattr", "the root and writable sources", files),
        ("devices", "/dev/null and the like", |s| files(s) || matches!(s, Step::Devices { .. })),
        ("proc of its own", "/proc without the host's processes", |s| files(s) || matches!(s, Step::Proc)),
        ("pivot_root", "leaving the host's files", |s| {
            files(s) || matches!(s, Step::Pivot) || (matches!(s, Step::Space { .. }) && !is_shm(s))
        }),
        ("loopback", "tests that talk to themselves", |s| matches!(s, Step::Loopback)),
        ("host name", "a fixed host name", |s| matches!(s, Step::HostName { .. })),
        ("session keyring", "no keys of the caller", |s| matches!(s, Step::Keyring)),
        ("resource limits", "the same limits for everybody", |s| matches!(s, Step::Limit { .. })),
        ("no capabilities", "no privileges", |s| matches!(s, Step::Capabilities)),
        ("seccomp filter", "no way into the rest of the kernel", |s| matches!(s, Step::Filter { .. })),
        ("fixed addresses", "the same addresses in each run", |s| matches!(s, Step::Personality { .. })),
    ]
}

/// `/dev/shm` needs `/dev`.
fn is_shm(step: &Step) -> bool {
    matches!(step, Step::Space { at, .. } if at == "/dev/shm")
}

/// Whether this is the root of a container that was left without what the single-id map takes.
fn root_cannot_map() -> bool {
    let may = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SETFCAP);
    rustix::process::geteuid().is_root() && matches!(may, Ok(false))
}

fn of(name: &'static str, needed_for: &'static str, result: Result<(), Error>) -> Feature {
    let (status, cure) = match result {
        Ok(()) => (Status::Works { detail: None }, None),
        Err(error) => {
            let mut reason = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                reason = format!("{reason}: {source}");
            }
            if root_cannot_map() {
                reason.push_str("; this is a root without CAP_SETFCAP, which mapping uid 0 takes (user_namespaces(7))");
            }
            (Status::Missing { reason }, error.hint())
        }
    };
    Feature { name, needed_for, required: true, status, cure }
}

/// Starts a process in new namespaces.
fn started(namespaces: u64) -> Result<(), Error> {
    let spawned = process::clone_process(namespaces, &mut || 0).map_err(|source| Error::Start { source })?;
    process::wait(spawned.pid).map_err(|source| Error::System { what: "wait for a probe", source })?;
    Ok(())
}

/// Applies those steps of the minimal plan.
fn tried(wanted: Wanted) -> Result<(), Error> {
    let system = |what| move |source| Error::System { what, source };
    let basic = |step: &Step| matches!(step, Step::Enter { .. } | Step::Identity { .. });
    let steps: Vec<Step> =
        minimal(Level::Isolated).steps.into_iter().filter(|step| basic(step) || wanted(step)).collect();
    let prepared = Prepared::of(&steps, false)?;
    let (control, control_child) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(system("make the control socket"))?;
    let myself = rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty())
        .map_err(system("open a descriptor of this process"))?;
    // The probe's numbers 0 to 6 are given out.
    let high = |fd: &OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, 10).map_err(system("duplicate a descriptor"));
    let (log, control_child, myself) = (high(&control_child)?, high(&control_child)?, high(&myself)?);
    let inherited = Inherited {
        log: log.as_fd(),
        jobserver: None,
        control: control_child.as_fd(),
        caller: myself.as_fd(),
        announced: None,
        events: None,
    };
    let spawned = process::clone_process(prepared.namespaces, &mut || child::probe(&prepared, &inherited))
        .map_err(|source| Error::Start { source })?;
    drop((log, control_child));
    let (_, status, _) = process::wait(spawned.pid).map_err(system("wait for a probe"))?;
    if status == 0 {
        return Ok(());
    }
    let mut bytes = [0; MESSAGE];
    // The probe is dead: what it had to say is there, or never comes.
    while let Ok((got, _)) = rustix::net::recv(&control, &mut bytes, rustix::net::RecvFlags::DONTWAIT) {
        match Message::decode(&bytes[..got]) {
            Some(Message::Failed { step, fault }) => return Err(sentence(&steps, step, &fault)),
            Some(_) if got > 0 => {}
            _ => break,
        }
    }
    Err(Error::Lost { detail: format!("status {status:#x}") })
}

fn sentence(steps: &[Step], step: usize, fault: &Fault) -> Error {
    match steps.get(step) {
        Some(step) => Error::from_fault(step, fault),
        None => Error::Lost { detail: "a fault in no step".to_owned() },
    }
}
