//! What the output of a stage is judged by, besides the project's `audit.toml`.

use super::elf::Machine;
use super::leak::Surroundings;
use super::rules;
use crate::digest::Digest;
use crate::stage::{ParamValues, Stage};

/// A name for all that an audit's answer depends on, except for what is audited and `audit.toml`: the rules, what of this
/// machine is looked for, and `program`, which tells one build of this program from another.
pub fn standard(around: &Surroundings, program: &str) -> Digest {
    let mut text = format!("{}\n{program}\n", env!("CARGO_PKG_VERSION"));
    for rule in rules::ALL {
        text.push_str(&format!("{} {}\n", rule.id, rule.severity));
    }
    // Quoted, so that no two of them look the same.
    text.push_str(&format!("{around:?}\n"));
    Digest::of(text.as_bytes())
}

/// The machine that a stage builds for, if it says so by the parameter `arch`.
pub fn machine_of(stage: &Stage, params: &ParamValues) -> Option<Machine> {
    let arch = stage.params.iter().find(|param| *param == "arch")?;
    Machine::from_name(params.get(arch)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_looked_for_counts() {
        let around = Surroundings { user: "alice".into(), ..Surroundings::default() };
        let first = standard(&around, "a");
        assert_eq!(first, standard(&around, "a"));
        assert_ne!(first, standard(&around, "b"));
        assert_ne!(first, standard(&Surroundings { user: "bob".into(), ..around.clone() }, "a"));
        assert_ne!(first, standard(&Surroundings { user: String::new(), host: "alice".into(), ..around }, "a"));
    }
}
