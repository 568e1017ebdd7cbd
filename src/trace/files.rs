//! What lies where in a stage's file system, at the point that its events have reached.
//!
//! It begins with what the stage was given, which does not change while it runs, and goes on with what its calls did. So
//! nobody has to look at the stage's own file system, where everything may be otherwise by now.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

use super::model::{PathId, ROOT};
use super::paths::Paths;
use super::program::HEAD;
use super::table::{Table, hash};
use crate::sandbox::{Plan, Step};

/// As many links as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Number of a file or directory.
pub(super) type Node = u32;

/// The root directory.
pub(super) const TOP: Node = 0;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    File,
    Directory,
    /// A symbolic link, with its target.
    Link(Vec<u8>),
    /// A device, fifo or socket.
    Other,
    /// `/proc`, and all below.
    Proc,
    /// It is there, but came in a way that was not heard of.
    Something,
}

/// What a stage was given, at a place of its own.
#[derive(Debug)]
struct Given {
    /// Directories of this host, first on top.
    layers: Vec<OwnedFd>,
}

#[derive(Debug)]
struct Entry {
    directory: Node,
    name: Box<[u8]>,
    /// None: nothing is there.
    node: Option<Node>,
}

#[derive(Debug)]
struct Inode {
    what: What,
    /// Where its content was at the start: number of what was given, and a path in there.
    given: Option<(u16, Box<[u8]>)>,
    /// Of a directory: the entry that it is at.
    entry: Option<u32>,
    /// Of a directory: its path, and when that was found.
    path: PathId,
    epoch: u32,
}

/// The file system.
#[derive(Debug)]
pub(super) struct Files {
    nodes: Vec<Inode>,
    entries: Vec<Entry>,
    table: Table,
    given: Vec<Given>,
    /// Grows when a directory moves: then paths have to be found again.
    epoch: u32,
}

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// The path, without symbolic links as far as they are known.
    pub(super) path: PathId,
    /// The directory of its last name. None: it is not there, or the path does not end with a name.
    pub(super) directory: Option<Node>,
    /// What is there.
    pub(super) node: Option<Node>,
}

/// What the links of a process's own folder in `/proc` lead to.
pub(super) trait Own {
    /// The target of `fd/7`, `cwd`, `exe` or `root`.
    fn link(&self, name: &[u8]) -> Option<(PathId, Option<Node>)>;
}

