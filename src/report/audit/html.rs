//! The audit's page. Without scripts it is a few tables; its script hides rows, and makes trees of how files were made.

use std::collections::{BTreeMap, BTreeSet};

use super::files::files_html;
use super::graph::origin_html;
use super::provenance::Provenance;
use crate::audit::{Finding, Report, Severity};
use crate::report::bytes;
use crate::report::page::{escape, foot, head};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page, with how the files were made, or why nothing is known of that.
pub fn audit_html(report: &Report, provenance: Result<&Provenance, &str>) -> String {
    let counts = &report.counts;
    let verdict = if report.is_clean() { ("good", "no errors") } else { ("error", "errors") };
    let tile = |class: &str, number: u64, what: &str| format!("<li class=\"{class}\"><b>{number}</b> {what}</li>\n");
    let subject = escape(&report.subject);
    let mut page = head(&format!("Audit of {subject}"), STYLE, Some(SCRIPT));
    page.push_str(&format!(
        "<h1>Audit of <code>{subject}</code> <span class=\"verdict {}\">{}</span></h1>\n<ul class=\"tiles\">\n",
        verdict.0, verdict.1,
    ));
    page.push_str(&tile("error", counts.errors, "errors"));
    page.push_str(&tile("warning", counts.warnings, "warnings"));
    page.push_str(&tile("note", counts.notes, "notes"));
    page.push_str(&tile("", counts.allowed, "allowed"));
    page.push_str(&tile("", counts.files, "files"));
    page.push_str(&tile("", counts.objects, "ELF objects"));
    page.push_str(&tile("", counts.archives, "archives"));
    page.push_str(&format!("<li><b>{}</b> looked at</li>\n</ul>\n", bytes(counts.bytes)));
    if let Some(origin) = &report.origin {
        origin_html(origin, &mut page);
    }
    by_rule(report, &mut page);
    table(report, provenance.ok(), &mut page);
    exceptions(report, &mut page);
    files_html(report, provenance, &mut page);
    if !report.outside.is_empty() {
        let list: Vec<String> = report.outside.iter().map(|name| format!("<code>{}</code>", escape(name))).collect();
        page.push_str(&format!("<h2>Needed from outside</h2>\n<p>{}</p>\n", list.join(" ")));
    }
    page.push_str(&foot(Some(SCRIPT)));
    page
}

fn by_rule(report: &Report, page: &mut String) {
    let mut rules: BTreeMap<(Severity, &str), (&Finding, usize)> = BTreeMap::new();
    for finding in &report.findings {
        rules.entry((finding.severity, finding.rule.id)).or_insert((finding, 0)).1 += 1;
    }
    if rules.is_empty() {
        return;
    }
    page.push_str("<h2>By rule</h2>\n<table>\n<thead><tr><th>Severity<th>Rule<th class=\"number\">Findings<th>What it forbids, and the cure</thead>\n<tbody>\n");
    for ((severity, id), (finding, count)) in rules {
        page.push_str(&format!(
            "<tr><td><span class=\"{severity}\">{severity}</span><td><a href=\"#findings\" data-rule=\"{id}\">{id}</a>\
             <td class=\"number\">{count}<td>{}<details><summary>why, and the cure</summary><p>{}<p><b>Cure:</b> {}</details>\n",
            escape(finding.rule.title),
            escape(finding.rule.why),
            escape(finding.cure),
        ));
    }
    page.push_str("</tbody>\n</table>\n");
}

fn table(report: &Report, provenance: Option<&Provenance>, page: &mut String) {
    // Objects that have a row with a tree among the files.
    let told: BTreeSet<&str> = report
        .files
        .iter()
        .filter(|file| provenance.is_some_and(|it| it.node_of(&file.object, file.digest).is_some()))
        .map(|file| file.object.as_str())
        .collect();
    page.push_str(
        "<h2 id=\"findings\">Findings</h2>\n<form class=\"filter\" data-table=\"list\">\n<input type=\"search\" placeholder=\"rule, object or evidence\" \
         aria-label=\"Filter findings\">\n",
    );
    for severity in Severity::ALL {
        page.push_str(&format!("<label><input type=\"checkbox\" value=\"{severity}\" checked> {severity}s</label>\n"));
    }
    page.push_str("<output></output>\n</form>\n");
    page.push_str("<table id=\"list\">\n<thead><tr><th>Severity<th>Rule<th>Object<th>Finding</thead>\n<tbody>\n");
    for finding in &report.findings {
        let object = escape(&finding.object);
        let object = if told.contains(finding.object.as_str()) {
            format!("<button type=\"button\" class=\"open\" data-open=\"{object}\">{object}</button>")
        } else {
            object
        };
        page.push_str(&format!(
            "<tr data-group=\"{severity}\"><td><span class=\"{severity}\">{severity}</span><td>{}<td class=\"path\">{}<td>{}",
            finding.rule.id,
            object,
            escape(&finding.message),
            severity = finding.severity,
        ));
        evidence(finding, page);
        page.push('\n');
    }
    page.push_str("</tbody>\n</table>\n");
}

fn evidence(finding: &Finding, page: &mut String) {
    if finding.evidence.is_empty() {
        return;
    }
    page.push_str("<ul class=\"evidence\">");
    for evidence in &finding.evidence {
        let place = if evidence.place.is_empty() { String::new() } else { format!("{}: ", escape(&evidence.place)) };
        page.push_str(&format!("<li>{place}<code>{}</code>", escape(&evidence.text)));
    }
    if finding.more > 0 {
        page.push_str(&format!("<li>and {} more", finding.more));
    }
    page.push_str("</ul>");
}

fn exceptions(report: &Report, page: &mut String) {
    if report.exceptions.is_empty() {
        return;
    }
    page.push_str("<h2>Exceptions</h2>\n<table>\n<thead><tr><th>Rule<th>Objects<th class=\"number\">Findings<th>Reason</thead>\n<tbody>\n");
    for exception in &report.exceptions {
        page.push_str(&format!(
            "<tr><td>{}<td class=\"path\">{}<td class=\"number\">{}<td>{}\n",
            exception.rule,
            escape(&exception.path),
            exception.findings.len(),
            escape(&exception.reason),
        ));
    }
    page.push_str("</tbody>\n</table>\n");
}
