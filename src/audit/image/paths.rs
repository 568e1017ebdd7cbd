//! Paths within a root.

pub(super) use crate::loader::{Found, join};

use crate::audit::tree::Root;

/// Follows a path from the root, as the kernel does.
pub(super) fn resolve(root: &Root, path: &str) -> Found {
    crate::loader::resolve(root, path, &mut |_| ())
}
