//! Inputs that nobody used, and files that nobody declared.

use super::{Case, about, acted, read};
use crate::audit::error::Error;
use crate::audit::finding::Finding;
use crate::audit::rules;
use crate::trace::Ways;

/// What the sandbox itself has: see ARCHITECTURE.md.
const SANDBOX: [&str; 2] = ["/proc/", "/dev/"];

pub(super) fn judge(case: &mut Case<'_, '_>) -> Result<Vec<Finding>, Error> {
    let unused = case.stage.unused()?.into_iter().map(|declared| {
        let message = format!("{} is among {} and nothing of it was used", declared.input, declared.role.name());
        Finding::new(&rules::INPUT_UNUSED, about(case.name, &declared.input), message)
    });
    let mut found: Vec<Finding> = unused.collect();
    found.extend(undeclared(case)?);
    Ok(found)
}

/// Files that were read and that neither an input has nor the stage made.
fn undeclared(case: &mut Case<'_, '_>) -> Result<Option<Finding>, Error> {
    let made = Ways::WRITTEN.and(Ways::CREATED).and(Ways::MOVED_TO).and(Ways::LISTED).and(Ways::ENTERED);
    let read_only = |ways: Ways| ways.any(Ways::READ.and(Ways::EXECUTED)) && !ways.any(made);
    let mut unknown = Vec::new();
    for (path, _) in case.stage.paths().into_iter().filter(|(_, ways)| read_only(*ways)) {
        let text = case.stage.text(path);
        if SANDBOX.iter().any(|own| text.starts_with(own)) || case.stage.given(&text)?.is_some() {
            continue;
        }
        if !case.stage.is_made(path) {
            unknown.push((path, text));
        }
    }
    let Some((first, text)) = unknown.first() else { return Ok(None) };
    let message = match unknown.len() {
        1 => format!("`{text}` was read, which no input has"),
        several => format!("`{text}` and {} more were read, which no input has", several - 1),
    };
    let mut finding = Finding::new(&rules::UNDECLARED_READ, about(case.name, text), message);
    let mut all = 1..=case.stage.processes();
    let reads = |process: &u32| case.stage.touches(*process).any(|(path, _)| path == *first);
    if let Some(process) = all.find(reads) {
        finding = acted(&case.stage.actor(process)).into_iter().fold(finding, Finding::because);
    }
    for (_, text) in &unknown {
        read(&mut finding, "read", text.clone());
    }
    Ok(Some(finding))
}
