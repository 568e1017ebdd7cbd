//! What fetching needs of the store.

use std::error::Error as StdError;
use std::io::Read;
use std::path::Path;

use crate::digest::Digest;

/// The store's own reason for a failure.
pub type BlobError = Box<dyn StdError + Send + Sync>;

/// What fetching needs of the store; see the store's functions of the same names.
pub trait Blobs: Sync {
    /// The store's folder.
    fn root(&self) -> &Path;
    /// Whether the blob is there.
    fn contains(&self, digest: Digest) -> bool;
    /// Keeps bytes that must have this digest; refuses and removes others.
    fn put_expecting(&self, reader: &mut dyn Read, want: Digest) -> Result<(), BlobError>;
    /// Keeps bytes and says what they are.
    fn put_reader(&self, reader: &mut dyn Read) -> Result<Digest, BlobError>;
    /// A blob's bytes, verified.
    fn get_bytes(&self, digest: Digest) -> Result<Vec<u8>, BlobError>;
}
