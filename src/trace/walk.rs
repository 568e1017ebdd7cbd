//! Following a path as the kernel will, in the stage's own root.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::model::{PathId, ROOT};
use super::paths::{Kind, Paths};
use super::program::HEAD;

/// As many links as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The stage's root directory.
pub(super) struct View {
    /// Until it could be opened, nothing can be looked at.
    root: Option<OwnedFd>,
    proc: PathId,
    /// Reused.
    path: Vec<u8>,
}

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// The path without symbolic links.
    pub(super) path: PathId,
    /// What is there.
    pub(super) kind: Kind,
}

/// Resolves the links below `/proc/self`, which only the process itself has.
pub(super) trait Own {
    /// The target of `name` below the calling process's folder in `/proc`, if it is a link.
    fn link(&mut self, paths: &mut Paths, name: &[u8]) -> Option<PathId>;
}

impl View {
    pub(super) fn new(paths: &mut Paths) -> Self {
        Self { root: None, proc: paths.child(ROOT, b"proc"), path: Vec::new() }
    }

    pub(super) fn enter(&mut self, root: OwnedFd) {
        self.root = Some(root);
    }

    /// What is at a path, whose directory has no symbolic link in it. Cached as long as nobody can have changed it.
    pub(super) fn kind(&mut self, paths: &mut Paths, id: PathId) -> Kind {
        if let Some(kind) = paths.known(id) {
            return kind;
        }
        let Some(root) = &self.root else { return Kind::Unknown };
        if self.in_proc(paths, id) {
            // Other eyes see another /proc.
            return Kind::Unknown;
        }
        paths.write(id, &mut self.path);
        self.path.push(0);
        let Ok(path) = CStr::from_bytes_with_nul(&self.path) else { return Kind::Unknown };
        // Nothing of the host can be reached, whatever the stage puts in the way meanwhile.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let mut target = None;
        let kind = match rustix::fs::openat2(root, path, flags, Mode::empty(), within) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => Kind::Absent,
            Err(_) => Kind::Unknown,
            Ok(file) => match rustix::fs::statat(&file, c"", AtFlags::EMPTY_PATH) {
                Err(_) => Kind::Unknown,
                Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => Kind::File { executable: stat.st_mode & 0o111 != 0 },
                    FileType::Directory => Kind::Directory,
                    FileType::Symlink => match rustix::fs::readlinkat(&file, c"", Vec::new()) {
                        Ok(link) => {
                            target = Some(link.into_bytes());
                            Kind::Link
                        }
                        Err(_) => Kind::Unknown,
                    },
                    _ => Kind::Other,
                },
            },
        };
        if kind != Kind::Unknown {
            paths.learn(id, kind, target);
        }
        kind
    }

    /// The first bytes of a regular file.
    pub(super) fn head(&mut self, paths: &Paths, id: PathId) -> Option<Vec<u8>> {
        let root = self.root.as_ref()?;
        paths.write(id, &mut self.path);
        self.path.push(0);
        let path = CStr::from_bytes_with_nul(&self.path).ok()?;
        // Should it have become a fifo or terminal meanwhile, nothing waits and nothing becomes ours.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let file = rustix::fs::openat2(root, path, flags, Mode::empty(), within).ok()?;
        let mut head = vec![0; HEAD];
        let got = rustix::io::pread(&file, &mut head, 0).ok()?;
        head.truncate(got);
        Some(head)
    }

    fn in_proc(&self, paths: &Paths, id: PathId) -> bool {
        let mut at = id;
        while at > ROOT {
            let up = paths.parent(at);
            if up == self.proc {
                return true;
            }
            at = up;
        }
        false
    }

    /// Follows `path` from a directory. Links on the way are added to `followed`, which is empty at the start.
    pub(super) fn walk(
        &mut self,
        paths: &mut Paths,
        from: PathId,
        path: &[u8],
        follow_last: bool,
        own: &mut dyn Own,
        followed: &mut Vec<PathId>,
    ) -> Found {
        let mut at = if path.first() == Some(&b'/') { ROOT } else { from };
        let mut rest = path;
        let mut kind = Kind::Directory;
        loop {
            let name_end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            let (name, after) = rest.split_at(name_end);
            let more = after.iter().any(|byte| *byte != b'/');
            rest = after.strip_prefix(b"/").unwrap_or(after);
            match name {
                b"" | b"." => {}
                b".." => {
                    at = paths.parent(at);
                    kind = Kind::Directory;
                }
                _ if at == self.proc && matches!(name, b"self" | b"thread-self") => {
                    at = paths.child(at, b"self");
                    kind = Kind::Unknown;
                    // `fd/1` and the like lead out of /proc.
                    let own_end = if rest.starts_with(b"fd/") {
                        3 + rest[3..].iter().position(|byte| *byte == b'/').unwrap_or(rest.len() - 3)
                    } else {
                        rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len())
                    };
                    let (own_name, beyond) = rest.split_at(own_end);
                    let last = beyond.iter().all(|byte| *byte == b'/');
                    if (!last || follow_last)
                        && let Some(target) = own.link(paths, own_name)
                    {
                        at = target;
                        kind = self.kind(paths, at);
                        rest = beyond.strip_prefix(b"/").unwrap_or(beyond);
                        if last {
                            return Found { path: at, kind };
                        }
                    }
                }
                _ => {
                    at = paths.child(at, name);
                    // Below what is not there is nothing.
                    kind = if kind == Kind::Absent { kind } else { self.kind(paths, at) };
                    // A trailing slash wants a directory, and follows.
                    if kind == Kind::Link && (more || follow_last || !after.is_empty()) {
                        followed.push(at);
                        if followed.len() > MOST_LINKS {
                            return Found { path: at, kind: Kind::Absent };
                        }
                        let target = paths.target(at);
                        let mut joined = Vec::with_capacity(target.len() + 1 + rest.len());
                        joined.extend_from_slice(target);
                        joined.extend_from_slice(after);
                        let base = paths.parent(at);
                        return self.walk(paths, base, &joined, follow_last || !after.is_empty(), own, followed);
                    }
                }
            }
            if rest.is_empty() {
                return Found { path: at, kind };
            }
        }
    }
}
