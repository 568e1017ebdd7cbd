//! The plan as an OCI runtime bundle: any stage can be run without `repro`, by runc or crun.
//!
//! The specification (runtime-spec 1.2, config.md) can say nearly all of a plan. What it cannot, or what the common
//! runtimes do not do, differs:
//!
//! - The root is the bundle's `rootfs`, which whoever writes the bundle lays out by [`Layout`].
//! - Runtimes need a user 0 inside for their own work; a second id is mapped for it, which takes root (or newuidmap).
//! - Addresses stay randomised, the session keyring is the runtime's, `lo` is brought up by crun but not by all.
//! - Conditions "none of these values" become lists of the values that are known to matter, because libseccomp takes
//!   one comparison for each argument.
//! - Time, silence and log size are not limited.
//!
//! oci-spec keeps some parts in hash maps: a [`Spec`] is only ever written through [`canonical`], whose keys are
//! sorted.

use std::path::{Path, PathBuf};

use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Arch, Capabilities, LinuxBuilder, LinuxCapabilitiesBuilder, LinuxIdMappingBuilder, LinuxNamespaceBuilder,
    LinuxNamespaceType, LinuxPidsBuilder, LinuxResourcesBuilder, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg,
    LinuxSeccompArgBuilder, LinuxSeccompBuilder, LinuxSeccompOperator, LinuxSyscallBuilder, Mount, MountBuilder,
    PosixRlimitBuilder, PosixRlimitType, ProcessBuilder, RootBuilder, Spec, SpecBuilder, UserBuilder,
};

use super::filter::{self, Answer, Is, Rule};
use super::plan::{Namespace, Plan, Resource, Step};
use super::stage_plan::ID;

/// What a bundle must hold besides `config.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Directories whose union is `rootfs`, first on top: a copy, because runtimes write to it.
    pub root: Vec<PathBuf>,
    /// Directories to be made in `rootfs`, parents first: absolute paths inside.
    pub points: Vec<String>,
    /// Empty directories to be made in the bundle.
    pub folders: Vec<String>,
}

/// What to lay out for the plan.
pub fn layout(plan: &Plan) -> Layout {
    let mut layout = Layout { root: Vec::new(), points: Vec::new(), folders: Vec::new() };
    for (index, step) in plan.steps.iter().enumerate() {
        match step {
            Step::Root { lower, points } => {
                layout.root.clone_from(lower);
                layout.points.clone_from(points);
            }
            Step::Tree { writable: true, .. } => {
                layout.folders.extend([format!("upper{index}"), format!("work{index}")]);
            }
            Step::Space { at, .. } if is_kept(at) => layout.folders.push(at.trim_start_matches('/').to_owned()),
            _ => {}
        }
    }
    layout
}

/// Spaces that stay in the bundle after the run; others are gone with it.
fn is_kept(at: &str) -> bool {
    matches!(at, "/out" | "/build")
}

