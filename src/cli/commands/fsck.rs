//! `repro store fsck`

use crate::cli::{Context, ExitCode, Failure};
use crate::report::{bytes, count};
use crate::store::FsckReport;

/// Reads and checks everything; damage is the answer no.
///
/// # Errors
/// The store cannot be opened, or the disk fails.
pub fn run(context: &Context) -> Result<ExitCode, Failure> {
    let report = context.open_store()?.fsck(&|_| ())?;
    if context.globals.json {
        let clean = report.is_clean();
        context.print_json(&serde_json::json!({ "schema": 1, "clean": clean, "report": report }))?;
    } else {
        context.print(&findings(&report))?;
    }
    let objects = count(usize::try_from(report.objects).unwrap_or(usize::MAX), "object");
    context.say(&format!("read {objects}, {}", bytes(report.bytes)));
    if report.is_clean() {
        context.say("the store is whole");
        return Ok(ExitCode::Done);
    }
    context.say("what was damaged is out of the way; the next build makes it anew");
    Ok(ExitCode::No)
}

/// A line for each finding.
fn findings(report: &FsckReport) -> String {
    let mut lines = Vec::new();
    let mut each = |what: &str, names: &[String], then: &str| {
        lines.extend(names.iter().map(|name| format!("{what} {name}: {then}\n")));
    };
    each("object", &report.damaged, "damaged, set aside");
    each("object", &report.unreadable, "cannot be read");
    each("result", &report.damaged_actions, "damaged, set aside");
    each("reference", &report.damaged_refs, "damaged, set aside");
    each("checkout", &report.bad_checkouts, "changed, removed");
    let foreign: Vec<String> = report.foreign.iter().map(|path| path.display().to_string()).collect();
    each("file", &foreign, "no part of the store, left");
    for (what, list) in [("result", &report.dangling_actions), ("reference", &report.dangling_refs)] {
        lines.extend(list.iter().map(|one| format!("{what} {}: object {} is missing\n", one.name, one.missing)));
    }
    lines.concat()
}
