//! Packages with all that they depend on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::index::{Index, Package};
use super::relation;

/// A wish that the index cannot fulfil.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsatisfied {
    /// The package that wants it; `None` for the definition itself.
    pub wanted_by: Option<String>,
    /// What it wants, such as `libc6 (>= 2.36) | libc6-udeb`.
    pub relation: String,
    /// What there is instead, if anything of that name: name and version.
    pub there: Vec<String>,
}

impl fmt::Display for Unsatisfied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.relation)?;
        match &self.wanted_by {
            Some(package) => write!(f, " wanted by `{package}`")?,
            None => write!(f, " wanted by the definition")?,
        }
        if !self.there.is_empty() {
            write!(f, " (there is {})", self.there.join(", "))?;
        }
        Ok(())
    }
}

/// The packages `wanted` and all that they depend on, sorted by name, without those in `exclude` and what only those
/// would have needed.
///
/// For each relation, in order: what is chosen already serves; else the first alternative that is excluded ends it, or
/// that the index can satisfy is chosen, by the package of that name before the first provider by name.
///
/// # Errors
/// Everything that cannot be satisfied, sorted.
pub fn resolve<'i, 'a>(
    index: &'i Index<'a>,
    wanted: &[String],
    exclude: &[String],
) -> Result<Vec<&'i Package<'a>>, Vec<Unsatisfied>> {
    let excluded: BTreeSet<&str> = exclude.iter().map(String::as_str).collect();
    let mut problems = BTreeSet::new();
    let mut chosen: BTreeMap<&str, &Package<'a>> = BTreeMap::new();
    for name in wanted.iter().filter(|name| !excluded.contains(name.as_str())) {
        match index.get(name) {
            Some(package) => drop(chosen.insert(package.name, package)),
            None => {
                let any = relation::Alternative { name, qualifier: None, constraint: None };
                let there = index.satisfying(&any).iter().map(|p| format!("its provider {}", p.name)).collect();
                problems.insert(Unsatisfied { wanted_by: None, relation: name.clone(), there });
            }
        }
    }
    let mut queue: VecDeque<&Package<'a>> = chosen.values().copied().collect();
    while let Some(package) = queue.pop_front() {
        for field in [package.pre_depends, package.depends] {
            let relations = match relation::parse(field) {
                Ok(relations) => relations,
                Err(error) => {
                    let (wanted_by, there) = (Some(package.name.to_owned()), Vec::new());
                    problems.insert(Unsatisfied { wanted_by, relation: error.text, there });
                    continue;
                }
            };
            for relation in relations {
                let candidates: Vec<_> = relation.alternatives.iter().map(|a| (a, index.satisfying(a))).collect();
                if candidates.iter().flat_map(|(_, found)| found).any(|found| chosen.contains_key(found.name)) {
                    continue;
                }
                let is_excluded = |name: &str| excluded.contains(name);
                let decisive =
                    candidates.iter().find(|(alternative, found)| !found.is_empty() || is_excluded(alternative.name));
                match decisive {
                    Some((alternative, found))
                        if is_excluded(alternative.name) || found.iter().any(|p| is_excluded(p.name)) => {}
                    Some((_, found)) => {
                        chosen.insert(found[0].name, found[0]);
                        queue.push_back(found[0]);
                    }
                    None => {
                        let there = relation.alternatives.iter().filter_map(|a| index.get(a.name));
                        problems.insert(Unsatisfied {
                            wanted_by: Some(package.name.to_owned()),
                            relation: relation.to_string(),
                            there: there.map(|p| format!("{} {}", p.name, p.version)).collect(),
                        });
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(chosen.into_values().collect()) } else { Err(problems.into_iter().collect()) }
}