/// The specification for a bundle in this folder (absolute), to be run by the user with this id.
///
/// # Errors
/// Only if the crate's builders change what they require.
pub fn spec(plan: &Plan, bundle: &Path, host_id: u32) -> Result<Spec, OciSpecError> {
    let mut process = ProcessBuilder::default();
    let mut process_user = UserBuilder::default().uid(ID).gid(ID);
    let mut linux = LinuxBuilder::default();
    let mut mounts: Vec<Mount> = Vec::new();
    let mut rlimits = Vec::new();
    let mut spec = SpecBuilder::default().version("1.0.2");
    for (index, step) in plan.steps.iter().enumerate() {
        match step {
            Step::Enter { namespaces } => {
                let all = namespaces.iter().map(|n| LinuxNamespaceBuilder::default().typ(namespace(*n)).build());
                linux = linux.namespaces(all.collect::<Result<Vec<_>, _>>()?);
            }
            Step::Identity { uid, gid } => {
                process_user = process_user.uid(*uid).gid(*gid);
                linux = linux.uid_mappings(mappings(*uid, host_id)?).gid_mappings(mappings(*gid, host_id)?);
            }
            Step::OomScore { adjust } => process = process.oom_score_adj(*adjust),
            Step::HostName { host, .. } => spec = spec.hostname(host.clone()),
            Step::Tree { .. } | Step::Space { .. } | Step::Devices { .. } | Step::Proc => {
                mounts.extend(mount(step, index, plan, bundle)?);
            }
            Step::Limit { resource, soft, hard } => {
                let amount = |limit: &Option<u64>| limit.unwrap_or(u64::MAX);
                let limit =
                    PosixRlimitBuilder::default().typ(rlimit(*resource)).soft(amount(soft)).hard(amount(hard)).build();
                rlimits.push(limit?);
            }
            Step::Umask { mask } => process_user = process_user.umask(*mask),
            Step::Capabilities => {
                let none = Capabilities::new;
                let capabilities = LinuxCapabilitiesBuilder::default()
                    .bounding(none())
                    .effective(none())
                    .inheritable(none())
                    .permitted(none())
                    .ambient(none());
                process = process.capabilities(capabilities.build()?);
            }
            Step::Filter { .. } => {
                process = process.no_new_privileges(true);
                linux = linux.seccomp(seccomp()?);
            }
            Step::Directory { path } => process = process.cwd(path),
            Step::Execute { argv, env } => {
                let env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
                process = process.args(argv.clone()).env(env);
            }
            Step::Session { terminal } => process = process.terminal(*terminal),
            Step::Keyring
            | Step::Loopback
            | Step::Scratch { .. }
            | Step::ScratchFolder { .. }
            | Step::ProcessIds { .. }
            | Step::Again { .. }
            | Step::Processors { .. }
            | Step::Root { .. }
            | Step::Pivot
            | Step::Supervise { .. }
            | Step::Spawn
            | Step::Descriptors
            | Step::Scheduling
            | Step::Signals
            | Step::Personality { .. } => {}
        }
    }
    let most = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let pids = LinuxPidsBuilder::default().limit(most(plan.limits.processes)).build()?;
    linux = linux
        .resources(LinuxResourcesBuilder::default().pids(pids).build()?)
        .masked_paths(Vec::<String>::new())
        .readonly_paths(Vec::<String>::new());
    spec.process(process.user(process_user.build()?).rlimits(rlimits).build()?)
        .root(RootBuilder::default().path("rootfs").readonly(false).build()?)
        .mounts(mounts)
        .linux(linux.build()?)
        .build()
}

/// The specification as JSON with sorted keys, indented, with a final newline.
///
/// # Errors
/// As serde_json's, which a [`Spec`] does not cause.
pub fn canonical(spec: &Spec) -> Result<String, serde_json::Error> {
    // A `Value` keeps its keys sorted (as long as serde_json's `preserve_order` stays off, which a test checks).
    let mut text = serde_json::to_string_pretty(&serde_json::to_value(spec)?)?;
    text.push('\n');
    Ok(text)
}

fn namespace(namespace: Namespace) -> LinuxNamespaceType {
    match namespace {
        Namespace::User => LinuxNamespaceType::User,
        Namespace::Mount => LinuxNamespaceType::Mount,
        Namespace::Pid => LinuxNamespaceType::Pid,
        Namespace::Net => LinuxNamespaceType::Network,
        Namespace::Uts => LinuxNamespaceType::Uts,
        Namespace::Ipc => LinuxNamespaceType::Ipc,
        Namespace::Cgroup => LinuxNamespaceType::Cgroup,
    }
}

/// The stage's id is the caller's; 0, which the runtime needs, is that of nobody.
fn mappings(id: u32, host_id: u32) -> Result<Vec<oci_spec::runtime::LinuxIdMapping>, OciSpecError> {
    let one = |inside: u32, outside: u32| {
        LinuxIdMappingBuilder::default().container_id(inside).host_id(outside).size(1u32).build()
    };
    Ok(vec![one(0, 65534)?, one(id, host_id)?])
}

