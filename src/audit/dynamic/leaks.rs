//! Headers, start files and libraries of `tools` that went into a file.

use std::collections::BTreeMap;

use super::{Case, acted, loaded, read};
use crate::audit::error::Error;
use crate::audit::finding::Finding;
use crate::audit::rules::{self, Rule};
use crate::provenance::{Given, Reached, Role, What};

/// Folders of what belongs to a compiler itself.
const COMPILERS: [&str; 3] = ["lib/gcc/", "lib64/gcc/", "lib/clang/"];

pub(super) fn judge(case: &mut Case<'_, '_>, reached: &[Reached]) -> Result<Vec<Finding>, Error> {
    let mut found: BTreeMap<(&str, &str), Finding> = BTreeMap::new();
    let mut own = BTreeMap::new();
    for one in reached.iter().filter(|one| one.given.role == Role::Tools && !is_compilers(&one.given)) {
        let (rule, kind): (&'static Rule, _) = match one.what {
            What::Header => (&rules::LEAK_HEADER, "header"),
            What::StartFile => (&rules::LEAK_START_FILE, "start file"),
            What::Archive => (&rules::LEAK_LIBRARY, "static library"),
            What::Object => (&rules::LEAK_LIBRARY, "object"),
            What::Library => (&rules::LEAK_LIBRARY, "shared library"),
            _ => continue,
        };
        if one.what == What::Library && loaded::is_own(case, one, &mut own)? {
            continue;
        }
        let key = (rule.id, one.output.as_str());
        let finding = found.entry(key).or_insert_with(|| {
            let message = format!("the {kind} `{}` of {} went into it", one.path, one.given.input);
            let finding = Finding::new(rule, case.object(&one.output), message);
            acted(&case.stage.actor(one.reader)).into_iter().fold(finding, Finding::because)
        });
        let digest = one.given.digest.map_or_else(String::new, |digest| digest.short());
        let from = format!("{}/{} ({digest})", one.given.input, one.given.place);
        read(finding, one.path.clone(), from);
    }
    Ok(found.into_values().collect())
}

/// Whether a file belongs to a compiler that a stage made: it is judged there.
fn is_compilers(given: &Given) -> bool {
    given.from.is_some() && COMPILERS.iter().any(|folder| format!("/{}", given.place).contains(&format!("/{folder}")))
}