impl Files {
    /// What a stage with this plan begins with.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut files =
            Self { nodes: Vec::new(), entries: Vec::new(), table: Table::default(), given: Vec::new(), epoch: 1 };
        files.add(What::Directory, None);
        for step in &plan.steps {
            match step {
                Step::Root { lower, points } => {
                    files.nodes[TOP as usize].given = Some((files.open(lower), Box::default()));
                    for point in points {
                        files.mount(point, What::Directory, None);
                    }
                }
                Step::Tree { at, lower, .. } => {
                    let given = files.open(lower);
                    files.mount(at, What::Directory, Some((given, Box::default())));
                }
                Step::Space { at, .. } => files.mount(at, What::Directory, None),
                Step::Proc => files.mount("/proc", What::Proc, None),
                Step::Devices { nodes, terminal, random } => {
                    files.mount("/dev", What::Directory, None);
                    let made: &[&str] = if random.is_some() { &["random", "urandom"] } else { &[] };
                    for node in nodes.iter().map(String::as_str).chain(made.iter().copied()) {
                        files.mount(&format!("/dev/{node}"), What::Other, None);
                    }
                    let own = [("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")];
                    for (name, target) in own {
                        let target = format!("/proc/self/{target}").into_bytes();
                        files.mount(&format!("/dev/{name}"), What::Link(target), None);
                    }
                    if *terminal {
                        files.mount("/dev/pts", What::Directory, None);
                        files.mount("/dev/ptmx", What::Link(b"pts/ptmx".to_vec()), None);
                    }
                }
                _ => {}
            }
        }
        files
    }

    fn open(&mut self, lower: &[PathBuf]) -> u16 {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // One that cannot be opened is one that the sandbox could not mount.
        let layers = lower.iter().filter_map(|path| rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()).collect();
        self.given.push(Given { layers });
        (self.given.len() - 1) as u16
    }

    fn mount(&mut self, at: &str, what: What, given: Option<(u16, Box<[u8]>)>) {
        let mut directory = TOP;
        let mut names = at.split('/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                let node = self.add(what, given);
                self.put(directory, name.as_bytes(), Some(node));
                return;
            }
            directory = match self.child(directory, name.as_bytes()) {
                Some(node) => node,
                None => {
                    let node = self.add(What::Directory, None);
                    self.put(directory, name.as_bytes(), Some(node));
                    node
                }
            };
        }
    }

    /// A new node that is nowhere yet.
    pub(super) fn add(&mut self, what: What, given: Option<(u16, Box<[u8]>)>) -> Node {
        self.nodes.push(Inode { what, given, entry: None, path: ROOT, epoch: 0 });
        (self.nodes.len() - 1) as Node
    }

    pub(super) fn what(&self, node: Node) -> &What {
        &self.nodes[node as usize].what
    }

    fn entry(&self, directory: Node, name: &[u8]) -> Option<u32> {
        self.table.find(hash(directory.into(), name), |at| {
            let entry = &self.entries[at as usize];
            entry.directory == directory && *entry.name == *name
        })
    }

    /// Puts a node, or nothing, in the place of what is there.
    pub(super) fn put(&mut self, directory: Node, name: &[u8], node: Option<Node>) {
        let at = self.entry(directory, name).unwrap_or_else(|| {
            let at = self.entries.len() as u32;
            self.entries.push(Entry { directory, name: name.into(), node: None });
            let entries = &self.entries;
            self.table.insert(at, |at| {
                let entry = &entries[at as usize];
                hash(entry.directory.into(), &entry.name)
            });
            at
        });
        self.entries[at as usize].node = node;
        let Some(node) = node else { return };
        let inode = &mut self.nodes[node as usize];
        if matches!(inode.what, What::Directory | What::Proc) && inode.entry != Some(at) {
            inode.entry = Some(at);
            self.epoch += 1;
        }
    }

    /// What has this name in a directory.
    pub(super) fn child(&mut self, directory: Node, name: &[u8]) -> Option<Node> {
        if let Some(at) = self.entry(directory, name) {
            return self.entries[at as usize].node;
        }
        let node = self.look(directory, name);
        self.put(directory, name, node);
        node
    }

    /// What a directory was given under this name.
    fn look(&mut self, directory: Node, name: &[u8]) -> Option<Node> {
        let (given, folder) = self.nodes[directory as usize].given.as_ref()?;
        let given = *given;
        let path: Box<[u8]> = match folder.is_empty() {
            true => name.into(),
            false => [folder, &b"/"[..], name].concat().into(),
        };
        let layers = &self.given[usize::from(given)].layers;
        let what = layers.iter().find_map(|layer| {
            let stat = rustix::fs::statat(layer, &*path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            Some(match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => What::File,
                FileType::Directory => What::Directory,
                FileType::Symlink => What::Link(rustix::fs::readlinkat(layer, &*path, Vec::new()).ok()?.into_bytes()),
                _ => What::Other,
            })
        })?;
        Some(self.add(what, Some((given, path))))
    }

    /// The first bytes of a file that the stage was given.
    pub(super) fn head(&self, node: Node) -> Option<Vec<u8>> {
        let (given, path) = self.nodes[node as usize].given.as_ref()?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let layers = &self.given[usize::from(*given)].layers;
        let file = layers.iter().find_map(|layer| rustix::fs::openat(layer, &**path, flags, Mode::empty()).ok())?;
        let mut head = vec![0; HEAD];
        let got = rustix::io::pread(&file, &mut head, 0).ok()?;
        head.truncate(got);
        Some(head)
    }

    /// What the stage was given here is no longer there.
    pub(super) fn forget_content(&mut self, node: Node) {
        let inode = &mut self.nodes[node as usize];
        if inode.what != What::Directory {
            inode.given = None;
        }
    }

    /// The path of a directory, as it is now.
    pub(super) fn path(&mut self, paths: &mut Paths, directory: Node) -> PathId {
        if directory == TOP {
            return ROOT;
        }
        let inode = &self.nodes[directory as usize];
        if inode.epoch == self.epoch {
            return inode.path;
        }
        let Some(entry) = inode.entry else { return inode.path };
        let up = self.path(paths, self.entries[entry as usize].directory);
        let path = paths.child(up, &self.entries[entry as usize].name);
        let inode = &mut self.nodes[directory as usize];
        inode.path = path;
        inode.epoch = self.epoch;
        path
    }

    fn parent(&self, directory: Node) -> Node {
        let entry = self.nodes[directory as usize].entry;
        entry.map_or(TOP, |entry| self.entries[entry as usize].directory)
    }

    /// Follows a path from a directory. Symbolic links on the way are added to `followed`, which is empty at the start.
    pub(super) fn walk(
        &mut self,
        paths: &mut Paths,
        from: Node,
        path: &[u8],
        follow_last: bool,
        own: &dyn Own,
        followed: &mut Vec<PathId>,
    ) -> Found {
        let mut at = if path.first() == Some(&b'/') { TOP } else { from };
        let mut rest = std::borrow::Cow::Borrowed(path);
        loop {
            let begin = rest.iter().position(|byte| *byte != b'/').unwrap_or(rest.len());
            let end = rest[begin..].iter().position(|byte| *byte == b'/').map_or(rest.len(), |end| begin + end);
            let (name, after) = (&rest[begin..end], &rest[end..]);
            let last = after.iter().all(|byte| *byte == b'/');
            match name {
                b"" => return Found { path: self.path(paths, at), directory: None, node: Some(at) },
                b"." => {}
                b".." => at = self.parent(at),
                _ if *self.what(at) == What::Proc => match self.in_proc(paths, at, &rest[begin..], follow_last, own) {
                    Ok(found) => return found,
                    Err((directory, beyond)) => {
                        at = directory;
                        rest = rest[begin + beyond..].to_vec().into();
                        continue;
                    }
                },
                _ => {
                    let node = self.child(at, name);
                    match node.map(|node| self.what(node)) {
                        // A slash at the end wants a directory, and follows.
                        Some(What::Link(target)) if follow_last || !after.is_empty() => {
                            let joined = [target, after].concat();
                            let here = self.path(paths, at);
                            followed.push(paths.child(here, name));
                            if followed.len() > MOST_LINKS {
                                return Found { path: followed[0], directory: None, node: None };
                            }
                            if joined.first() == Some(&b'/') {
                                at = TOP;
                            }
                            rest = joined.into();
                            continue;
                        }
                        Some(What::Directory | What::Proc) if !last => at = node.unwrap_or(TOP),
                        _ if last => {
                            let here = self.path(paths, at);
                            return Found { path: paths.child(here, name), directory: Some(at), node };
                        }
                        // Below what is no directory is nothing.
                        _ => {
                            let here = self.path(paths, at);
                            return Found { path: lexical(paths, here, &rest[begin..]), directory: None, node: None };
                        }
                    }
                }
            }
            rest = match rest {
                std::borrow::Cow::Borrowed(rest) => rest[end..].into(),
                std::borrow::Cow::Owned(rest) => rest[end..].to_vec().into(),
            };
        }
    }

    /// Goes on in `/proc`. Err: from this directory, after so many bytes of the rest.
    fn in_proc(
        &mut self,
        paths: &mut Paths,
        at: Node,
        rest: &[u8],
        follow_last: bool,
        own: &dyn Own,
    ) -> Result<Found, (Node, usize)> {
        let mut names = rest.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let itself = matches!(names.next(), Some(b"self" | b"thread-self"));
        // What of the rest is a link of its own folder: `fd/7` or `cwd`.
        let mut link: Vec<u8> = names.next().unwrap_or_default().to_vec();
        if link == b"fd"
            && let Some(number) = names.next()
        {
            link.extend_from_slice(&[b"/", number].concat());
        }
        let beyond = names.next().map(|next| next.as_ptr() as usize - rest.as_ptr() as usize);
        if itself
            && (beyond.is_some() || follow_last)
            && let Some((path, node)) = own.link(&link)
        {
            return match (beyond, node) {
                (Some(beyond), Some(node)) if matches!(self.what(node), What::Directory) => Err((node, beyond)),
                (Some(beyond), _) => {
                    Ok(Found { path: lexical(paths, path, &rest[beyond..]), directory: None, node: None })
                }
                (None, node) => Ok(Found { path, directory: None, node }),
            };
        }
        let here = self.path(paths, at);
        let path = lexical(paths, here, rest);
        Ok(Found { path, directory: None, node: None })
    }
}

/// A path of which nothing is known, by its names.
fn lexical(paths: &mut Paths, from: PathId, rest: &[u8]) -> PathId {
    let names = rest.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.fold(from, |at, name| if name == b".." { paths.parent(at) } else { paths.child(at, name) })
}
