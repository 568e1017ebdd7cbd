//! Which exit code each error of the library means. One place, so that the table in the manual stays true.

use super::exit::ExitCode;
use super::failure::Failure;
use crate::{schedule, stage, sys};

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
    stage::Mistakes => |_| ExitCode::Usage,
    stage::UnknownStage => |_| ExitCode::Usage,
    stage::ParamError => |_| ExitCode::Usage,
    stage::FilesError => |_| ExitCode::Usage,
    stage::ComposeError => |_| ExitCode::Usage,
    sys::CancelError => |_| ExitCode::Bug,
    schedule::jobserver::Error => |_| ExitCode::Bug,
    schedule::queue::Error => |_| ExitCode::Bug,
}
