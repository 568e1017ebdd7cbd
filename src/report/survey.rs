//! A view of what a root needs. JSON is the survey itself.

use super::style::{Palette, Role};
use super::table::Table;
use super::text::clean;
use super::units::{bytes, count};
use crate::rootfs::{Reason, Survey};

/// What is missing, what nothing needs, and with `full` all that is needed with who needs it.
pub fn survey_text(survey: &Survey, palette: Palette, full: bool) -> String {
    let mut text = format!(
        "{} needed ({}), {} superfluous ({})\n",
        count(survey.needed.len(), "path"),
        bytes(survey.needed_bytes),
        count(survey.superfluous.len(), "path"),
        bytes(survey.superfluous_bytes),
    );
    let by = |reason: &Reason| reason.by.as_deref().map_or_else(|| "-".to_owned(), clean);
    if full {
        let mut table = Table::new(palette, &["needed", "by", "why"]);
        for path in &survey.needed {
            for (at, reason) in path.needs.iter().enumerate() {
                table.row([if at == 0 { clean(&path.path) } else { String::new() }, by(reason), clean(&reason.why)]);
            }
        }
        text.push_str(&format!("\n{}", table.text()));
    }
    for (title, list, role) in
        [("missing", &survey.missing, Role::Bad), ("may be missing", &survey.absent, Role::Faint)]
    {
        if !list.is_empty() {
            let mut table = Table::new(palette, &[title, "needed by", "why"]);
            for absent in list {
                table.row([palette.paint(role, &clean(&absent.what)), by(&absent.reason), clean(&absent.reason.why)]);
            }
            text.push_str(&format!("\n{}", table.text()));
        }
    }
    if !survey.superfluous.is_empty() {
        let mut table = Table::new(palette, &["superfluous", "size"]);
        for path in &survey.superfluous {
            table.row([clean(&path.path), bytes(path.size)]);
        }
        text.push_str(&format!("\n{}", table.text()));
    }
    if !survey.broken.is_empty() {
        let mut table = Table::new(palette, &["cannot be read", "reason"]);
        for path in &survey.broken {
            table.row([clean(&path.path), clean(&path.reason)]);
        }
        text.push_str(&format!("\n{}", table.text()));
    }
    text
}
