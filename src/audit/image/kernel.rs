//! Kernels, their modules, and what was compiled for other ones.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, objects};
use crate::audit::elf::Module;
use crate::audit::finding::{Evidence, Finding};
use crate::audit::rules;
use crate::audit::tree::{Node, Root};

const MODULES: [&str; 2] = ["lib/modules/", "usr/lib/modules/"];

/// Whether a path lies in the modules of a kernel: the release, and the path below its directory.
fn below(path: &str) -> Option<(&str, &str)> {
    MODULES.iter().find_map(|place| path.strip_prefix(place)?.split_once('/'))
}

/// A module's name as others name it.
fn name(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"].iter().find_map(|end| name.strip_suffix(end))?;
    Some(stem.replace('-', "_"))
}

pub(super) fn check(root: &Root, kernels: &BTreeSet<String>, found: &mut Vec<Finding>) {
    let mut names: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for path in root.nodes.keys() {
        if let Some((release, rest)) = below(path) {
            names.entry(release).or_default().extend(name(rest));
        }
    }
    for (path, node, file) in files(root) {
        let Some((release, rest)) = below(path) else { continue };
        let known = names.entry(release).or_default();
        let content = file.content.as_deref().map(String::from_utf8_lossy);
        if rest == "modules.builtin" {
            known.extend(content.iter().flat_map(|text| text.lines()).filter_map(name));
        }
        if rest == "modules.dep" {
            let text = content.unwrap_or_default();
            dependencies(root, path, node, &text, found);
        }
    }
    for (path, node, elf) in objects(root) {
        if let (Some(module), Some((release, _))) = (&elf.module, below(path)) {
            versions(node, module, release, kernels, found);
            let known = names.get(release);
            for missing in
                module.depends.iter().filter(|name| known.is_none_or(|known| !known.contains(&name.replace('-', "_"))))
            {
                let finding =
                    Finding::new(&rules::KERNEL_MODULE_DEPENDENCY, &node.object, format!("it depends on `{missing}`"));
                found.push(
                    finding.because(Evidence::value(".modinfo", format!("depends={}", module.depends.join(",")))),
                );
            }
        }
        let oldest = kernels.iter().filter_map(|release| version(release)).min();
        if let (Some(wanted), Some(kernel)) = (elf.kernel, oldest)
            && wanted > kernel
        {
            let dots = |version: [u32; 3]| version.map(|number| number.to_string()).join(".");
            let message = format!("it asks for Linux {}, the kernel is {}", dots(wanted), dots(kernel));
            found.push(
                Finding::new(&rules::KERNEL_TOO_OLD, &node.object, message)
                    .because(Evidence::value(".note.ABI-tag", dots(wanted))),
            );
        }
    }
    headers(root, kernels, found);
}

fn versions(node: &Node, module: &Module, release: &str, kernels: &BTreeSet<String>, found: &mut Vec<Finding>) {
    let own = module.vermagic.split(' ').next().unwrap_or_default();
    let evidence = Evidence::value(".modinfo", format!("vermagic={}", module.vermagic));
    let message = if own != release {
        format!("it is for kernel {own}, its directory for {release}")
    } else if !kernels.is_empty() && !kernels.contains(release) {
        let delivered: Vec<&str> = kernels.iter().map(String::as_str).collect();
        format!("it is for kernel {own}, delivered is {}", delivered.join(", "))
    } else {
        return;
    };
    found.push(Finding::new(&rules::KERNEL_MODULE_VERSION, &node.object, message).because(evidence));
}

/// `modules.dep`: `module: those that it needs`, by paths below the directory or from the root.
fn dependencies(root: &Root, path: &str, node: &Node, text: &str, found: &mut Vec<Finding>) {
    let folder = super::parent(path);
    let missing: BTreeSet<&str> = text
        .split([' ', ':', '\n'])
        .filter(|word| !word.is_empty())
        .filter(|word| {
            let full = word.strip_prefix('/').map_or_else(|| format!("{folder}/{word}"), str::to_owned);
            !matches!(super::paths::resolve(root, &full), super::paths::Found::At(_))
        })
        .collect();
    if let Some(first) = missing.first() {
        let mut finding = Finding::new(
            &rules::KERNEL_MODULE_DEPENDENCY,
            &node.object,
            format!("it names `{first}`, which is not there"),
        );
        finding.evidence = missing.iter().take(5).map(|word| Evidence::value("modules.dep", *word)).collect();
        finding.more = missing.len().saturating_sub(5) as u64;
        found.push(finding);
    }
}

/// The three numbers at the start of a release.
fn version(release: &str) -> Option<[u32; 3]> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0)])
}

/// `LINUX_VERSION_CODE` of `linux/version.h`.
fn headers(root: &Root, kernels: &BTreeSet<String>, found: &mut Vec<Finding>) {
    let Some(kernel) = kernels.iter().filter_map(|release| version(release)).min() else { return };
    for (path, node, file) in files(root).filter(|(path, _, _)| path.ends_with("include/linux/version.h")) {
        let text = String::from_utf8_lossy(file.content.as_deref().unwrap_or_default());
        let code =
            text.lines().find_map(|line| line.strip_prefix("#define LINUX_VERSION_CODE")?.trim().parse::<u32>().ok());
        let Some(code) = code else { continue };
        let headers = [code >> 16, (code >> 8) & 0xff, code & 0xff];
        if headers > kernel {
            let dots = |version: [u32; 3]| version.map(|number| number.to_string()).join(".");
            let message = format!("the headers are of Linux {}, the kernel is {}", dots(headers), dots(kernel));
            let place = format!("{path}, LINUX_VERSION_CODE");
            found.push(
                Finding::new(&rules::KERNEL_HEADERS_NEWER, &node.object, message)
                    .because(Evidence::value(place, code.to_string())),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_names() {
        assert_eq!(version("6.1.148-1-amd64"), Some([6, 1, 148]));
        assert_eq!(version("6.1"), Some([6, 1, 0]));
        assert_eq!(version("linux"), None);
        assert_eq!(name("kernel/fs/nls-utf8.ko.xz").as_deref(), Some("nls_utf8"));
        assert_eq!(name("modules.dep"), None);
        assert_eq!(below("lib/modules/6.1/kernel/x.ko"), Some(("6.1", "kernel/x.ko")));
    }
}
