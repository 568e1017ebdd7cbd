//! Ed25519 keys in the files that openssl writes and reads: `openssl genpkey -algorithm ed25519`, `openssl pkey -pubout`.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use super::error::Error;
use crate::digest::Digest;
use crate::fs::{self, Dir};

/// DER up to the 32 bytes of the private key: `PrivateKeyInfo` version 0 of RFC 5958 with the OID of RFC 8410. Version 1,
/// which holds the public key too, is nothing that openssl 3.0 reads.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// DER up to the 32 bytes of the public key: `SubjectPublicKeyInfo`.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
/// No key file is longer.
const LONGEST: u64 = 64 << 10;

/// A key to sign with.
pub struct SecretKey(Ed25519KeyPair);

/// A key to check signatures with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl SecretKey {
    /// Reads a key from its PEM form.
    ///
    /// # Errors
    /// The file cannot be read, or holds no private ed25519 key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let pem = super::bundle::read_file(path, LONGEST)?;
        let wrong = |reason: String| Error::Key { path: path.to_owned(), what: "private", reason };
        if find(&pem, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err(wrong("it is encrypted".to_owned()));
        }
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem);
        let der = der.map_err(|_| wrong("it has no section `PRIVATE KEY` in PEM".to_owned()))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        Ok(Self(pair.map_err(|error| wrong(format!("it is no ed25519 key in PKCS#8 ({error})")))?))
    }

    /// Signs bytes.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref();
        PublicKey(bytes.try_into().expect("an ed25519 public key has 32 bytes"))
    }

    /// A key from its 32 secret bytes.
    fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are an ed25519 key"))
    }
}

impl PublicKey {
    /// Reads a key from its PEM form.
    ///
    /// # Errors
    /// The file cannot be read, or holds no public ed25519 key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let pem = super::bundle::read_file(path, LONGEST)?;
        let wrong = |reason: &str| Error::Key { path: path.to_owned(), what: "public", reason: reason.to_owned() };
        if find(&pem, b"PRIVATE KEY-----") {
            return Err(wrong("it is a private key"));
        }
        let mut sections = SubjectPublicKeyInfoDer::pem_slice_iter(&pem);
        let first = sections.next().and_then(Result::ok);
        let der = first.ok_or_else(|| wrong("it has no section `PUBLIC KEY` in PEM"))?;
        if sections.next().is_some() {
            return Err(wrong("it has several keys, and which of them is meant is not said"));
        }
        let key = der.strip_prefix(&SPKI).and_then(|key| key.try_into().ok());
        Ok(Self(key.ok_or_else(|| wrong("it is no ed25519 key"))?))
    }

    /// Its name: the SHA-256 of its SPKI form, in hexadecimal digits.
    pub fn id(&self) -> String {
        Digest::of(&self.spki()).hex()
    }

    /// Its name as a URI, of RFC 6920.
    pub fn uri(&self) -> String {
        let hash = Digest::of(&self.spki()).hash;
        format!("ni:///sha-256;{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash))
    }

    /// Whether `signature` is this key's, of `bytes`.
    pub fn verify(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }

    /// Its PEM form.
    pub fn to_pem(self) -> String {
        pem("PUBLIC KEY", &self.spki())
    }

    fn spki(&self) -> Vec<u8> {
        [&SPKI[..], &self.0].concat()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public().id())
    }
}

/// Makes a key: the private half in `path`, for its owner alone, the public one in `path` with `.pub` at the end. Neither
/// file may exist. The public half, and where it is.
///
/// # Errors
/// One of the files exists or cannot be written, or the system has no random bytes.
pub fn new_key(path: &Path) -> Result<(PublicKey, PathBuf), Error> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| Error::Random)?;
    let key = SecretKey::from_seed(&seed);
    let name = path.file_name().ok_or_else(|| Error::KeyName { path: path.to_owned() })?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = Dir::open(parent)?;
    let mut public = name.to_owned();
    public.push(".pub");
    let create = |name: &std::ffi::OsStr, mode: u32, text: &str| {
        let exists = || Error::KeyExists { path: path.with_file_name(name) };
        if dir.stat(name)?.is_some() {
            return Err(exists());
        }
        let file = dir.create(name, mode).map_err(|error| if error.is_existing() { exists() } else { error.into() })?;
        fs::write_all(&file, text.as_bytes(), &dir.join(name))?;
        Ok::<(), Error>(dir.sync_file(&file, name)?)
    };
    if dir.stat(name)?.is_some() {
        return Err(Error::KeyExists { path: path.to_owned() });
    }
    create(&public, 0o644, &key.public().to_pem())?;
    let made = create(name, 0o600, &pem("PRIVATE KEY", &[&PKCS8[..], &seed].concat()));
    if let Err(error) = made {
        // Without its private half it is of no use, and in the way.
        let _ = dir.remove(&public);
        return Err(error);
    }
    dir.sync()?;
    Ok((key.public(), path.with_file_name(public)))
}

/// RFC 7468. Both kinds of keys are short enough for one line.
fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn find(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

#[cfg(test)]
impl SecretKey {
    /// A key for tests.
    pub(super) fn numbered(number: u8) -> Self {
        Self::from_seed(&[number; 32])
    }
}
