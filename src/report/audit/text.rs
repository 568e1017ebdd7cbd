//! For people: findings by rule, each rule's cure once.

use crate::audit::{Finding, Origin, Report, Rule, Severity};
use crate::report::{Palette, Role, Table, bytes, clean, count};

/// Findings of one rule that are shown in short.
const SHORT: usize = 10;

fn role(severity: Severity) -> Role {
    match severity {
        Severity::Error => Role::Bad,
        Severity::Warning => Role::Warn,
        Severity::Note => Role::Faint,
    }
}

/// The report. In short, notes are only counted and long lists cut.
pub fn audit_text(report: &Report, palette: Palette, full: bool) -> String {
    let mut text = String::new();
    let shown = report.findings.iter().filter(|finding| full || finding.severity != Severity::Note);
    let shown: Vec<&Finding> = shown.collect();
    for group in shown.chunk_by(|a, b| a.rule == b.rule && a.severity == b.severity) {
        rule(group, palette, full, &mut text);
    }
    for exception in &report.exceptions {
        let covered = count(exception.findings.len(), "finding");
        text.push_str(&format!(
            "allowed: {} for `{}`: {covered}: {}\n",
            exception.rule,
            clean(&exception.path),
            clean(&exception.reason)
        ));
    }
    if !report.exceptions.is_empty() {
        text.push('\n');
    }
    if !report.outside.is_empty() {
        let list: Vec<String> = report.outside.iter().map(|name| clean(name)).collect();
        text.push_str(&format!("{} {}\n\n", palette.paint(Role::Faint, "needs from outside:"), list.join(", ")));
    }
    text + &summary(report, palette, full)
}

fn rule(group: &[&Finding], palette: Palette, full: bool, text: &mut String) {
    let first = group[0];
    let head = palette.paint(role(first.severity), first.severity.name());
    let id = palette.paint(Role::Name, first.rule.id);
    text.push_str(&format!("{head} {id}: {} ({})\n", first.rule.title, group.len()));
    let shown = if full { group.len() } else { SHORT };
    for finding in group.iter().take(shown) {
        text.push_str(&format!(
            "  {}: {}\n",
            palette.paint(Role::Name, &clean(&finding.object)),
            clean(&finding.message)
        ));
        for evidence in &finding.evidence {
            text.push_str(&format!("      {}\n", palette.paint(Role::Faint, &clean(&evidence.to_string()))));
        }
        if finding.more > 0 {
            let more = format!("and {} more", finding.more);
            text.push_str(&format!("      {}\n", palette.paint(Role::Faint, &more)));
        }
    }
    if group.len() > shown {
        let left = count(group.len() - shown, "object");
        text.push_str(&format!("  and {left} more: -v shows them\n"));
    }
    text.push_str(&format!("  {} {}\n\n", palette.paint(Role::Hint, "cure:"), first.cure));
}

fn summary(report: &Report, palette: Palette, full: bool) -> String {
    let counts = &report.counts;
    let number = |number: u64, what: &str| count(usize::try_from(number).unwrap_or(usize::MAX), what);
    let role = if report.is_clean() { Role::Good } else { Role::Bad };
    let mut parts = vec![
        palette.paint(role, &number(counts.errors, "error")),
        number(counts.warnings, "warning"),
        number(counts.notes, "note"),
    ];
    if counts.allowed > 0 {
        parts.push(format!("{} allowed", counts.allowed));
    }
    let hint = if counts.notes > 0 && !full { " (-v shows notes)" } else { "" };
    let looked = format!("{}, {}", number(counts.files, "file"), bytes(counts.bytes));
    let kinds: Vec<String> = [
        (counts.objects, "ELF object"),
        (counts.scripts, "script"),
        (counts.archives, "archive"),
        (counts.links, "link"),
    ]
    .into_iter()
    .filter(|(many, _)| *many > 0)
    .map(|(many, what)| number(many, what))
    .collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!("looked at: {looked}; {}\n", kinds.join(", ")) };
    let origin = report.origin.as_ref().map(|origin| made_by(origin, palette)).unwrap_or_default();
    format!("{kinds}{origin}{}: {} in {looked}{hint}\n", clean(&report.subject), parts.join(", "))
}

/// How much is known of how it was made.
fn made_by(origin: &Origin, palette: Palette) -> String {
    let (stages, traced) = (origin.stages().count(), origin.traced());
    let untraced: Vec<String> = origin.untraced().map(clean).collect();
    let mut text = format!("made by: {}, {} traced: ", count(stages, "stage"), stages - untraced.len());
    text.push_str(&format!("{} calls by {} processes on {} paths\n", traced.calls, traced.processes, traced.paths));
    if !untraced.is_empty() {
        let list = untraced.join(", ");
        text.push_str(&format!(
            "{} {list} (`repro trace STAGE` makes one)\n",
            palette.paint(Role::Warn, "without a trace:")
        ));
    }
    text
}

/// One rule in full.
pub fn rule_text(rule: &Rule, palette: Palette) -> String {
    let id = palette.paint(Role::Name, rule.id);
    let severity = palette.paint(role(rule.severity), rule.severity.name());
    let cure = palette.paint(Role::Hint, "cure:");
    format!("{id} ({severity})\n{}\n\n{}\n\n{cure} {}\n", rule.title, rule.why, rule.cure)
}

/// All rules, a line each.
pub fn rules_text(palette: Palette) -> String {
    let mut table = Table::new(palette, &["rule", "severity", "what it forbids"]);
    for rule in crate::audit::rules::ALL {
        table.row([rule.id, rule.severity.name(), rule.title]);
    }
    table.text()
}
