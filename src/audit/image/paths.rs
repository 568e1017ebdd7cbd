//! Paths within a root, resolved as the kernel does, path_resolution(7).

use crate::audit::tree::{Root, What};

/// As the kernel: more links than this on the way are a loop.
const LINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// To this path, which is no link.
    At(String),
    /// To nothing; the first path that is missing.
    Missing(String),
    /// Round in circles.
    Loop,
}

/// Follows a path from the root; a leading `/` means nothing. `..` at the root stays there.
pub(super) fn resolve(root: &Root, path: &str) -> Found {
    let mut todo: Vec<&str> = parts(path).rev().collect();
    let mut done = String::new();
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part == ".." {
            done.truncate(done.rfind('/').unwrap_or(0));
            continue;
        }
        let before = done.len();
        if !done.is_empty() {
            done.push('/');
        }
        done.push_str(part);
        match root.nodes.get(&done).map(|node| &node.what) {
            None => return Found::Missing(done),
            Some(What::Symlink(target)) => {
                links += 1;
                if links > LINKS {
                    return Found::Loop;
                }
                done.truncate(if target.starts_with('/') { 0 } else { before });
                todo.extend(parts(target).rev());
            }
            Some(What::Directory) => {}
            // A file cannot have anything below it.
            Some(_) if !todo.is_empty() => return Found::Missing(format!("{done}/{}", todo[todo.len() - 1])),
            Some(_) => {}
        }
    }
    Found::At(done)
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

/// `target` as seen from the directory `folder`, by its text alone; nothing when `..` leads out of the root.
pub(super) fn join(folder: &str, target: &str) -> Option<String> {
    let mut done: Vec<&str> = if target.starts_with('/') { Vec::new() } else { parts(folder).collect() };
    for part in parts(target) {
        if part == ".." {
            done.pop()?;
        } else {
            done.push(part);
        }
    }
    Some(done.join("/"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::audit::tree::{Node, Shape};

    fn root(entries: &[(&str, Option<&str>)]) -> Root {
        let nodes: BTreeMap<String, Node> = entries
            .iter()
            .map(|(path, target)| {
                let what = target.map_or(What::Directory, |target| What::Symlink(target.to_owned()));
                ((*path).to_owned(), Node { object: (*path).to_owned(), mode: 0o755, what })
            })
            .collect();
        Root { label: String::new(), shape: Shape::Tree, nodes }
    }

    #[test]
    fn as_the_kernel_does() {
        let root = root(&[
            ("usr", None),
            ("usr/lib", None),
            ("usr/lib/x", None),
            ("lib", Some("usr/lib")),
            ("a", Some("/lib/x")),
            ("b", Some("../../../usr/./lib/../lib/x/")),
            ("c", Some("d")),
            ("d", Some("/c")),
            ("e", Some("usr/none/y")),
            ("self", Some(".")),
        ]);
        let at = |path: &str| Found::At(path.to_owned());
        for (path, want) in [
            ("/lib/x", at("usr/lib/x")),
            ("a", at("usr/lib/x")),
            ("b", at("usr/lib/x")),
            ("lib/../lib/x", at("usr/lib/x")),
            ("self/self/usr", at("usr")),
            ("/", at("")),
            ("..", at("")),
            ("c", Found::Loop),
            ("e", Found::Missing("usr/none".to_owned())),
        ] {
            assert_eq!(resolve(&root, path), want, "{path}");
        }
    }

    #[test]
    fn by_text_alone() {
        for (folder, target, want) in [
            ("usr/bin", "../lib/x", Some("usr/lib/x")),
            ("usr/bin", "../../../x", None),
            ("usr/bin", "/../x", None),
            ("usr/bin", "/opt/./x", Some("opt/x")),
            ("", "x", Some("x")),
        ] {
            assert_eq!(join(folder, target).as_deref(), want, "{folder} {target}");
        }
    }
}
