//! Interpreters of scripts, and the paths that files for builders name.

use super::paths::{Found, resolve};
use super::{Judge, Scope, files};
use crate::audit::finding::{Evidence, Finding};
use crate::audit::leak::Needles;
use crate::audit::rules;
use crate::audit::text::Script;
use crate::audit::tree::{Node, Root, What};

/// Where `env` looks: the PATH that login(1) and init set on most systems.
const PATH: [&str; 6] = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];

pub(super) fn check(root: &Root, scope: Scope, needles: &Needles, judge: &mut Judge<'_>) {
    for node in root.nodes.values() {
        let What::File(file) = &node.what else { continue };
        if let Some(script) = file.script.as_ref().filter(|_| node.mode & 0o111 != 0) {
            interpreter(root, scope, node, script, judge);
        }
    }
    for (_, node, file) in files(root) {
        for mention in &file.mentions {
            let there = matches!(resolve(root, &mention.path), Found::At(_));
            let wrong = !there && (needles.is_foreign(&mention.path) || scope == Scope::Whole);
            if wrong {
                let finding = Finding::new(mention.rule, &node.object, format!("there is no `{}`", mention.path));
                judge.found.push(finding.because(Evidence::value(format!("line {}", mention.line), &mention.path)));
            }
        }
    }
}

fn interpreter(root: &Root, scope: Scope, node: &Node, script: &Script, judge: &mut Judge<'_>) {
    let path = &script.interpreter;
    let line =
        Evidence::value("first line", format!("#!{path} {}", script.argument).trim_end().escape_debug().to_string());
    let finding = |rule, message: String| Finding::new(rule, &node.object, message).because(line.clone());
    if script.too_long {
        judge.found.push(finding(&rules::SCRIPT_LINE_TOO_LONG, "its first line is longer than 255 bytes".to_owned()));
        return;
    }
    let executable = |path: &str| match resolve(root, path) {
        Found::At(path) => {
            root.nodes.get(&path).is_some_and(|node| matches!(node.what, What::File(_)) && node.mode & 0o111 != 0)
        }
        _ => false,
    };
    let there = executable(path);
    if !path.starts_with('/') || (!there && judge.needles.is_foreign(path)) {
        judge
            .found
            .push(finding(&rules::SCRIPT_INTERPRETER_FOREIGN, format!("its interpreter is `{}`", path.escape_debug())));
        return;
    }
    let program = script.by_env();
    let program_there = program.is_none_or(|name| PATH.iter().any(|folder| executable(&format!("{folder}/{name}"))));
    let missing = if there { program.filter(|_| !program_there) } else { Some(path.as_str()) };
    match missing {
        Some(name) if scope == Scope::Whole => {
            let why = if path.ends_with('\r') { ": the line ends as on Windows" } else { "" };
            judge.found.push(finding(
                &rules::SCRIPT_INTERPRETER_MISSING,
                format!("there is no `{}`{why}", name.escape_debug()),
            ));
        }
        Some(name) => drop(judge.outside.insert(name.to_owned())),
        None => {}
    }
}
