//! The live view: a block at the bottom of a terminal with a line for each thing that is going on.
//!
//! Events only change a model; a thread of its own draws it, at most ten times a second. A drawing is one write:
//! cursor up to the top of the block, lines that are finished for good, the block, each line cleared to its end. The
//! cursor is never hidden and no mode is left behind, so a killed `repro` leaves a usable terminal.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Elapsed;
use super::model::Model;
use super::style::Palette;
use crate::schedule::{Event, Subscriber};

/// Time between two drawings.
const FRAME: Duration = Duration::from_millis(100);

/// Where to draw.
pub struct Screen {
    /// A terminal.
    pub out: Box<dyn Write + Send>,
    /// Its columns and rows, asked before each drawing.
    pub size: Box<dyn Fn() -> (usize, usize) + Send + Sync>,
    /// Time since the run began.
    pub elapsed: Elapsed,
    /// What it can display.
    pub palette: Palette,
}

/// The live view. Dropping it removes the block.
pub struct Live {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    elapsed: Elapsed,
    size: Box<dyn Fn() -> (usize, usize) + Send + Sync>,
}

struct State {
    out: Box<dyn Write + Send>,
    model: Model,
    /// Lines of the block as it stands on the screen.
    drawn: usize,
    dirty: bool,
    closing: bool,
}

impl Live {
    /// A view on `screen`. Without a thread to be had it draws only at the end.
    pub fn new(screen: Screen) -> Self {
        let state =
            State { out: screen.out, model: Model::new(screen.palette), drawn: 0, dirty: false, closing: false };
        let inner = Arc::new(Inner {
            state: Mutex::new(state),
            changed: Condvar::new(),
            elapsed: screen.elapsed,
            size: screen.size,
        });
        let thread = std::thread::Builder::new().name("progress".into()).spawn({
            let inner = Arc::clone(&inner);
            move || inner.serve()
        });
        Self { inner, thread: thread.ok() }
    }
}

impl Subscriber for Live {
    fn event(&self, event: &Event) {
        let now = (self.inner.elapsed)();
        let mut state = self.inner.lock();
        state.model.event(event, now);
        if !state.dirty {
            state.dirty = true;
            self.inner.changed.notify_one();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.inner.lock().closing = true;
        self.inner.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
        let mut state = self.inner.lock();
        state.draw(&[], 0);
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::disallowed_methods, reason = "how often a terminal is drawn decides nothing")]
    fn serve(&self) {
        let mut state = self.lock();
        while !state.closing {
            if state.dirty || state.model.is_moving() {
                state.dirty = false;
                let (columns, rows) = (self.size)();
                let block = state.model.block((self.elapsed)(), columns, rows);
                state.draw(&block, columns);
                // Sleeps without the lock, whatever happens meanwhile: that is what limits the rate.
                let until = std::time::Instant::now() + FRAME;
                while !state.closing {
                    let left = until.saturating_duration_since(std::time::Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl State {
    /// Replaces the block on the screen, with what is finished for good above it.
    fn draw(&mut self, block: &[String], _columns: usize) {
        let done = self.model.take_done();
        if done.is_empty() && block.is_empty() && self.drawn == 0 {
            return;
        }
        // Synchronised update (DEC private mode 2026): terminals that know it show the frame at once.
        let mut text = String::from("\u{1b}[?2026h");
        if self.drawn > 0 {
            text.push_str(&format!("\r\u{1b}[{}A", self.drawn));
        }
        for line in done.iter().chain(block) {
            text.push_str(line);
            text.push_str("\u{1b}[K\n");
        }
        text.push_str("\u{1b}[J\u{1b}[?2026l");
        self.drawn = block.len();
        // A terminal that went away is no reason to fail.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
pub(super) mod tests;
