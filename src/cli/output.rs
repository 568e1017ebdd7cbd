//! Standard output, written so that a reader who goes away ends the run.

use std::io::{self, Write};

use super::exit::ExitCode;
use super::failure::Failure;
use crate::schedule::CancelToken;

/// SIGPIPE. The program ignores the signal, as all Rust programs do, and ends as if it had not.
const SIGPIPE: i32 = rustix::process::Signal::PIPE.as_raw();

/// Standard output; when its reader goes away, everything is asked to stop.
pub struct Stdout {
    cancel: CancelToken,
}

impl Stdout {
    /// Output whose failure cancels `cancel`.
    pub fn new(cancel: CancelToken) -> Self {
        Self { cancel }
    }

    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.cancel.cancel_by(SIGPIPE);
        }
        result
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = io::stdout().lock().write(bytes);
        self.watch(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = io::stdout().lock().flush();
        self.watch(result)
    }
}

/// Writes a command's answer.
///
/// # Errors
/// The reader is gone (quiet, 128+13), or the output could not be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::quiet(ExitCode::Signal(SIGPIPE)),
        _ => Failure::new(ExitCode::Bug, format!("cannot write to standard output: {error}")),
    })
}

/// Says something to the user. When nobody can hear it there is nothing to be done.
pub fn say(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}
