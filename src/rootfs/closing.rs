//! What of a composed root is needed.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{Decision, left_out};
use super::error::{Error, Problem};
use super::layers::{Entry, From, What};
use super::report::{Closing, Undelivered};
use super::survey::{Absent, Questions, Reason, roots};
use crate::loader::{self, Ask, Closure, Own, View};
use crate::stage::{Deliver, RootDef};
use crate::store::Store;

/// Nobody needs it.
const UNNEEDED: &str = "nothing that has to run or is kept needs it";

/// What is needed of what is delivered. If only that is to be delivered, the rest is left out.
pub(super) fn close(
    store: &Store,
    definition: &RootDef,
    entries: &BTreeMap<String, Entry>,
    decision: &mut Decision<'_>,
    may_miss: &dyn Fn(&str) -> bool,
) -> Result<(Closing, Closure), Error> {
    let read = |path: &str| -> Result<Vec<u8>, Error> {
        match entries.get(path).map(|entry| &entry.what) {
            Some(What::File { content, .. }) => Ok(store.get_bytes(*content)?),
            _ => Ok(Vec::new()),
        }
    };
    let own = |path: &String| match entries.get(path).map(|entry| &entry.what) {
        Some(What::Folder) => Own::Folder,
        Some(What::File { executable, .. }) => Own::File { executable: *executable },
        Some(What::Link(target)) => Own::Link(target.clone()),
        None => Own::Special,
    };
    let view = View::new(decision.delivered.keys().map(|path| (path.clone(), own(path))), &read);
    let questions =
        Questions { roots: definition.roots.clone(), keep: definition.keep.clone(), ..Questions::default() };
    let (mut asked, unmatched) = if definition.roots.is_empty() && definition.keep.is_empty() {
        Default::default()
    } else {
        roots(&view, &questions)
    };
    // What the stage itself states is there because it says so, and may be a script or a program.
    let is_component = |entry: &Entry| matches!(entry.from, From::Component(_));
    let stated = entries.iter().filter(|(path, entry)| decision.delivered.contains_key(*path) && !is_component(entry));
    let stated = stated.filter(|(path, entry)| !path.is_empty() && entry.what != What::Folder);
    asked.extend(stated.map(|(path, _)| (path.clone(), "stated by the stage".to_owned())));
    let ask = Ask { roots: asked, services: &definition.nss, may_miss };
    let closure = loader::close(view, &ask)?;
    for (path, why) in unmatched {
        decision.problems.push(Problem::Unmatched { path, why });
    }
    for missing in &closure.missing {
        // Links are held to account whether or not anybody needs them.
        if !matches!(entries.get(&missing.by), Some(Entry { what: What::Link(_), .. })) {
            let (what, by, why) = (missing.what.clone(), missing.by.clone(), missing.why.clone());
            decision.problems.push(Problem::Missing { what, by, why });
        }
    }
    for (path, reason) in &closure.broken {
        decision.problems.push(Problem::Path { path: path.clone(), reason: reason.clone() });
    }
    let unneeded: BTreeSet<String> = decision
        .delivered
        .keys()
        .filter(|path| !closure.needs.contains_key(*path))
        .filter(|path| entries.get(*path).is_some_and(|entry| is_component(entry) && entry.what != What::Folder))
        .cloned()
        .collect();
    let told = unneeded
        .iter()
        .filter_map(|path| Some(left_out(path, entries.get(path)?, &definition.components, UNNEEDED.to_owned())));
    let mut superfluous: Vec<Undelivered> = told.collect();
    if definition.deliver == Deliver::Closure {
        decision.left_out.append(&mut superfluous);
        decision.delivered.retain(|path, _| !unneeded.contains(path));
    }
    let absent = closure.absent.iter().map(|missing| Absent {
        what: missing.what.clone(),
        reason: Reason { by: Some(format!("/{}", missing.by)), why: missing.why.clone() },
    });
    let closing = Closing { needed: closure.needs.len(), absent: absent.collect(), superfluous };
    Ok((closing, closure))
}

/// For each component the others that something of it needs, each with an example.
pub(super) fn between(
    entries: &BTreeMap<String, Entry>,
    names: &[String],
    closure: &Closure,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let component = |path: &str| match entries.get(path)?.from {
        From::Component(number) => Some(&names[number]),
        _ => None,
    };
    let mut between: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (path, needs) in &closure.needs {
        let Some(to) = component(path) else { continue };
        for need in needs {
            let Some(from) = component(&need.by).filter(|from| *from != to) else { continue };
            let example = || format!("`/{}` needs `/{path}`, {}", need.by, need.why);
            between.entry(from.clone()).or_default().entry(to.clone()).or_insert_with(example);
        }
    }
    between
}

/// What is stated of needs between components, held against what they are.
pub(super) fn check(
    stated: &BTreeMap<String, Vec<String>>,
    between: &BTreeMap<String, BTreeMap<String, String>>,
    problems: &mut Vec<Problem>,
) {
    let none = BTreeMap::new();
    for (component, needs) in stated {
        let found = between.get(component).unwrap_or(&none);
        let needs: BTreeSet<&String> = needs.iter().collect();
        for (other, example) in found.iter().filter(|(other, _)| !needs.contains(other)) {
            let (component, other) = (component.clone(), other.clone());
            problems.push(Problem::Needs { component, other, reason: format!("needs it, unsaid: {example}") });
        }
        for other in needs.into_iter().filter(|other| !found.contains_key(*other)) {
            let (component, other) = (component.clone(), other.clone());
            problems.push(Problem::Needs { component, other, reason: "is said to need it, and does not".to_owned() });
        }
    }
}
