//! A line an event: for logs, pipes and people who prefer it.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::audit::verdict_box;
use super::style::Palette;
use super::tail::Tails;
use super::text::clean;
use super::{failure_box, lines};
use crate::schedule::{Event, Subscriber};

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Failures and warnings.
    Quiet,
    /// A line for each start and end.
    Normal,
    /// All that the stages write, too.
    Verbose,
}

/// Writes a line for each event.
pub struct Plain {
    palette: Palette,
    detail: Detail,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    tails: Tails,
    name_width: usize,
}

impl Plain {
    /// Lines to `out`.
    pub fn new(out: Box<dyn Write + Send>, palette: Palette, detail: Detail) -> Self {
        Self { palette, detail, state: Mutex::new(State { out, tails: Tails::default(), name_width: 0 }) }
    }

    fn lines(&self, state: &mut State, event: &Event) -> Vec<String> {
        let mut result = Vec::new();
        match event {
            Event::StageOutput { stage, line } if self.detail == Detail::Verbose => {
                result.push(format!("{stage} {} {}", self.palette.sign("│", "|"), clean(line)));
            }
            Event::Summary(summary) if self.detail > Detail::Quiet => {
                result.extend(lines::summary(self.palette, summary));
            }
            Event::StageFinished { stage, failure, .. } => {
                let tail = state.tails.take(stage);
                if failure.is_some() || self.detail > Detail::Quiet {
                    result.extend(lines::line(self.palette, event, state.name_width));
                }
                if let Some(failure) = failure {
                    let tail = if self.detail == Detail::Verbose { &[] } else { tail.as_slice() };
                    result.extend(failure_box(self.palette, stage, failure, tail));
                }
            }
            Event::Audited(audit) if audit.errors > 0 => result.extend(verdict_box(self.palette, audit)),
            Event::Message { level: crate::schedule::events::Level::Warning, .. }
            | Event::FetchFinished { error: Some(_), .. } => {
                result.extend(lines::line(self.palette, event, state.name_width));
            }
            _ if self.detail > Detail::Quiet => result.extend(lines::line(self.palette, event, state.name_width)),
            _ => {}
        }
        result
    }
}

impl Subscriber for Plain {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::Planned { stages } = event {
            state.name_width = stages.iter().map(String::len).max().unwrap_or(0).min(32);
        }
        state.tails.note(event);
        let lines = self.lines(&mut state, event);
        if !lines.is_empty() {
            let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            // Talk that nobody hears is no reason to fail.
            let _ = state.out.write_all(text.as_bytes()).and_then(|()| state.out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::live::tests::{Shared, snapshot, story};
    use super::*;

    fn told(detail: Detail) -> String {
        let out = Shared::default();
        let plain = Plain::new(Box::new(out.clone()), Palette::PLAIN, detail);
        story(&plain);
        out.text()
    }

    #[test]
    fn normal() {
        snapshot("report-plain", &told(Detail::Normal));
    }

    #[test]
    fn quiet_says_what_went_wrong_and_verbose_says_all() {
        let quiet = told(Detail::Quiet);
        assert!(
            quiet.contains("failed musl: exit code 2") && quiet.contains("warning: ") && !quiet.contains("started")
        );
        let verbose = told(Detail::Verbose);
        assert!(verbose.contains("musl | CC src/string/memcpy.o\n") && !verbose.contains("last "));
        for text in [quiet, verbose] {
            assert!(!text.contains('\u{1b}') && text.is_ascii());
        }
    }
}
