//! INT, TERM and HUP: the first asks everything to stop, and the process ends within two seconds; the second ends it
//! at once. The sandboxes die with the process in any case, and what they leave is swept by the next start.

use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exit::ExitCode;
use super::failure::Failure;
use super::output::say;
use crate::schedule::CancelToken;

/// Time that a stopped run has for its own end.
const GRACE: Duration = Duration::from_millis(1800);

/// Starts the thread that listens.
///
/// # Errors
/// The handlers could not be installed.
pub fn listen(cancel: &CancelToken) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(ExitCode::Bug, format!("cannot listen for signals: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let cancel = cancel.clone();
    let thread = move || {
        let mut first = None;
        for signal in signals.forever() {
            if let Some(first) = first {
                cancel.cancel_now(signal);
                exit(first);
            }
            first = Some(signal);
            cancel.cancel_by(signal);
            say(&format!("\nstopping ({}); once more to stop at once\n", name(signal)));
            std::thread::spawn(move || {
                std::thread::sleep(GRACE);
                exit(signal);
            });
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(thread).map_err(failed)?;
    Ok(())
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a second signal means now; what is left is swept at the next start"
)]
fn exit(signal: i32) -> ! {
    std::process::exit(i32::from(ExitCode::Signal(signal).code()))
}

fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "interrupted",
        SIGTERM => "terminated",
        _ => "hung up",
    }
}