fn mount(step: &Step, index: usize, plan: &Plan, bundle: &Path) -> Result<Option<Mount>, OciSpecError> {
    let make = |at: &str, kind: &str, source: &Path, options: Vec<String>| {
        MountBuilder::default().destination(at).typ(kind).source(source).options(options).build().map(Some)
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let layers = |lower: &[PathBuf]| {
        // Documentation/filesystems/overlayfs.rst: colons separate layers, a backslash takes their meaning away.
        let escaped = |path: &PathBuf| path.display().to_string().replace('\\', "\\\\").replace(':', "\\:");
        format!("lowerdir={}", lower.iter().map(escaped).collect::<Vec<_>>().join(":"))
    };
    match step {
        Step::Tree { at, lower, writable: true } => {
            let mut options = words("nosuid nodev userxattr");
            options.push(layers(lower));
            options.push(format!("upperdir={}", bundle.join(format!("upper{index}")).display()));
            options.push(format!("workdir={}", bundle.join(format!("work{index}")).display()));
            make(at, "overlay", Path::new("overlay"), options)
        }
        Step::Tree { at, lower, writable: false } => match lower.as_slice() {
            [only] => make(at, "bind", only, words("bind ro nosuid nodev")),
            several => {
                let mut options = words("ro nosuid nodev userxattr");
                options.push(layers(several));
                make(at, "overlay", Path::new("overlay"), options)
            }
        },
        Step::Space { at, .. } if is_kept(at) => {
            make(at, "bind", &bundle.join(at.trim_start_matches('/')), words("bind rw nosuid nodev"))
        }
        Step::Space { at, mode } => {
            let mut options = words("nosuid nodev");
            options.extend([format!("mode={mode:04o}"), format!("size={}", plan.limits.scratch)]);
            make(at, "tmpfs", Path::new("tmpfs"), options)
        }
        Step::Devices { .. } => make("/dev", "tmpfs", Path::new("tmpfs"), words("nosuid mode=0755 size=65536")),
        Step::Proc => {
            make("/proc", "proc", Path::new("proc"), words("nosuid nodev noexec ro hidepid=ptraceable subset=pid"))
        }
        _ => Ok(None),
    }
}

fn rlimit(resource: Resource) -> PosixRlimitType {
    match resource {
        Resource::Cpu => PosixRlimitType::RlimitCpu,
        Resource::Fsize => PosixRlimitType::RlimitFsize,
        Resource::Data => PosixRlimitType::RlimitData,
        Resource::Stack => PosixRlimitType::RlimitStack,
        Resource::Core => PosixRlimitType::RlimitCore,
        Resource::Rss => PosixRlimitType::RlimitRss,
        Resource::Nproc => PosixRlimitType::RlimitNproc,
        Resource::Nofile => PosixRlimitType::RlimitNofile,
        Resource::Memlock => PosixRlimitType::RlimitMemlock,
        Resource::As => PosixRlimitType::RlimitAs,
        Resource::Locks => PosixRlimitType::RlimitLocks,
        Resource::Sigpending => PosixRlimitType::RlimitSigpending,
        Resource::Msgqueue => PosixRlimitType::RlimitMsgqueue,
        Resource::Nice => PosixRlimitType::RlimitNice,
        Resource::Rtprio => PosixRlimitType::RlimitRtprio,
        Resource::Rttime => PosixRlimitType::RlimitRttime,
    }
}

/// The filter in libseccomp's terms. Other architectures than the native one are refused by libseccomp itself.
fn seccomp() -> Result<LinuxSeccomp, OciSpecError> {
    let mut calls = Vec::new();
    for rule in filter::rules() {
        let errno = match rule.answer {
            Answer::Error(errno) => errno.unsigned_abs(),
            Answer::Zero => 0,
        };
        for arguments in comparisons(rule)? {
            let mut call = LinuxSyscallBuilder::default()
                .names([rule.call.to_owned()])
                .action(LinuxSeccompAction::ScmpActErrno)
                .errno_ret(errno);
            if !arguments.is_empty() {
                call = call.args(arguments);
            }
            calls.push(call.build()?);
        }
    }
    let architecture = if cfg!(target_arch = "aarch64") { Arch::ScmpArchAarch64 } else { Arch::ScmpArchX86_64 };
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActAllow)
        .architectures([architecture])
        .syscalls(calls)
        .build()
}

/// The alternatives that together say what the rule's tests say.
fn comparisons(rule: &Rule) -> Result<Vec<Vec<LinuxSeccompArg>>, OciSpecError> {
    let low = u64::from(u32::MAX);
    let mut all: Vec<Vec<LinuxSeccompArg>> = vec![Vec::new()];
    for test in rule.when {
        let masked = |mask: u64, value: u64| {
            LinuxSeccompArgBuilder::default()
                .index(test.argument)
                .op(LinuxSeccompOperator::ScmpCmpMaskedEq)
                .value(mask)
                .value_two(value)
                .build()
        };
        let either: Vec<LinuxSeccompArg> = match test.is {
            Is::Value(value) => vec![masked(low, value.into())?],
            Is::AnyBit(bits) => {
                let set = (0..32).map(|bit| 1u64 << bit).filter(|bit| u64::from(bits) & bit != 0);
                set.map(|bit| masked(bit, bit)).collect::<Result<_, _>>()?
            }
            Is::NoBit(bits) => vec![masked(bits.into(), 0)?],
            // Families, protocols and personas that exist are small numbers.
            Is::NoneOf(values) => {
                let others = (0..64u32).filter(|value| !values.contains(value));
                others.map(|value| masked(low, value.into())).collect::<Result<_, _>>()?
            }
        };
        let with = |head: &Vec<LinuxSeccompArg>| {
            either.iter().map(|last| [head.clone(), vec![*last]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    Ok(all)
}
