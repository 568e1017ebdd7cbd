//! Paths within a root, resolved as the kernel does, path_resolution(7).

/// As the kernel: more links than this on the way are a loop.
const LINKS: usize = 40;

/// What a path of a root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A directory.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link, with its target.
    Link(&'a str),
    /// A device, a fifo or a socket.
    Special,
}

/// Files at paths.
pub trait Tree {
    /// What is at a path, which is relative and without `.` and `..`; none if nothing is.
    fn kind(&self, path: &str) -> Option<Kind<'_>>;
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// To this path, which is no link.
    At(String),
    /// To nothing; the first path that is missing.
    Missing(String),
    /// Round in circles.
    Loop,
}

/// Follows a path from the root; a leading `/` means nothing. `..` at the root stays there. `passed` hears of each link on
/// the way.
pub fn resolve<T: Tree + ?Sized>(tree: &T, path: &str, passed: &mut dyn FnMut(&str)) -> Found {
    let mut todo: Vec<String> = parts(path).rev().map(str::to_owned).collect();
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
        done.push_str(&part);
        match tree.kind(&done) {
            None => return Found::Missing(done),
            Some(Kind::Link(target)) => {
                links += 1;
                if links > LINKS {
                    return Found::Loop;
                }
                passed(&done);
                done.truncate(if target.starts_with('/') { 0 } else { before });
                todo.extend(parts(target).rev().map(str::to_owned));
            }
            Some(Kind::Folder) => {}
            // A file cannot have anything below it.
            Some(_) if !todo.is_empty() => return Found::Missing(format!("{done}/{}", todo[todo.len() - 1])),
            Some(_) => {}
        }
    }
    Found::At(done)
}

/// The names of a path.
pub fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

/// The directory that a path lies in; empty for the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `target` as seen from the directory `folder`, by its text alone; nothing when `..` leads out of the root.
pub fn join(folder: &str, target: &str) -> Option<String> {
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

    struct Links(BTreeMap<&'static str, Option<&'static str>>);

    impl Tree for Links {
        fn kind(&self, path: &str) -> Option<Kind<'_>> {
            self.0.get(path).map(|target| target.map_or(Kind::Folder, Kind::Link))
        }
    }

    #[test]
    fn as_the_kernel_does() {
        let root = Links(BTreeMap::from([
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
        ]));
        let at = |path: &str| Found::At(path.to_owned());
        for (path, want, links) in [
            ("/lib/x", at("usr/lib/x"), "lib"),
            ("a", at("usr/lib/x"), "a lib"),
            ("b", at("usr/lib/x"), "b"),
            ("lib/../lib/x", at("usr/lib/x"), "lib"),
            ("self/self/usr", at("usr"), "self self"),
            ("/", at(""), ""),
            ("..", at(""), ""),
            ("e", Found::Missing("usr/none".to_owned()), "e"),
        ] {
            let mut passed = Vec::new();
            assert_eq!(resolve(&root, path, &mut |link| passed.push(link.to_owned())), want, "{path}");
            assert_eq!(passed.join(" "), links, "{path}");
        }
        assert_eq!(resolve(&root, "c", &mut |_| ()), Found::Loop);
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
