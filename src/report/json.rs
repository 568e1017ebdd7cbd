//! Events as JSON lines: one [`Record`] a line, for programs.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::Elapsed;
use crate::schedule::events::{Record, SCHEMA};
use crate::schedule::{Event, Subscriber};

/// Writes each event as a line.
pub struct JsonLines {
    out: Mutex<Box<dyn Write + Send>>,
    elapsed: Elapsed,
}

impl JsonLines {
    /// Lines to `out`, timed by `elapsed`.
    pub fn new(out: Box<dyn Write + Send>, elapsed: Elapsed) -> Self {
        Self { out: Mutex::new(out), elapsed }
    }
}

impl Subscriber for JsonLines {
    fn event(&self, event: &Event) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that times never go back from line to line. Milliseconds: more is noise.
        let at = (self.elapsed)().as_millis();
        let at = f64::from(u32::try_from(at).unwrap_or(u32::MAX)) / 1000.0;
        let record = Record { schema: SCHEMA, at, event: event.clone() };
        if let Ok(mut line) = serde_json::to_vec(&record) {
            line.push(b'\n');
            // Whether anybody still reads is the writer's business: `cli` stops the run on a broken pipe.
            let _ = out.write_all(&line).and_then(|()| out.flush());
        }
    }
}
