//! One event as one line: the words that the live view and the plain one share.

use std::time::Duration;

use super::audit::verdict_words;
use super::style::{Palette, Role};
use super::text::{clean, pad, width};
use super::{bytes, count, duration};
use crate::schedule::events::{Level, Product, Summary};
use crate::schedule::{Event, StageResult};

/// The word for a result, with its colour.
fn result(palette: Palette, result: StageResult) -> String {
    let (role, word) = match result {
        StageResult::Built => (Role::Good, "built"),
        StageResult::Cached => (Role::Faint, "cached"),
        StageResult::Unchanged => (Role::Good, "unchanged"),
        StageResult::Failed => (Role::Bad, "failed"),
    };
    palette.paint(role, &pad(word, 9))
}

/// Seconds as a duration; nonsense becomes nothing.
pub(super) fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

/// `binutils            built      1m 03s  (2m 01s of CPU)`, with names padded to `name_width`.
pub(super) fn line(palette: Palette, event: &Event, name_width: usize) -> Option<String> {
    let name = |text: &str| palette.paint(Role::Name, &pad(text, name_width));
    let tagged = |stage: &str, role, word: &str| format!("{}  {}", name(stage), palette.paint(role, word));
    Some(match event {
        Event::Planned { stages } => format!("{} to consider", count(stages.len(), "stage")),
        Event::FetchStarted { name, total, .. } => match total {
            Some(total) => format!("fetching {name} ({})", bytes(*total)),
            None => format!("fetching {name}"),
        },
        Event::FetchFinished { name, error: Some(error), .. } => {
            format!("{} {name}: {}", palette.paint(Role::Bad, "not fetched"), clean(error))
        }
        Event::FetchFinished { name, bytes: size, .. } => format!("fetched {name} ({})", bytes(*size)),
        Event::StageStarted { stage } => tagged(stage, Role::Faint, "started"),
        Event::StageFinished { stage, result: how, seconds: wall, cpu, .. } => {
            let mut text = format!("{}  {}", name(stage), result(palette, *how));
            if *how != StageResult::Cached {
                text.push_str(&format!("  {:>7}", duration(seconds(*wall))));
                if *cpu > 0.0 {
                    text.push_str(&palette.paint(Role::Faint, &format!("  {} of CPU", duration(seconds(*cpu)))));
                }
            }
            text.trim_end().to_owned()
        }
        Event::StageSkipped { stage, because: Some(because) } => {
            tagged(stage, Role::Warn, &format!("skipped: `{because}` failed"))
        }
        Event::StageSkipped { stage, because: None } => tagged(stage, Role::Warn, "not run: stopped"),
        Event::Audited(audit) => {
            format!(
                "{}  {}  {}",
                name(&audit.stage),
                palette.paint(Role::Faint, &pad("audited", 9)),
                verdict_words(palette, audit)
            )
        }
        Event::Message { level: Level::Note, text } => clean(text),
        Event::Message { level: Level::Warning, text } => {
            format!("{} {}", palette.paint(Role::Warn, "warning:"), clean(text))
        }
        Event::Summary(_) | Event::FetchAdvanced { .. } | Event::StageQueued { .. } | Event::StageOutput { .. } => {
            return None;
        }
    })
}

/// `14 stages: 3 built, 11 cached, in 2m 31s`, and a line for each product.
pub(super) fn summary(palette: Palette, summary: &Summary) -> Vec<String> {
    let parts: Vec<String> = [
        (summary.failed, Role::Bad, "failed"),
        (summary.skipped, Role::Warn, "skipped"),
        (summary.built, Role::Good, "built"),
        (summary.unchanged, Role::Good, "unchanged"),
        (summary.cached, Role::Faint, "cached"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, role, word)| palette.paint(role, &format!("{number} {word}")))
    .collect();
    let all = summary.failed + summary.skipped + summary.built + summary.unchanged + summary.cached;
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let mut lines = vec![format!("{}{parts}, in {}", count(all, "stage"), duration(seconds(summary.seconds)))];
    let name_width = summary.products.iter().map(|product| width(&product.stage)).max().unwrap_or(0);
    lines.extend(summary.products.iter().map(|Product { stage, output, path }| {
        let name = palette.paint(Role::Name, &pad(stage, name_width));
        match path {
            Some(path) => format!("{name}  {}  {}", path.display(), output.short()),
            None => format!("{name}  {output}"),
        }
    }));
    lines
}
