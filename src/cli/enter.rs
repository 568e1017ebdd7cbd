//! A sandbox on this terminal, with a person in it.

use std::os::fd::AsFd;
use std::time::Duration;

use super::{Context, ExitCode, Failure};
use crate::exec::Prepared;
use crate::sandbox::{Launchers, Outcome, RunIo, Terminal, Tracing};

/// A person may think longer than a stage may be silent.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Runs what a sandbox is prepared for on this terminal; it says no unless that ends well.
///
/// # Errors
/// The sandbox cannot be set up.
pub fn enter(prepared: &mut Prepared, context: &Context) -> Result<ExitCode, Failure> {
    let plan = &mut prepared.plan;
    plan.terminal = true;
    (plan.limits.time, plan.limits.silence) = (PATIENCE, PATIENCE);
    let (input, output) = (std::io::stdin(), std::io::stdout());
    let io = RunIo {
        log: &mut |_| {},
        jobserver: None,
        cancel: &context.cancel,
        tracing: Tracing::Off,
        terminal: Some(Terminal { input: input.as_fd(), output: output.as_fd() }),
    };
    let finished = plan.plan().run(&Launchers::new(), io)?;
    Ok(if finished.outcome == Outcome::Exited(0) { ExitCode::Done } else { ExitCode::No })
}
