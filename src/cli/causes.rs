//! Which exit code each error of the library means. One place, so that the table in the manual stays true.

use super::exit::ExitCode;
use super::failure::Failure;
use crate::{
    attest, audit, build, container, diff, exec, fetch, format, fs, lockfile, pack, provenance, sandbox, sbom,
    schedule, stage, store, sys, sysroot, template, trace, verify,
};

/// `?` in commands: the code, and the error's own text and hint.
macro_rules! causes {
    ($($error:ty => $code:expr),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let code: fn(&$error) -> ExitCode = $code;
                Self::of(code(&error), &error).hint(error.hint())
            }
        })*
    };
}

causes! {
    audit::Error => |error| match error {
        audit::Error::Store(error) => store_code(error),
        audit::Error::Provenance(error) => provenance_code(error),
        audit::Error::Cancelled { .. } => ExitCode::Stage,
        _ => ExitCode::Usage,
    },
    attest::Error => |error| match error {
        attest::Error::Store(error) => store_code(error),
        attest::Error::Diff(diff::Error::Store(error)) => store_code(error),
        attest::Error::Diff(_) | attest::Error::Random | attest::Error::Fetch(_) => ExitCode::Bug,
        attest::Error::Cancelled => ExitCode::Stage,
        _ => ExitCode::Usage,
    },
    sbom::Error => |error| match error {
        sbom::Error::Store(error) => store_code(error),
        sbom::Error::Provenance(error) => provenance_code(error),
        sbom::Error::Open(_) | sbom::Error::Fs(_) => ExitCode::Bug,
        _ => ExitCode::Usage,
    },
    container::OpenError => |_| ExitCode::Usage,
    diff::Error => |error| match error {
        diff::Error::Store(error) => store_code(error),
        _ => ExitCode::Bug,
    },
    verify::UnknownAxis => |_| ExitCode::Usage,
    verify::Error => |error| match error {
        verify::Error::Exec(error) => exec_code(error),
        verify::Error::Store(error) => store_code(error),
        _ => ExitCode::Bug,
    },
    pack::Error => |error| match error {
        pack::Error::Store(error) => store_code(error),
        pack::Error::Fs(_) => ExitCode::Bug,
        _ => ExitCode::Usage,
    },
    template::Error => |error| match error {
        template::Error::Fs(_) => ExitCode::Bug,
        _ => ExitCode::Usage,
    },
    stage::Mistakes => |_| ExitCode::Usage,
    stage::UnknownStage => |_| ExitCode::Usage,
    stage::ParamError => |_| ExitCode::Usage,
    stage::FilesError => |_| ExitCode::Usage,
    stage::ComposeError => |_| ExitCode::Usage,
    lockfile::Error => |_| ExitCode::Usage,
    store::Error => store_code,
    store::MergeError => |error| match error {
        store::MergeError::Conflicts { .. } => ExitCode::Usage,
        store::MergeError::Store(error) => store_code(error),
    },
    fetch::Error => |_| ExitCode::Pin,
    fetch::lock::Error => |error| match error {
        fetch::lock::Error::NoArchive { .. } | fetch::lock::Error::Unsatisfied { .. } => ExitCode::Usage,
        _ => ExitCode::Pin,
    },
    sysroot::Error => |error| match error {
        sysroot::Error::Store { source, .. } => store_code(source),
        _ => ExitCode::Usage,
    },
    sandbox::Error => |error| if error.is_host() { ExitCode::Host } else { ExitCode::Bug },
    format::DirError => |_| ExitCode::Usage,
    build::Error => build_code,
    exec::Error => exec_code,
    trace::Error => |_| ExitCode::Bug,
    provenance::Error => provenance_code,
    fs::Error => |_| ExitCode::Bug,
    sys::CancelError => |_| ExitCode::Bug,
    schedule::jobserver::Error => |_| ExitCode::Bug,
    schedule::queue::Error => |_| ExitCode::Bug,
}

/// What the user can put right is usage; the rest is the machine.
fn store_code(error: &store::Error) -> ExitCode {
    use store::Error;
    match error {
        Error::Version { .. } | Error::Foreign { .. } | Error::RefName { .. } | Error::InUse { .. } => ExitCode::Usage,
        _ => ExitCode::Bug,
    }
}

/// A question about how something was made.
fn provenance_code(error: &provenance::Error) -> ExitCode {
    use provenance::Error;
    match error {
        Error::Trace(_) => ExitCode::Bug,
        Error::Store(error) => store_code(error),
        Error::Exec(error) => exec_code(error),
        _ => ExitCode::Usage,
    }
}

/// A build that could not be done.
pub fn build_code(error: &build::Error) -> ExitCode {
    use build::Error;
    match error {
        Error::NotReproducible { .. } | Error::Refused { .. } => ExitCode::No,
        Error::Exec(error) => exec_code(error),
        Error::TooLarge { .. } => ExitCode::Stage,
        Error::Fetch(_) => ExitCode::Pin,
        Error::Sandbox(error) if error.is_host() => ExitCode::Host,
        Error::Store(error) => store_code(error),
        Error::Audit { .. }
        | Error::Sandbox(_)
        | Error::Queue(_)
        | Error::Jobserver(_)
        | Error::Fs(_)
        | Error::Malformed { .. } => ExitCode::Bug,
        Error::Unpinned { .. }
        | Error::NoSubtree { .. }
        | Error::NotBuilt { .. }
        | Error::NotEmpty { .. }
        | Error::Files(_)
        | Error::Compose(_)
        | Error::UnknownStage(_)
        | Error::Sysroot(_) => ExitCode::Usage,
    }
}

/// A job without a result.
fn exec_code(error: &exec::Error) -> ExitCode {
    use exec::Error;
    match error {
        Error::Failed { .. }
        | Error::Output { .. }
        | Error::Pack { .. }
        | Error::Root { .. }
        | Error::Cancelled { .. } => ExitCode::Stage,
        Error::Sandbox { source, .. } if source.is_host() => ExitCode::Host,
        Error::Sandbox { source: sandbox::Error::NoProgram { .. }, .. } => ExitCode::Stage,
        Error::Conflict { .. }
        | Error::Glob { .. }
        | Error::Isolation { .. }
        | Error::NoSandbox { .. }
        | Error::Time { .. }
        | Error::Writer { .. } => ExitCode::Usage,
        Error::Store(error) => store_code(error),
        Error::Sandbox { .. } | Error::Trace { .. } | Error::Slot { .. } | Error::Log { .. } | Error::Fs(_) => {
            ExitCode::Bug
        }
    }
}
