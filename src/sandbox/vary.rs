//! What of a stage's surroundings can be made otherwise, to see whether its output depends on it.
//!
//! A variation changes what the stage could notice of its machine and user. It never takes isolation away: namespaces,
//! capabilities, the filter and the inputs stay as they are. What a stage leaves under a variation is no result of its
//! action, and is only compared with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::answers::{Answers, Random};
use super::plan::{Plan, Step};

/// Devices that give random numbers.
const RANDOM: [&str; 2] = ["random", "urandom"];

/// Other surroundings. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variation {
    /// User and group id.
    pub identity: Option<(u32, u32)>,
    /// File mode creation mask.
    pub umask: Option<u32>,
    /// Host name and NIS domain name.
    pub names: Option<(String, String)>,
    /// Variables that are set, also in place of what the stage asks for.
    pub env: BTreeMap<String, String>,
    /// Another absolute path of the working directory, which is at `/build` as well.
    pub build_path: Option<String>,
    /// Whether addresses are randomised.
    pub addresses: bool,
    /// The process id that the program's is greater than.
    pub process_ids: Option<u32>,
    /// How many processors its processes may run on.
    pub processors: Option<u32>,
    /// What is answered in place of the kernel; some nothing, to hear what is asked.
    pub answers: Option<Answers>,
    /// A directory of this host for all that it writes, in place of a tmpfs: absolute, empty, and the caller's to remove.
    pub scratch: Option<PathBuf>,
}

impl Variation {
    /// Changes a plan accordingly.
    pub fn apply(&self, plan: &mut Plan) {
        let mut steps = Vec::with_capacity(plan.steps.len() + 3);
        for mut step in plan.steps.drain(..) {
            match &mut step {
                Step::Identity { uid, gid } => {
                    if let Some(identity) = self.identity {
                        (*uid, *gid) = identity;
                    }
                    // Before the scratch space covers the host's /proc.
                    steps.push(step);
                    steps.extend(self.process_ids.map(|after| Step::ProcessIds { after }));
                    continue;
                }
                Step::HostName { host, domain } => {
                    if let Some(names) = &self.names {
                        (*host, *domain) = names.clone();
                    }
                }
                Step::Scratch { .. } => {
                    if let Some(path) = &self.scratch {
                        step = Step::ScratchFolder { path: path.clone() };
                    }
                }
                Step::Root { points, .. } => {
                    for part in self.build_path.iter().flat_map(|path| parents(path)) {
                        if !points.contains(&part) {
                            points.push(part);
                        }
                    }
                }
                Step::Space { at, .. } if at == "/build" => {
                    steps.push(step);
                    let again = |at: &String| Step::Again { at: at.clone(), of: "/build".to_owned() };
                    steps.extend(self.build_path.as_ref().map(again));
                    continue;
                }
                Step::Umask { mask } => *mask = self.umask.unwrap_or(*mask),
                Step::Personality { persona } if self.addresses => *persona = 0,
                Step::Devices { nodes, random, .. } => match self.answers.as_ref().map(|answers| answers.random) {
                    None => {}
                    Some(Random::Fixed(seed)) => {
                        nodes.retain(|node| !RANDOM.contains(&node.as_str()));
                        *random = Some(seed);
                    }
                    Some(Random::Real) if random.take().is_some() => nodes.extend(RANDOM.map(str::to_owned)),
                    Some(Random::Real) => {}
                },
                Step::Supervise { .. } if self.answers.is_some() => continue,
                Step::Spawn => {
                    let supervise = |answers: &Answers| Step::Supervise { answers: answers.clone() };
                    steps.extend(self.answers.as_ref().map(supervise));
                }
                Step::Scheduling => {
                    steps.push(step);
                    steps.extend(self.processors.map(|count| Step::Processors { count }));
                    continue;
                }
                Step::Directory { path } if path == "/build" => {
                    if let Some(build) = &self.build_path {
                        path.clone_from(build);
                    }
                }
                Step::Execute { env, .. } => {
                    env.extend(self.env.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                _ => {}
            }
            steps.push(step);
        }
        plan.steps = steps;
    }
}

/// A path and the directories above it, the highest first.
fn parents(path: &str) -> Vec<String> {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    ends.map(|end| path[..end].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::StagePlan;
    use crate::stage::Level;

    #[test]
    fn nothing_changes_nothing() {
        let plan = StagePlan { tools: vec!["/x".into()], argv: vec!["/bin/sh".into()], ..StagePlan::default() }.plan();
        let mut other = plan.clone();
        Variation::default().apply(&mut other);
        assert_eq!(plan, other);
    }

    #[test]
    fn a_level_is_left_for_another() {
        let of = |level| StagePlan { argv: vec!["/bin/sh".into()], level, ..StagePlan::default() }.plan();
        for (from, to) in
            [(Level::Strict, Level::Steady), (Level::Steady, Level::Strict), (Level::Isolated, Level::Strict)]
        {
            let mut plan = of(from);
            Variation { answers: Answers::of(to), ..Variation::default() }.apply(&mut plan);
            assert_eq!(plan, of(to));
        }
        // Only listening: what is left of the level is nothing.
        let mut plan = of(Level::Strict);
        Variation { answers: Some(Answers::default()), ..Variation::default() }.apply(&mut plan);
        plan.steps.retain(|step| !matches!(step, Step::Supervise { .. }));
        assert_eq!(plan, of(Level::Isolated));
    }

    #[test]
    fn a_path_comes_after_those_above_it() {
        assert_eq!(parents("/a/b/c"), ["/a", "/a/b", "/a/b/c"]);
        assert_eq!(parents("/a"), ["/a"]);
    }
}
