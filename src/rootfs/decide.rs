//! Which line decides which path, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Problem;
use super::layers::{Entry, What, layer, place};
use super::manifest::{Attributes, Line, Says};
use super::report::Undelivered;
use crate::loader::parent;
use crate::stage::Deliver;

/// What is delivered, by path, and what is not.
pub(super) struct Decision<'l> {
    /// For each path its line and what that says.
    pub delivered: BTreeMap<String, (&'l Line, &'l Attributes)>,
    pub left_out: Vec<Undelivered>,
    pub problems: Vec<Problem>,
}

/// Holds lines and paths against each other.
pub(super) fn decide<'l>(
    lines: &'l [Line],
    entries: &BTreeMap<String, Entry>,
    deliver: Deliver,
    names: &[String],
) -> Decision<'l> {
    let mut decision = Decision { delivered: BTreeMap::new(), left_out: Vec::new(), problems: Vec::new() };
    let mut used = BTreeSet::new();
    // What is said of one component comes after what is said of all.
    let mut order: Vec<(usize, &Line)> = lines.iter().enumerate().collect();
    order.sort_by_key(|(_, line)| line.component.is_some());
    let mut omitted: Option<&str> = None;
    for (path, entry) in entries {
        let kind = entry.what.kind();
        let about = |line: &Line| line.component.is_none_or(|number| entry.is_of(number)) && line.is_about(path, kind);
        let found = order.iter().rev().find(|(_, line)| about(line));
        used.extend(found.map(|(number, _)| *number));
        let below = omitted.is_some_and(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
        let reason = match found {
            _ if below => format!("`/{}` is omitted", omitted.unwrap_or_default()),
            Some((_, Line { says: Says::Deliver(attributes), place, .. })) => {
                if let What::File { executable, .. } = entry.what
                    && executable != (attributes.mode & 0o111 != 0)
                {
                    let (path, place) = (path.clone(), place.clone());
                    decision.problems.push(Problem::Mode { path, mode: attributes.mode, place });
                }
                let line = found.map(|(_, line)| *line).expect("the pattern matched a line");
                decision.delivered.insert(path.clone(), (line, attributes));
                continue;
            }
            Some((_, line)) => {
                omitted = Some(path);
                format!("{} omits it", line.place)
            }
            None if deliver == Deliver::Manifest => "no line of a manifest lists it".to_owned(),
            None => {
                let from = layer(&entry.from, names);
                decision.problems.push(Problem::Undecided { path: path.clone(), kind, from });
                continue;
            }
        };
        decision.left_out.push(left_out(path, entry, names, reason));
    }
    for (number, line) in lines.iter().enumerate() {
        if let Some(attributes) = line.makes() {
            let (path, place) = (line.path().to_owned(), line.place.clone());
            let folder = entries.get(parent(&path)).is_some_and(|entry| entry.what == What::Folder);
            if entries.contains_key(&path) || decision.delivered.contains_key(&path) || !folder {
                decision.problems.push(Problem::Device { path, place });
            } else {
                decision.delivered.insert(path, (line, attributes));
            }
        } else if !used.contains(&number) {
            let (place, pattern, kind) = (line.place.clone(), line.pattern.clone(), line.kind());
            decision.problems.push(Problem::Idle { place, pattern, kind });
        }
    }
    // What is delivered lies in directories, which nobody may leave out.
    let delivered = &decision.delivered;
    let folders: BTreeSet<&str> = delivered.keys().filter(|path| !path.is_empty()).map(|path| parent(path)).collect();
    let missing = folders.into_iter().filter(|folder| !delivered.contains_key(*folder));
    let missing = missing.filter_map(|folder| Some((folder.to_owned(), layer(&entries.get(folder)?.from, names))));
    let missing: Vec<Problem> = missing.map(|(path, from)| Problem::Undecided { path, kind: "dir", from }).collect();
    decision.problems.extend(missing);
    decision
}

pub(super) fn left_out(path: &str, entry: &Entry, names: &[String], reason: String) -> Undelivered {
    Undelivered {
        path: format!("/{path}"),
        kind: entry.what.kind().to_owned(),
        from: layer(&entry.from, names),
        source: place(&entry.from, names, path),
        reason,
    }
}

impl Decision<'_> {
    /// Leaves out directories of which nothing is left, though there was something in them.
    pub fn prune(&mut self, entries: &BTreeMap<String, Entry>, keep: &dyn Fn(&str) -> bool, names: &[String]) {
        let folders: Vec<String> = self.delivered.keys().rev().cloned().collect();
        for path in folders {
            let Some(entry) = entries.get(&path).filter(|entry| entry.what == What::Folder) else { continue };
            let inner = format!("{path}/");
            let had = entries.range(inner.clone()..).next().is_some_and(|(below, _)| below.starts_with(&inner));
            let has = self.delivered.range(inner.clone()..).next().is_some_and(|(below, _)| below.starts_with(&inner));
            if !path.is_empty() && had && !has && !keep(&path) {
                self.delivered.remove(&path);
                self.left_out.push(left_out(&path, entry, names, "nothing of what was in it is delivered".to_owned()));
            }
        }
    }

    /// Lines and components that take more than they may.
    pub fn budgets(&mut self, entries: &BTreeMap<String, Entry>, names: &[String], budgets: &BTreeMap<String, u64>) {
        let mut by_line: BTreeMap<&str, (u64, &Line, u64)> = BTreeMap::new();
        let mut by_component: BTreeMap<String, u64> = BTreeMap::new();
        for (path, (line, attributes)) in &self.delivered {
            let Some(Entry { what: What::File { content, .. }, from, .. }) = entries.get(path) else { continue };
            if let Some(budget) = attributes.budget {
                by_line.entry(&line.place).or_insert((0, *line, budget)).0 += content.size;
            }
            *by_component.entry(layer(from, names)).or_default() += content.size;
        }
        let lines = by_line.into_values().filter(|(used, _, budget)| used > budget);
        let lines = lines.map(|(used, line, budget)| (format!("{}, `{}`,", line.place, line.pattern), used, budget));
        let used = |name: &String| by_component.get(name).copied().unwrap_or_default();
        let components = budgets.iter().filter(|(name, budget)| used(name) > **budget);
        let components = components.map(|(name, budget)| (format!("component `{name}`"), used(name), *budget));
        let over = lines.chain(components).map(|(what, used, budget)| Problem::Budget { what, used, budget });
        self.problems.extend(over.collect::<Vec<_>>());
    }
}
