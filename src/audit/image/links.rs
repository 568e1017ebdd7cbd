//! Symbolic links and modes.

use super::paths::{Found, join, resolve};
use super::{Scope, parent};
use crate::audit::finding::{Evidence, Finding, Severity};
use crate::audit::leak::Needles;
use crate::audit::rules;
use crate::audit::tree::{Node, Root, What};

/// Directories that are filled when the system runs.
const RUNNING: [&str; 8] = ["proc", "sys", "dev", "run", "tmp", "var/run", "var/tmp", "var/lock"];

pub(super) fn check(root: &Root, scope: Scope, needles: &Needles, found: &mut Vec<Finding>) {
    for (path, node) in &root.nodes {
        match &node.what {
            What::Symlink(target) => found.extend(link(root, scope, needles, path, node, target)),
            What::File(_) => found.extend(modes(node)),
            What::Directory if node.mode & 0o1002 == 0o002 => found.push(writable(node)),
            What::Directory | What::Special => {}
        }
    }
}

fn link(root: &Root, scope: Scope, needles: &Needles, path: &str, node: &Node, target: &str) -> Vec<Finding> {
    let finding =
        |rule, message: String| Finding::new(rule, &node.object, message).because(Evidence::value("target", target));
    let absolute = target.starts_with('/');
    // A system may have such directories of its own.
    if absolute && needles.is_foreign(target) && !matches!(resolve(root, target), Found::At(_)) {
        return vec![finding(&rules::SYMLINK_FOREIGN, format!("it leads to `{target}`"))];
    }
    let mut list = Vec::new();
    if absolute && scope != Scope::Loose {
        list.push(finding(&rules::SYMLINK_ABSOLUTE, format!("it leads to `{target}`")));
    }
    let lexical = join(parent(path), target);
    if lexical.is_none() && scope != Scope::Loose {
        list.push(finding(&rules::SYMLINK_ESCAPES, format!("`{target}` leads out of the root")));
    }
    let inside = lexical.is_some() && !absolute;
    match resolve(root, path) {
        Found::At(_) => {}
        Found::Loop => list.push(finding(&rules::SYMLINK_LOOP, format!("`{target}` leads back to it"))),
        Found::Missing(missing) => {
            let running = RUNNING
                .iter()
                .any(|place| missing.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
            let message = format!("there is no `{missing}`");
            match scope {
                Scope::Whole if !running => list.push(finding(&rules::SYMLINK_DANGLING, message)),
                // The rest of the system may have it.
                Scope::Part | Scope::Loose if inside => {
                    list.push(Finding { severity: Severity::Note, ..finding(&rules::SYMLINK_DANGLING, message) });
                }
                _ => {}
            }
        }
    }
    list
}

fn modes(node: &Node) -> Vec<Finding> {
    let mode = Evidence::value("mode", format!("{:04o}", node.mode));
    let mut list = Vec::new();
    for (bit, rule, what) in [(0o4000, &rules::MODE_SETUID, "owner's"), (0o2000, &rules::MODE_SETGID, "group's")] {
        // setgid without execution means locking, and nothing to Linux.
        if node.mode & bit != 0 && node.mode & 0o111 != 0 {
            list.push(
                Finding::new(rule, &node.object, format!("it runs with its {what} rights")).because(mode.clone()),
            );
        }
    }
    if node.mode & 0o002 != 0 {
        list.push(writable(node));
    }
    list
}

fn writable(node: &Node) -> Finding {
    let mode = Evidence::value("mode", format!("{:04o}", node.mode));
    Finding::new(&rules::MODE_WORLD_WRITABLE, &node.object, "everybody may write to it").because(mode)
}
