//! The last lines of each running stage, for the box that is shown when it fails.

use std::collections::{BTreeMap, VecDeque};

use super::text::clean;
use crate::schedule::Event;

/// Lines kept for each stage.
const KEEP: usize = 20;
/// Bytes kept of each line: a stage may write a gigabyte without a line end.
const LINE: usize = 2000;

/// The last lines of each running stage, cleaned.
#[derive(Debug, Default)]
pub struct Tails {
    stages: BTreeMap<String, VecDeque<String>>,
}

impl Tails {
    /// Notes what an event has to say. After a `StageFinished` its lines must be fetched with [`take`](Self::take).
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::StageStarted { stage } => {
                self.stages.insert(stage.clone(), VecDeque::new());
            }
            Event::StageOutput { stage, line } => {
                let cut = (0..=LINE.min(line.len())).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
                let line = clean(&line[..cut]);
                let lines = self.stages.entry(stage.clone()).or_default();
                if lines.len() == KEEP {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
            _ => {}
        }
    }

    /// The last line, if any is worth showing.
    pub fn last(&self, stage: &str) -> &str {
        let lines = self.stages.get(stage);
        lines.and_then(|lines| lines.iter().rev().find(|line| !line.trim().is_empty())).map_or("", String::as_str)
    }

    /// Takes the lines of a stage that ended.
    pub fn take(&mut self, stage: &str) -> Vec<String> {
        self.stages.remove(stage).map(Vec::from).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_lines_and_not_one_more() {
        let mut tails = Tails::default();
        tails.note(&Event::StageStarted { stage: "musl".into() });
        for i in 0..30 {
            tails.note(&Event::StageOutput { stage: "musl".into(), line: format!("\u{1b}[1mline {i}") });
        }
        tails.note(&Event::StageOutput { stage: "musl".into(), line: "é".repeat(5000) });
        tails.note(&Event::StageOutput { stage: "musl".into(), line: " ".into() });
        assert_eq!(tails.last("musl").len(), LINE);
        let lines = tails.take("musl");
        assert_eq!((lines.len(), lines[0].as_str()), (KEEP, "line 12"));
        assert_eq!(tails.last("musl"), "");
    }
}
