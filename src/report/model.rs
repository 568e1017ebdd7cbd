//! What the live view knows, and how it looks: no terminal, no clock, only text.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::audit::verdict_box;
use super::style::{Palette, Role};
use super::tail::Tails;
use super::text::{clean, fit, pad, width};
use super::{bytes, duration, failure_box, lines, rate};
use crate::schedule::{Event, StageResult};

/// Time over which the rate of a fetch is taken.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// What is going on.
pub(super) struct Model {
    palette: Palette,
    stages: BTreeMap<String, Duration>,
    fetches: BTreeMap<String, Fetch>,
    tails: Tails,
    planned: usize,
    finished: usize,
    waiting: usize,
    failed: usize,
    name_width: usize,
    /// Lines that are finished for good and not yet on the screen.
    done: Vec<String>,
    over: bool,
}

struct Fetch {
    bytes: u64,
    total: Option<u64>,
    /// Bytes at some moments of the last seconds.
    history: VecDeque<(Duration, u64)>,
}

impl Model {
    pub(super) fn new(palette: Palette) -> Self {
        Self {
            palette,
            stages: BTreeMap::new(),
            fetches: BTreeMap::new(),
            tails: Tails::default(),
            planned: 0,
            finished: 0,
            waiting: 0,
            failed: 0,
            name_width: 0,
            done: Vec::new(),
            over: false,
        }
    }

    /// Whether time alone changes the picture.
    pub(super) fn is_moving(&self) -> bool {
        !self.stages.is_empty() || !self.fetches.is_empty()
    }

    /// Lines that are finished for good since the last call.
    pub(super) fn take_done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    pub(super) fn event(&mut self, event: &Event, now: Duration) {
        self.tails.note(event);
        match event {
            Event::Planned { stages } => {
                self.planned = stages.len();
                self.name_width = stages.iter().map(|name| width(name)).max().unwrap_or(0).min(28);
            }
            Event::FetchStarted { name, bytes, total } | Event::FetchAdvanced { name, bytes, total } => {
                self.fetched(name, *bytes, *total, now);
            }
            Event::FetchFinished { name, error, .. } => {
                self.fetches.remove(name);
                if error.is_some() {
                    self.say(event);
                }
            }
            Event::StageQueued { .. } => self.waiting += 1,
            Event::StageStarted { stage } => {
                self.waiting = self.waiting.saturating_sub(1);
                self.stages.insert(stage.clone(), now);
            }
            Event::StageOutput { .. } => {}
            Event::StageFinished { stage, result, failure, .. } => {
                // A cached stage may never have been started.
                if self.stages.remove(stage).is_none() {
                    self.waiting = self.waiting.saturating_sub(1);
                }
                self.finished += 1;
                self.failed += usize::from(*result == StageResult::Failed);
                let tail = self.tails.take(stage);
                if *result != StageResult::Cached {
                    self.say(event);
                }
                if let Some(failure) = failure {
                    self.done.extend(failure_box(self.palette, stage, failure, &tail));
                }
            }
            Event::StageSkipped { .. } => {
                self.finished += 1;
                self.say(event);
            }
            Event::Audited(audit) if audit.errors > 0 => self.done.extend(verdict_box(self.palette, audit)),
            Event::Audited(_) | Event::Message { .. } => self.say(event),
            Event::Summary(summary) => {
                self.over = true;
                self.done.extend(lines::summary(self.palette, summary));
            }
        }
    }

    fn say(&mut self, event: &Event) {
        self.done.extend(lines::line(self.palette, event, self.name_width));
    }

    fn fetched(&mut self, name: &str, bytes: u64, total: Option<u64>, now: Duration) {
        let fetch = self.fetches.entry(name.to_owned()).or_insert_with(|| Fetch {
            bytes,
            total,
            history: VecDeque::from([(now, bytes)]),
        });
        (fetch.bytes, fetch.total) = (bytes, total);
        // A point each 100 ms is enough for a rate, however often we are told.
        if fetch.history.back().is_some_and(|(at, _)| now.saturating_sub(*at) >= Duration::from_millis(100)) {
            fetch.history.push_back((now, bytes));
        }
        while fetch.history.len() > 2 && now.saturating_sub(fetch.history[0].0) > RATE_WINDOW {
            fetch.history.pop_front();
        }
    }

