//! Whose word counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::dsse::{Envelope, Signature};
use super::error::Error;
use super::key::PublicKey;

/// Public keys under the names that the user gave them.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    keys: BTreeMap<String, PublicKey>,
}

/// What a signature is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "seal", rename_all = "kebab-case")]
pub enum Seal {
    /// A trusted key made it.
    Good {
        /// The key's name here.
        name: String,
        /// SHA-256 of the key.
        key: String,
    },
    /// It claims to be of a trusted key, which did not make it.
    Bad {
        /// The key's name here.
        name: String,
        /// SHA-256 of the key.
        key: String,
    },
    /// No trusted key made it.
    Unknown {
        /// What it calls its key; null when it does not say.
        key: Option<String>,
    },
}

impl Trust {
    /// Reads the keys of `NAME=FILE`, or `FILE`, which is then named like the file.
    ///
    /// # Errors
    /// A file holds no public key, or a name or a key is there twice: each of them would count twice.
    pub fn load<S: AsRef<str>>(words: &[S]) -> Result<Self, Error> {
        let mut trust = Self::default();
        for word in words {
            let word = word.as_ref();
            let wrong = |reason: String| Error::Trust { word: word.to_owned(), reason };
            let named = word.split_once('=').filter(|(name, _)| !name.contains('/'));
            let (name, path) = match named {
                Some((name, path)) => (name.to_owned(), Path::new(path)),
                None => (stem(Path::new(word)), Path::new(word)),
            };
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(wrong("it has no name".to_owned()));
            }
            let key = PublicKey::load(path)?;
            if let Some((other, _)) = trust.keys.iter().find(|(_, known)| **known == key) {
                return Err(wrong(format!("the key is already `{other}`")));
            }
            if trust.keys.insert(name.clone(), key).is_some() {
                return Err(wrong(format!("there is another key named `{name}`")));
            }
        }
        Ok(trust)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What the signatures of an envelope are worth, in their order. Which key made one is found by trying: what an
    /// envelope calls its keys is not signed.
    pub fn judge(&self, envelope: &Envelope) -> Vec<Seal> {
        let signed = envelope.signed();
        let seal = |signature: &Signature| {
            let find = |fits: &dyn Fn(&PublicKey) -> bool| self.keys.iter().find(|(_, key)| fits(key));
            if let Some((name, key)) = find(&|key| key.verify(&signed, &signature.sig)) {
                return Seal::Good { name: name.clone(), key: key.id() };
            }
            match find(&|key| Some(key.id()) == signature.keyid) {
                Some((name, key)) => Seal::Bad { name: name.clone(), key: key.id() },
                None => Seal::Unknown { key: signature.keyid.as_ref().map(|id| id.chars().take(100).collect()) },
            }
        };
        envelope.signatures.iter().map(seal).collect()
    }
}

/// The names of the keys that signed.
pub(super) fn signers(seals: &[Seal]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for seal in seals {
        if let Seal::Good { name, .. } = seal {
            names.insert(name.as_str());
        }
    }
    names
}

/// `alice` for `keys/alice.pub`.
fn stem(path: &Path) -> String {
    let mut name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for end in [".pub", ".pem"] {
        if let Some(short) = name.strip_suffix(end).filter(|short| !short.is_empty()) {
            name = short.to_owned();
        }
    }
    name
}

#[cfg(test)]
impl Trust {
    /// Keys for tests.
    pub(super) fn of(keys: &[(&str, PublicKey)]) -> Self {
        Self { keys: keys.iter().map(|(name, key)| ((*name).to_owned(), *key)).collect() }
    }
}
