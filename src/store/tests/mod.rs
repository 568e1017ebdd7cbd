//! Tests of the store.

mod child;
mod damage;
mod faults;
mod import;
mod objects;
mod together;
mod trees;

use std::os::fd::AsFd;
use std::path::Path;

use tempfile::TempDir;

use super::{ImportRules, Result, Store};
use crate::digest::Digest;
use crate::digest::reapi::{ActionResult, OutputDirectory};

/// A folder that goes away with the value, and a new store in it.
fn store() -> (TempDir, Store) {
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(&temporary.path().join("store")).expect("a new store opens");
    (temporary, store)
}

/// Imports a folder by the default rules.
fn import(store: &Store, path: &Path) -> Result<Digest> {
    let dir = std::fs::File::open(path).expect("the folder opens");
    store.import(dir.as_fd(), path, &ImportRules::default())
}

/// Makes a file and the folders on the way.
fn write(root: &Path, path: &str, content: &[u8], mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("it has one")).expect("made");
    std::fs::write(&path, content).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
}

/// A result that leaves one tree.
fn result(tree: Digest) -> ActionResult {
    let directory = OutputDirectory { path: "out".into(), root_directory_digest: Some(tree.into()) };
    ActionResult { output_directories: vec![directory], exit_code: 0, stdout_digest: None, execution_metadata: None }
}

/// The folder's paths with type, mode, link target or content, sorted.
fn show(root: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let dir = crate::fs::Dir::open(root).expect("opens");
    let mut lines = Vec::new();
    crate::fs::walk::<crate::fs::Error>(&dir, &mut |walked| {
        let path = root.join(walked.path);
        let meta = std::fs::symlink_metadata(&path).expect("it is there");
        assert_eq!(meta.mtime(), super::EPOCH, "{}", path.display());
        let what = match meta.file_type() {
            kind if kind.is_dir() => "/".to_owned(),
            kind if kind.is_symlink() => format!(" -> {}", std::fs::read_link(&path).expect("a link").display()),
            _ => format!(" {:?}", String::from_utf8_lossy(&std::fs::read(&path).expect("readable"))),
        };
        let mode = if meta.is_symlink() { 0o777 } else { meta.mode() & 0o7777 };
        lines.push(format!("{mode:04o} {}{what}", walked.path.display()));
        Ok(())
    })
    .expect("walks");
    lines
}
