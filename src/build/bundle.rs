//! A stage as an OCI runtime bundle on disk, for stock runc and crun.

use std::path::Path;

use super::error::Error;
use super::layout;
use crate::digest::Digest;
use crate::fs;
use crate::sandbox::{Plan, oci};
use crate::store::Store;

/// Writes the bundle of `plan`, whose root is `root`, to `folder`, which is made and must be empty. The bundle's mounts
/// name the store's checkouts: it is for this machine, as long as the store keeps them.
///
/// # Errors
/// The folder is not empty or cannot be written, or an object is missing.
pub fn write(store: &Store, root: Digest, plan: &Plan, folder: &Path) -> Result<(), Error> {
    let failed = |operation, source| Error::Fs(fs::Error::Io { operation, path: folder.to_owned(), source });
    let folder = &std::path::absolute(folder).map_err(|source| failed("find", source))?;
    let rootfs = folder.join("rootfs");
    layout::copy(store, root, &rootfs)?;
    let wanted = oci::layout(plan);
    for point in &wanted.points {
        fs::create_dir_all(&rootfs.join(point.trim_start_matches('/')))?;
    }
    for name in &wanted.folders {
        fs::create_dir_all(&folder.join(name))?;
    }
    let spec = oci::spec(plan, folder, rustix::process::getuid().as_raw());
    let spec = spec.map_err(|error| failed("describe", std::io::Error::other(error)))?;
    let text = oci::canonical(&spec).map_err(|error| failed("describe", error.into()))?;
    Ok(fs::replace(&folder.join("config.json"), text.as_bytes())?)
}
