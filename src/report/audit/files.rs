//! The files of what was audited: a table, and how each was made for those who ask.

use std::collections::BTreeSet;

use super::provenance::Provenance;
use crate::audit::{Listed, Report};
use crate::report::page::escape;
use crate::report::{bytes, count};

/// Rows of the table.
const MOST_ROWS: usize = 20_000;

/// The section. Without provenance: why there is none.
pub(super) fn files_html(report: &Report, provenance: Result<&Provenance, &str>, page: &mut String) {
    page.push_str(&format!("<h2 id=\"files\">Files</h2>\n<p>{}.", count(report.files.len(), "file")));
    if report.counts.links > 0 {
        page.push_str(&format!(" {} more are symbolic links, which are not listed.", report.counts.links));
    }
    match provenance {
        Ok(provenance) => known(report, provenance, page),
        Err(reason) => {
            page.push_str(&format!(" <b>There is no provenance:</b> {}.", escape(reason)));
        }
    }
    page.push_str("</p>\n");
    form(&report.files, page);
    page.push_str("<table id=\"file-list\">\n<thead><tr><th>File<th>Kind<th class=\"number\">Size<th>Made by<th>SHA-256</thead>\n<tbody>\n");
    for file in report.files.iter().take(MOST_ROWS) {
        row(file, provenance.ok(), page);
    }
    page.push_str("</tbody>\n</table>\n");
    if report.files.len() > MOST_ROWS {
        let more = report.files.len() - MOST_ROWS;
        page.push_str(&format!("<p class=\"warning\">{more} more files are not listed here.</p>\n"));
    }
    if let Ok(provenance) = provenance {
        page.push_str(&format!("<script type=\"application/json\" id=\"provenance\">{}</script>\n", provenance.json()));
    }
}

fn known(report: &Report, provenance: &Provenance, page: &mut String) {
    let (nodes, size) = provenance.size();
    page.push_str(&format!(
        " Choose one to see how it was made, through all stages: what <code>repro why</code> answers, for {} ({}).",
        count(nodes, "file"),
        bytes(size as u64),
    ));
    page.push_str("<noscript> That needs the script of this page.</noscript>");
    let left = provenance.left();
    let names = |stages: &BTreeSet<String>| {
        let names: Vec<String> = stages.iter().map(|name| format!("<code>{}</code>", escape(name))).collect();
        names.join(", ")
    };
    for (stages, what, cure) in [
        (&left.untraced, "Not followed, since there is no trace of it:", "<code>repro trace STAGE</code> makes one"),
        (&left.changed, "Not followed, since it was built anew:", "<code>repro build</code> brings all up to date"),
        (
            &left.cut,
            "Cut, since this page has a bound: not all is told of",
            "<code>repro why STAGE:/path --depth 99 --all</code> shows all",
        ),
    ] {
        if !stages.is_empty() {
            page.push_str(&format!(" <span class=\"warning\">{what}</span> {}; {cure}.", names(stages)));
        }
    }
    let unknown = report.files.iter().filter(|file| provenance.node_of(&file.object, file.digest).is_none()).count();
    if unknown > 0 {
        let number = count(unknown, "file");
        page.push_str(&format!(" Of {number} it is not known; of what lies in an archive, the archive's may help."));
    }
}

fn form(files: &[Listed], page: &mut String) {
    page.push_str(
        "<form class=\"filter\" data-table=\"file-list\">\n<input type=\"search\" placeholder=\"path, stage or digest\" \
         aria-label=\"Filter files\">\n",
    );
    let kinds: BTreeSet<&str> = files.iter().take(MOST_ROWS).map(|file| file.kind).collect();
    for kind in kinds.iter().filter(|_| kinds.len() > 1) {
        page.push_str(&format!("<label><input type=\"checkbox\" value=\"{kind}\" checked> {kind}</label>\n"));
    }
    page.push_str("<output></output>\n</form>\n");
}

fn row(file: &Listed, provenance: Option<&Provenance>, page: &mut String) {
    let path = escape(&file.object);
    let node = provenance.and_then(|provenance| Some((provenance, provenance.node_of(&file.object, file.digest)?)));
    let made = node.map(|(provenance, node)| escape(&provenance.maker(node))).unwrap_or_default();
    page.push_str(&format!("<tr data-group=\"{}\" data-file=\"{path}\" data-made=\"{made}\">", file.kind));
    match node {
        Some((_, node)) => page.push_str(&format!(
            "<td class=\"path\"><button type=\"button\" class=\"open\" data-node=\"{node}\" aria-expanded=\"false\">{path}</button>"
        )),
        None => page.push_str(&format!("<td class=\"path\">{path}")),
    }
    let size = file.digest.map_or_else(|| "unread".to_owned(), |digest| bytes(digest.size));
    let made = if made.is_empty() { "unknown".to_owned() } else { made };
    page.push_str(&format!("<td>{}<td class=\"number\">{size}<td>{made}<td>", file.kind));
    if let Some(digest) = file.digest {
        let (hex, short) = (digest.hex(), digest.short());
        page.push_str(&format!("<code title=\"{hex}\" data-digest=\"{hex}\">{short}</code>"));
    }
    page.push('\n');
}