    /// The block: at most `rows - 1` lines, none wider than `columns - 1` (the last column makes some terminals
    /// wrap).
    pub(super) fn block(&self, now: Duration, columns: usize, rows: usize) -> Vec<String> {
        if self.over || (self.planned == 0 && !self.is_moving()) {
            return Vec::new();
        }
        let columns = columns.saturating_sub(1).max(20);
        // The longest-running first: they are what one waits for.
        let mut stages: Vec<(&String, &Duration)> = self.stages.iter().collect();
        stages.sort_by_key(|(name, since)| (**since, *name));
        let stages = stages.into_iter().map(|(name, since)| self.stage(name, now.saturating_sub(*since), columns));
        let fetches = self.fetches.iter().map(|(name, fetch)| self.fetch(name, fetch, now, columns));
        let mut lines: Vec<String> = stages.chain(fetches).collect();
        let room = rows.saturating_sub(3).max(1);
        if lines.len() > room {
            let hidden = lines.len() - room + 1;
            lines.truncate(room - 1);
            lines.push(self.palette.paint(Role::Faint, &format!("  and {hidden} more")));
        }
        if self.planned > 0 {
            lines.push(self.status(now, columns));
        }
        lines
    }

    /// `> gcc-pass1      2m 14s  checking for suffix of object files... o`
    fn stage(&self, name: &str, time: Duration, columns: usize) -> String {
        let sign = self.palette.sign("▸", ">");
        let name = pad(&fit(name, self.name_width.max(8)), self.name_width.max(8));
        let time = format!("{:>7}", duration(time));
        let left = columns.saturating_sub(width(&name) + width(&time) + 6);
        let last = fit(self.tails.last(name.trim_end()), left);
        let last = if last.is_empty() { last } else { format!("  {}", self.palette.paint(Role::Faint, &last)) };
        format!("{sign} {}  {time}{last}", self.palette.paint(Role::Name, &name))
    }

    /// `v linux-6.1.tar.xz  45.2 MiB of 130.1 MiB   34%  12.1 MiB/s`
    fn fetch(&self, name: &str, fetch: &Fetch, now: Duration, columns: usize) -> String {
        let sign = self.palette.sign("↓", "v");
        let mut right = bytes(fetch.bytes);
        if let Some(total) = fetch.total.filter(|total| *total > 0) {
            let percent = u128::from(fetch.bytes.min(total)) * 100 / u128::from(total);
            right.push_str(&format!(" of {}  {percent:>3}%", bytes(total)));
        }
        if let Some((at, before)) = fetch.history.front().filter(|(at, _)| now > *at) {
            right.push_str(&format!("  {}", rate(fetch.bytes.saturating_sub(*before), now.saturating_sub(*at))));
        }
        let room = columns.saturating_sub(width(&right) + 4).max(4);
        let name = fit(&clean(name), room);
        let name = pad(&name, room.min(self.name_width.max(28)));
        fit(&format!("{sign} {name}  {right}"), columns)
    }

    /// `[3 of 14]  2 running, 1 waiting  2m 31s`
    fn status(&self, now: Duration, columns: usize) -> String {
        let mut parts = vec![format!("{} running", self.stages.len())];
        if self.waiting > 0 {
            parts.push(format!("{} waiting", self.waiting));
        }
        if !self.fetches.is_empty() {
            parts.push(format!("{} fetching", self.fetches.len()));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        let text = format!("[{} of {}]  {}  {}", self.finished, self.planned, parts.join(", "), duration(now));
        self.palette.paint(if self.failed > 0 { Role::Bad } else { Role::Hint }, &fit(&text, columns))
    }
}
