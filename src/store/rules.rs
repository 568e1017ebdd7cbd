//! What may enter the store from a folder that a stage has left.

use crate::fs::{Kind, Meta};

/// What an import accepts. Modes become 0755 for directories and for files that their owner may execute, 0644 for
/// other files; owners and times are dropped; hard links become equal contents; symbolic links are kept as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRules {
    /// Most bytes of all files together, as their sizes tell (holes count).
    pub bytes: u64,
    /// Most files, directories and symbolic links together.
    pub entries: u64,
    /// Most directories on the way to an entry.
    pub depth: u64,
    /// Most bytes of a name.
    pub name: u64,
}

impl Default for ImportRules {
    /// 256 GiB, 8 million entries, 200 levels, names of 255 bytes: what an honest tree stays far below.
    fn default() -> Self {
        Self { bytes: 256 << 30, entries: 8_000_000, depth: 200, name: 255 }
    }
}

impl ImportRules {
    /// Why a file may not enter because of its type or mode.
    pub(super) fn offence(&self, meta: &Meta) -> Option<String> {
        match meta.kind {
            Kind::File if meta.mode & 0o6000 != 0 => {
                Some(format!("has mode {:04o}: setuid and setgid files are refused", meta.mode))
            }
            // A directory's setgid and sticky bits mean nothing once the directory's mode is 0755.
            Kind::File | Kind::Directory | Kind::Symlink => None,
            kind => Some(format!("is a {}", kind.name())),
        }
    }
}

/// Whether an extended attribute says nothing about the content: bookkeeping of overlayfs, and the label that
/// SELinux puts on every file of a host that uses it.
pub(super) fn is_bookkeeping(attribute: &[u8]) -> bool {
    attribute.starts_with(b"user.overlay.")
        || attribute.starts_with(b"trusted.overlay.")
        || attribute == b"security.selinux"
}
