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
        let role = match stage.verdict {
            Verdict::Identical => Role::Good,
            Verdict::Different => Role::Bad,
            Verdict::Failed => Role::Warn,
        };
        let word = verdict_word(stage.verdict);
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

/// Whether there is nothing to tell of it.
fn settled(stage: &StageReport) -> bool {
    stage.levels.iter().all(|at| at.verdict == Verdict::Identical)
}

/// What it does with and without protection.
fn at_levels(stage: &StageReport) -> String {
    let each: Vec<String> =
        stage.levels.iter().map(|at| format!("at level {}: {}", at.level, verdict_word(at.verdict))).collect();
    each.join("; ")
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Identical => "identical",
        Verdict::Different => "different",
        Verdict::Failed => "fails",
    }
}

fn details(stage: &StageReport, palette: Palette, full: bool, text: &mut String) {
    if settled(stage) {
        return;
    }
    text.push_str(&format!("\n{}\n", palette.paint(Role::Name, &stage.stage)));
    if stage.levels.len() > 1 {
        text.push_str(&format!("  {}\n", at_levels(stage)));
    }
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
        let to = matters(report, info.axis).into_iter().map(|(text, fails)| {
            let class = if fails { "warning" } else { "error" };
            format!("<span class=\"{class}\">{}</span>", escape(&text))
        });
        let to: Vec<String> = to.collect();
        let to = if to.is_empty() { "<span class=\"good\">none</span>".to_owned() } else { to.join(", ") };
        page.push_str(&format!("<tr><td><code>{}</code><td>{}<td>{to}\n", info.axis.name(), escape(&info.what)));
    }
    page.push_str("</tbody>\n</table>\n<h2>Stages</h2>\n<table class=\"axes\">\n<thead><tr><th>Stage<th>Verdict<th>Runs<th>What matters<th>Tree</thead>\n<tbody>\n");
    for stage in &report.stages {
        let class = match stage.verdict {
            Verdict::Identical => "good",
            Verdict::Different => "error",
            Verdict::Failed => "warning",
        };
        let word = verdict_word(stage.verdict);
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
    for stage in report.stages.iter().filter(|stage| !settled(stage)) {
        page.push_str(&format!("<h2>{}</h2>\n", escape(&stage.stage)));
        if stage.levels.len() > 1 {
            page.push_str(&format!("<p>{}</p>\n", escape(&at_levels(stage))));
        }
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

/// The stages that an axis matters to, with the axes that it takes besides, and whether they fail.
fn matters(report: &Report, axis: Axis) -> Vec<(String, bool)> {
    let to = report.stages.iter().filter_map(|stage| {
        let cause = stage.causes.iter().find(|cause| cause.axes.contains(&axis))?;
        let with: Vec<&str> = cause.axes.iter().filter(|other| **other != axis).map(|axis| axis.name()).collect();
        let with = if with.is_empty() { String::new() } else { format!(" with {}", with.join(", ")) };
        Some((format!("{}{with}", stage.stage), matches!(cause.outcome, Outcome::Failed { .. })))
    });
    to.collect()
}

/// The report as two tables of Markdown: the axes with the stages that each matters to, and the stages.
pub fn verify_markdown(report: &Report) -> String {
    // Cells may not hold what divides them.
    let cell = |text: &str| clean(text).replace('|', "\\|");
    let mut text = "| axis | in a build; varied | matters to |\n|---|---|---|\n".to_owned();
    for info in &report.axes {
        let to: Vec<String> = matters(report, info.axis)
            .into_iter()
            .map(|(text, fails)| if fails { format!("{text} (fails)") } else { text })
            .collect();
        let to = if to.is_empty() { "none".to_owned() } else { to.join(", ") };
        text.push_str(&format!("| {} | {} | {} |\n", info.axis.name(), cell(&info.what), cell(&to)));
    }
    text.push_str("\n| stage | verdict | tree |\n|---|---|---|\n");
    for stage in &report.stages {
        let tree = stage.output.get(..12).unwrap_or(&stage.output);
        text.push_str(&format!("| {} | {} | `{tree}` |\n", cell(&stage.stage), verdict_word(stage.verdict)));
    }
    text
}

/// The axes, and what is varied in each.
pub fn axes_text(palette: Palette) -> String {
    let mut table = Table::new(palette, &["axis", "in a build; varied"]);
    for axis in Axis::ALL {
        table.row([palette.paint(Role::Name, axis.name()), axis.what().to_owned()]);
    }
    table.text()
}
