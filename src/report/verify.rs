//! What rebuilding in other surroundings came to, for people.

use super::cause::{causes_html, causes_text, named};
use super::diff::{beginning, difference_html, difference_text};
use super::page::{escape, foot};
use super::{Palette, Role, Table, clean, count};
use crate::verify::{Axis, Cause, Outcome, Report, StageReport, Verdict};

/// The report: the verdict, a line a stage, then what differs and why.
pub fn verify_text(report: &Report, palette: Palette, full: bool) -> String {
    let mut text = verdict(report, palette);
    let mut table = Table::new(palette, &["stage", "verdict", "runs", "what matters"]);
    for stage in &report.stages {
        let (role, word) = match stage.verdict {
            Verdict::Identical => (Role::Good, "identical"),
            Verdict::Different => (Role::Bad, "different"),
            Verdict::Failed => (Role::Warn, "fails"),
        };
        let causes: Vec<String> = stage.causes.iter().map(cause).collect();
        table.row([stage.stage.clone(), palette.paint(role, word), stage.trials.len().to_string(), causes.join("; ")]);
    }
    text.push_str(&format!("\n{}", table.text()));
    for stage in &report.stages {
        details(stage, palette, full, &mut text);
    }
    text
}

fn verdict(report: &Report, palette: Palette) -> String {
    let of = |verdict| report.stages.iter().filter(|stage| stage.verdict == verdict).count();
    let (all, different, failed) = (report.stages.len(), of(Verdict::Different), of(Verdict::Failed));
    let axes = count_axes(report.axes.len());
    if report.identical {
        let word = palette.paint(Role::Good, "identical:");
        let each = if all == 1 { "it leaves" } else { "each leaves" };
        return format!("{word} {} with {axes} varied; {each} the tree that is known\n", count(all, "stage"));
    }
    let word = palette.paint(Role::Bad, if different > 0 { "different:" } else { "failed:" });
    let mut parts = Vec::new();
    if different > 0 {
        parts.push(format!("{different} of {} leave another tree", count(all, "stage")));
    }
    if failed > 0 {
        parts.push(format!("{failed} of {} fail", count(all, "stage")));
    }
    let causes = named(report.stages.iter().flat_map(|stage| &stage.differing));
    let causes = if causes.is_empty() { causes } else { format!(": {causes}") };
    format!("{word} {}, with {axes} varied{causes}\n", parts.join(", "))
}

fn count_axes(number: usize) -> String {
    if number == 1 { "1 axis".to_owned() } else { format!("{number} axes") }
}

/// What matters, in a word or two.
pub(super) fn cause(cause: &Cause) -> String {
    let names: Vec<&str> = cause.axes.iter().map(|axis| axis.name()).collect();
    let what = match cause.outcome {
        Outcome::Failed { .. } => " (fails)",
        _ => "",
    };
    if names.is_empty() { format!("differs by itself{what}") } else { format!("{}{what}", names.join(" with ")) }
}

fn details(stage: &StageReport, palette: Palette, full: bool, text: &mut String) {
    if stage.verdict == Verdict::Identical {
        return;
    }
    text.push_str(&format!("\n{}\n", palette.paint(Role::Name, &stage.stage)));
    for cause in &stage.causes {
        let names: Vec<&str> = cause.axes.iter().map(|axis| axis.name()).collect();
        let when = match names.as_slice() {
            [] => "in the very surroundings of its build".to_owned(),
            [name] => format!("with another {name} alone"),
            names => format!("with another {}, together", names.join(" and ")),
        };
        match &cause.outcome {
            Outcome::Failed { reason, tail } => {
                text.push_str(&format!("  it fails {when}: {}\n", clean(reason)));
                let shown = if full { tail.len() } else { tail.len().min(5) };
                for line in &tail[tail.len() - shown..] {
                    text.push_str(&format!("    {}\n", palette.paint(Role::Faint, &clean(line))));
                }
            }
            _ => text.push_str(&format!("  it leaves another tree {when}\n")),
        }
    }
    if let Some(difference) = &stage.difference {
        text.push_str(&difference_text(difference, palette, full));
    }
    if !stage.differing.is_empty() {
        text.push('\n');
        text.push_str(&causes_text(&stage.differing, palette, full));
    }
}

/// The report as a page: the stages against the axes, then each that differs.
pub fn verify_html(report: &Report) -> String {
    let mut page = beginning(&count(report.stages.len(), "stage"), report.identical);
    page.push_str(&format!("<p>{}</p>\n", escape(&verdict(report, Palette::PLAIN))));
    page.push_str("<table class=\"axes\">\n<thead><tr><th>Axis<th>In a build; varied<th>Stages that it matters to</thead>\n<tbody>\n");
    for info in &report.axes {
        let to = report.stages.iter().filter_map(|stage| {
            let cause = stage.causes.iter().find(|cause| cause.axes.contains(&info.axis))?;
            let with: Vec<&str> =
                cause.axes.iter().filter(|axis| **axis != info.axis).map(|axis| axis.name()).collect();
            let with = if with.is_empty() { String::new() } else { format!(" with {}", with.join(", ")) };
            let class = if matches!(cause.outcome, Outcome::Failed { .. }) { "warning" } else { "error" };
            Some(format!("<span class=\"{class}\">{}{with}</span>", escape(&stage.stage)))
        });
        let to: Vec<String> = to.collect();
        let to = if to.is_empty() { "<span class=\"good\">none</span>".to_owned() } else { to.join(", ") };
        page.push_str(&format!("<tr><td><code>{}</code><td>{}<td>{to}\n", info.axis.name(), escape(&info.what)));
    }
    page.push_str("</tbody>\n</table>\n<h2>Stages</h2>\n<table class=\"axes\">\n<thead><tr><th>Stage<th>Verdict<th>Runs<th>What matters<th>Tree</thead>\n<tbody>\n");
    for stage in &report.stages {
        let (class, word) = match stage.verdict {
            Verdict::Identical => ("good", "identical"),
            Verdict::Different => ("error", "different"),
            Verdict::Failed => ("warning", "fails"),
        };
        let causes: Vec<String> = stage.causes.iter().map(cause).collect();
        page.push_str(&format!(
            "<tr><td>{}<td class=\"{class}\">{word}<td>{}<td>{}<td><code>{}</code>\n",
            escape(&stage.stage),
            stage.trials.len(),
            escape(&causes.join("; ")),
            escape(&stage.output),
        ));
    }
    page.push_str("</tbody>\n</table>\n");
    for stage in report.stages.iter().filter(|stage| stage.verdict != Verdict::Identical) {
        page.push_str(&format!("<h2>{}</h2>\n", escape(&stage.stage)));
        for cause in &stage.causes {
            page.push_str(&format!("<p>{}</p>\n", escape(&self::cause(cause))));
            if let Outcome::Failed { reason, tail } = &cause.outcome {
                let tail: Vec<String> = tail.iter().map(|line| escape(line)).collect();
                page.push_str(&format!(
                    "<p class=\"warning\">{}</p>\n<pre>{}</pre>\n",
                    escape(reason),
                    tail.join("\n")
                ));
            }
        }
        if let Some(difference) = &stage.difference {
            difference_html(difference, &mut page);
        }
        causes_html(&stage.differing, &mut page);
    }
    page.push_str(&foot(None));
    page
}

/// The axes, and what is varied in each.
pub fn axes_text(palette: Palette) -> String {
    let mut table = Table::new(palette, &["axis", "in a build; varied"]);
    for axis in Axis::ALL {
        table.row([palette.paint(Role::Name, axis.name()), axis.what().to_owned()]);
    }
    table.text()
}
