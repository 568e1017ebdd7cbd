//! The box that is shown when a stage fails: what happened, the end of its log, where to look, what to do.

use super::style::{Palette, Role};
use super::text::clean;
use crate::schedule::events::StageFailure;

/// The box, as lines without line ends.
pub fn failure_box(palette: Palette, stage: &str, failure: &StageFailure, tail: &[String]) -> Vec<String> {
    let bar = palette.paint(Role::Bad, palette.sign("│", "|"));
    let label = |text: &str| palette.paint(Role::Faint, text);
    let mut lines = vec![format!(
        "{} {}: {}",
        palette.paint(Role::Bad, palette.sign("╭ failed", "+ failed")),
        palette.paint(Role::Name, stage),
        clean(&failure.reason)
    )];
    if !tail.is_empty() {
        lines.push(format!("{bar} {}", label(&format!("last {}:", super::count(tail.len(), "line")))));
        lines.extend(tail.iter().map(|line| format!("{bar}   {line}").trim_end().to_owned()));
    }
    if let Some(log) = &failure.log {
        lines.push(format!("{bar} {} {}", label("log:  "), log.display()));
    }
    if let Some(hint) = &failure.hint {
        lines.push(format!("{bar} {} {hint}", palette.paint(Role::Hint, "hint: ")));
    }
    lines.push(palette.paint(Role::Bad, palette.sign("╰", "+")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_how() {
        let failure = StageFailure {
            reason: "exit code 2".into(),
            log: Some("/store/logs/musl.log".into()),
            hint: Some("declare `perl` as a tool".into()),
        };
        let tail = ["CC a.o".to_owned(), String::new(), "perl: not found".to_owned()];
        let text = failure_box(Palette::PLAIN, "musl", &failure, &tail).join("\n");
        insta::assert_snapshot!(text, @r"
        + failed musl: exit code 2
        | last 3 lines:
        |   CC a.o
        |
        |   perl: not found
        | log:   /store/logs/musl.log
        | hint:  declare `perl` as a tool
        +
        ");
    }
}
