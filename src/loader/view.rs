//! A root whose files are looked into when somebody asks.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::io::Read;

use super::object::{Object, is_object};
use super::paths::{Kind, Tree};
use super::search::{Asks, Objects};
use crate::format::{Codec, Decoder};

/// Larger ones are no kernel modules.
const LARGEST_MODULE: u64 = 1 << 28;
/// The kernel reads no more of a script's first line.
const FIRST_LINE: usize = 256;

/// What a path of a root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// A directory.
    Folder,
    /// A regular file, and whether it may be executed.
    File {
        /// Whether it may.
        executable: bool,
    },
    /// A symbolic link, with its target.
    Link(String),
    /// A device, a fifo or a socket.
    Special,
}

/// What a file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// An ELF object.
    Object(Box<Object>),
    /// A script: its interpreter, and the program that `env` is to find.
    Script {
        /// The path after `#!`.
        interpreter: String,
        /// What `env` looks for in PATH.
        program: Option<String>,
    },
    /// An object that contradicts itself, with the reason.
    Broken(String),
    /// Anything else.
    Other,
}

#[derive(Debug)]
struct Node {
    own: Own,
    facts: OnceCell<Facts>,
}

/// Paths, and a way to read what is there.
pub struct View<'a, E> {
    nodes: BTreeMap<String, Node>,
    read: &'a dyn Fn(&str) -> Result<Vec<u8>, E>,
    failed: RefCell<Option<E>>,
}

impl<'a, E> View<'a, E> {
    /// A root with these paths, which are relative and without `.` and `..`. `read` gives the bytes of a file.
    pub fn new(nodes: impl IntoIterator<Item = (String, Own)>, read: &'a dyn Fn(&str) -> Result<Vec<u8>, E>) -> Self {
        let nodes = nodes.into_iter().map(|(path, own)| (path, Node { own, facts: OnceCell::new() })).collect();
        Self { nodes, read, failed: RefCell::default() }
    }

    /// All paths with what is there, sorted.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &Own)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), &node.own))
    }

    /// What is at a path.
    pub fn own(&self, path: &str) -> Option<&Own> {
        self.nodes.get(path).map(|node| &node.own)
    }

    /// What the file at a path asks for; none if there is no file.
    pub fn facts(&self, path: &str) -> Option<&Facts> {
        let node = self.nodes.get(path)?;
        let Own::File { executable } = node.own else { return None };
        Some(node.facts.get_or_init(|| self.bytes(path).map_or(Facts::Other, |bytes| look(path, &bytes, executable))))
    }

    /// The object at a path.
    pub fn object(&self, path: &str) -> Option<&Object> {
        match self.facts(path)? {
            Facts::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The bytes of a file; none if it could not be read, which [`View::finish`] tells.
    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        match (self.read)(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(error);
                None
            }
        }
    }

    /// The first error of reading.
    ///
    /// # Errors
    /// What `read` gave.
    pub fn finish(self) -> Result<(), E> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }
}

impl<E> Tree for View<'_, E> {
    fn kind(&self, path: &str) -> Option<Kind<'_>> {
        Some(match self.own(path)? {
            Own::Folder => Kind::Folder,
            Own::File { .. } => Kind::File,
            Own::Link(target) => Kind::Link(target),
            Own::Special => Kind::Special,
        })
    }
}

impl<E> Objects for View<'_, E> {
    fn asks(&self, path: &str) -> Option<Asks<'_>> {
        self.object(path).map(Object::asks)
    }

    fn text(&self, path: &str) -> Option<String> {
        matches!(self.own(path), Some(Own::File { .. })).then_some(())?;
        String::from_utf8(self.bytes(path)?).ok()
    }

    fn starting<'s>(&'s self, prefix: &str) -> Box<dyn Iterator<Item = &'s str> + 's> {
        let prefix = prefix.to_owned();
        let rest = self.nodes.range(prefix.clone()..).map(|(path, _)| path.as_str());
        Box::new(rest.take_while(move |path| path.starts_with(&prefix)))
    }
}

fn look(path: &str, bytes: &[u8], executable: bool) -> Facts {
    let codec = match path.rsplit_once(".ko.") {
        Some((_, "gz")) => Some(Codec::Gzip),
        Some((_, "xz")) => Some(Codec::Xz),
        Some((_, "zst")) => Some(Codec::Zstd),
        _ => None,
    };
    if let Some(codec) = codec {
        let mut unpacked = Vec::new();
        let read =
            Decoder::new(codec, bytes, LARGEST_MODULE).and_then(|mut decoder| decoder.read_to_end(&mut unpacked));
        return match read {
            Ok(_) => object(&unpacked),
            Err(error) => Facts::Broken(error.to_string()),
        };
    }
    if is_object(bytes) {
        object(bytes)
    } else if executable {
        script(bytes)
    } else {
        Facts::Other
    }
}

fn object(bytes: &[u8]) -> Facts {
    match Object::read(bytes) {
        Ok(object) => Facts::Object(Box::new(object)),
        Err(reason) => Facts::Broken(reason),
    }
}

/// `#!interpreter argument`, execve(2).
fn script(bytes: &[u8]) -> Facts {
    let Some(rest) = bytes.strip_prefix(b"#!") else { return Facts::Other };
    let line = rest[..rest.len().min(FIRST_LINE)].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let interpreter = words.next().unwrap_or_default().to_owned();
    let by_env = interpreter.rsplit('/').next() == Some("env");
    // env(1): options and variables stand before the program.
    let program = words.find(|word| !word.starts_with('-') && !word.contains('=')).filter(|_| by_env);
    Facts::Script { program: program.map(str::to_owned), interpreter }
}
