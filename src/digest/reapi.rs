//! The Remote Execution API's messages that `repro` keeps, and their canonical bytes.
//!
//! Source: `build/bazel/remote/execution/v2/remote_execution.proto` of the Remote Execution API, version 2. Only
//! fields that `repro` writes are declared; a message that carries any other field is not canonical, and
//! [`Canonical::decode_canonical`] refuses it, so that no two byte strings mean the same thing to us.
//! `prost` writes fields in the order of their numbers and leaves defaults out, as the API's rules for canonical
//! `Directory` messages ask; the order of entries is ours to keep ([`Directory::check`]).

use prost::Message;

use super::Digest;

/// Bytes that are not the canonical encoding of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("decode {message}: {reason}")]
pub struct DecodeError {
    /// Name of the message, as in the API.
    pub message: &'static str,
    /// What is wrong with the bytes.
    pub reason: String,
}

/// A message with one encoding.
pub trait Canonical: Message + Default + PartialEq + Sized {
    /// Its name in the API.
    const NAME: &'static str;

    /// Checks the rules that the encoding itself does not enforce.
    ///
    /// # Errors
    /// Says which rule does not hold.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The canonical bytes.
    fn canonical(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// The digest of the canonical bytes.
    fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }

    /// Decodes bytes, and refuses any that [`Canonical::canonical`] would not write again.
    ///
    /// # Errors
    /// The bytes are no such message, break a rule, or are not canonical.
    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        let error = |reason: String| DecodeError { message: Self::NAME, reason };
        let message = Self::decode(bytes).map_err(|e| error(e.to_string()))?;
        message.check().map_err(error)?;
        if message.encode_to_vec() != bytes {
            return Err(error("bytes are not canonical (unknown field, or fields out of order)".to_owned()));
        }
        Ok(message)
    }
}

macro_rules! canonical {
    ($($type:ident),*) => { $(impl Canonical for $type { const NAME: &'static str = stringify!($type); })* };
}
canonical!(Command, Action, ActionResult);

/// `Digest`: a hash in hex and a size in bytes.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DigestMessage {
    /// Lower-case hex of the SHA-256.
    #[prost(string, tag = "1")]
    pub hash: String,
    /// Size in bytes.
    #[prost(int64, tag = "2")]
    pub size_bytes: i64,
}

impl From<Digest> for DigestMessage {
    fn from(digest: Digest) -> Self {
        Self { hash: digest.hex(), size_bytes: digest.size as i64 }
    }
}

impl DigestMessage {
    /// The digest that this message states.
    ///
    /// # Errors
    /// The hash is not SHA-256 in hex, or the size is negative.
    pub fn get(&self) -> Result<Digest, String> {
        let size = u64::try_from(self.size_bytes).map_err(|_| format!("size {} is negative", self.size_bytes))?;
        Digest::from_hex(&self.hash, size).map_err(|e| e.to_string())
    }
}

/// `google.protobuf.UInt32Value`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct UInt32Value {
    /// The value.
    #[prost(uint32, tag = "1")]
    pub value: u32,
}

/// `NodeProperties`: here only a mode that is not plain 0644 or 0755.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct NodeProperties {
    /// Permission bits, at most 0o7777.
    #[prost(message, optional, tag = "3")]
    pub unix_mode: Option<UInt32Value>,
}

impl NodeProperties {
    /// Properties for a mode; none for 0644 and 0755, which `is_executable` tells.
    pub fn for_mode(mode: u32) -> Option<Self> {
        (mode != 0o644 && mode != 0o755).then_some(Self { unix_mode: Some(UInt32Value { value: mode }) })
    }
}

/// `FileNode`: a regular file of a directory.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FileNode {
    /// Name: UTF-8, no `/`, not `.` or `..`, not empty.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Digest of the content.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<DigestMessage>,
    /// Whether the owner may execute it.
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
    /// A mode that is not plain.
    #[prost(message, optional, tag = "6")]
    pub node_properties: Option<NodeProperties>,
}

impl FileNode {
    /// A file with `mode` (permission bits).
    pub fn new(name: impl Into<String>, digest: Digest, mode: u32) -> Self {
        Self {
            name: name.into(),
            digest: Some(digest.into()),
            is_executable: mode & 0o100 != 0,
            node_properties: NodeProperties::for_mode(mode),
        }
    }

    /// The file's content.
    ///
    /// # Errors
    /// The digest is missing or malformed.
    pub fn content(&self) -> Result<Digest, String> {
        self.digest.as_ref().ok_or_else(|| format!("file `{}` has no digest", self.name))?.get()
    }

    /// Permission bits: 0644, 0755, or what the properties say.
    pub fn mode(&self) -> u32 {
        let plain = if self.is_executable { 0o755 } else { 0o644 };
        self.node_properties.as_ref().and_then(|p| p.unix_mode.as_ref()).map_or(plain, |mode| mode.value)
    }
}

/// `DirectoryNode`: a sub-directory.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DirectoryNode {
    /// Name, as in [`FileNode`].
    #[prost(string, tag = "1")]
    pub name: String,
    /// Digest of the `Directory` message.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<DigestMessage>,
}

impl DirectoryNode {
    /// A sub-directory.
    pub fn new(name: impl Into<String>, digest: Digest) -> Self {
        Self { name: name.into(), digest: Some(digest.into()) }
    }

    /// Digest of the `Directory` message.
    ///
    /// # Errors
    /// The digest is missing or malformed.
    pub fn content(&self) -> Result<Digest, String> {
        self.digest.as_ref().ok_or_else(|| format!("directory `{}` has no digest", self.name))?.get()
    }
}

/// `SymlinkNode`: a symbolic link, its target kept as text.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SymlinkNode {
    /// Name, as in [`FileNode`].
    #[prost(string, tag = "1")]
    pub name: String,
    /// Target, never followed by `repro`.
    #[prost(string, tag = "2")]
    pub target: String,
}

/// `Directory`: one directory of a tree. Each list is sorted by name (bytewise), and a name occurs once in all.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Directory {
    /// Regular files.
    #[prost(message, repeated, tag = "1")]
    pub files: Vec<FileNode>,
    /// Sub-directories.
    #[prost(message, repeated, tag = "2")]
    pub directories: Vec<DirectoryNode>,
    /// Symbolic links.
    #[prost(message, repeated, tag = "3")]
    pub symlinks: Vec<SymlinkNode>,
}

impl Directory {
    /// Sorts the lists, as the canonical encoding asks.
    pub fn sort(&mut self) {
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        self.directories.sort_by(|a, b| a.name.cmp(&b.name));
        self.symlinks.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// Checks that `name` can be an entry of a directory: not empty, `.` or `..`, without `/` and NUL, at most 255 bytes.
///
/// # Errors
/// Says what is wrong with the name.
pub fn check_name(name: &str) -> Result<(), String> {
    match name {
        "" => Err("an entry has an empty name".to_owned()),
        "." | ".." => Err(format!("an entry is named `{name}`")),
        _ if name.contains(['/', '\0']) => Err(format!("name `{}` contains `/` or NUL", name.escape_debug())),
        _ if name.len() > 255 => Err(format!("name `{name}` is longer than 255 bytes")),
        _ => Ok(()),
    }
}

impl Canonical for Directory {
    const NAME: &'static str = "Directory";

    fn check(&self) -> Result<(), String> {
        let files: Vec<&str> = self.files.iter().map(|f| f.name.as_str()).collect();
        let directories: Vec<&str> = self.directories.iter().map(|d| d.name.as_str()).collect();
        let symlinks: Vec<&str> = self.symlinks.iter().map(|s| s.name.as_str()).collect();
        for names in [&files, &directories, &symlinks] {
            names.iter().try_for_each(|name| check_name(name))?;
            if let Some(pair) = names.windows(2).find(|pair| pair[0] >= pair[1]) {
                return Err(format!("`{}` does not sort before `{}`", pair[0], pair[1]));
            }
        }
        let mut all = [files, directories, symlinks].concat();
        all.sort_unstable();
        if let Some(pair) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("name `{}` occurs twice", pair[0]));
        }
        for file in &self.files {
            file.content()?;
            let properties = file.node_properties.as_ref();
            let mode = properties.map(|p| p.unix_mode.as_ref().map_or(u32::MAX, |m| m.value));
            match mode {
                Some(0o644 | 0o755) => return Err(format!("file `{}` spells out a plain mode", file.name)),
                Some(mode) if mode > 0o7777 => return Err(format!("file `{}` has no valid mode", file.name)),
                Some(mode) if (mode & 0o100 != 0) != file.is_executable => {
                    return Err(format!("file `{}` has a mode that contradicts is_executable", file.name));
                }
                _ => {}
            }
        }
        self.directories.iter().try_for_each(|d| d.content().map(drop))?;
        match self.symlinks.iter().find(|s| s.target.is_empty() || s.target.contains('\0')) {
            Some(link) => Err(format!("symlink `{}` has an empty target or one with NUL", link.name)),
            None => Ok(()),
        }
    }
}

/// `Command.EnvironmentVariable` and `Platform.Property`: a name and a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Pair {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `Platform`: what the machine that runs an action must offer.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Platform {
    /// Sorted by name, then value.
    #[prost(message, repeated, tag = "1")]
    pub properties: Vec<Pair>,
}

/// `Command`: what an action runs.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Command {
    /// argv, whose first entry is the absolute path of the program.
    #[prost(string, repeated, tag = "1")]
    pub arguments: Vec<String>,
    /// The whole environment, sorted by name.
    #[prost(message, repeated, tag = "2")]
    pub environment_variables: Vec<Pair>,
    /// Working directory, relative to the input root.
    #[prost(string, tag = "6")]
    pub working_directory: String,
    /// Paths collected afterwards, sorted.
    #[prost(string, repeated, tag = "7")]
    pub output_paths: Vec<String>,
}

/// `Action`: a command with all that it can see. Its digest is the cache key.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Action {
    /// Digest of the [`Command`].
    #[prost(message, optional, tag = "1")]
    pub command_digest: Option<DigestMessage>,
    /// Digest of the root [`Directory`] of all inputs.
    #[prost(message, optional, tag = "2")]
    pub input_root_digest: Option<DigestMessage>,
    /// Distinguishes actions that are equal otherwise.
    #[prost(bytes = "vec", tag = "9")]
    pub salt: Vec<u8>,
    /// Isolation and architecture that the action was promised.
    #[prost(message, optional, tag = "10")]
    pub platform: Option<Platform>,
}

/// `OutputDirectory`: a tree that an action left.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OutputDirectory {
    /// Path, relative to the working directory's root.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Digest of the root [`Directory`].
    #[prost(message, optional, tag = "5")]
    pub root_directory_digest: Option<DigestMessage>,
}

/// `ActionResult`: what an action left. Only results with exit code 0 are cached.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ActionResult {
    /// Sorted by path.
    #[prost(message, repeated, tag = "3")]
    pub output_directories: Vec<OutputDirectory>,
    /// Exit code of the command.
    #[prost(int32, tag = "4")]
    pub exit_code: i32,
    /// The log: what the command wrote to standard output and standard error, interleaved.
    #[prost(message, optional, tag = "6")]
    pub stdout_digest: Option<DigestMessage>,
    /// What is known of the execution.
    #[prost(message, optional, tag = "9")]
    pub execution_metadata: Option<ExecutedActionMetadata>,
}

/// `ExecutedActionMetadata`: of all that it can say, only what a tool adds of its own. There are no times in a result.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExecutedActionMetadata {
    /// Messages of any type; each type at most once.
    #[prost(message, repeated, tag = "11")]
    pub auxiliary_metadata: Vec<Any>,
}

/// `google.protobuf.Any`: a message with the name of its type.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Any {
    /// The type, after the last slash.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message's bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// Type of the [`Any`] that holds the digest of an execution's trace, as a `Digest` message.
pub const TRACE_TYPE: &str = "type.repro/Trace";

impl ExecutedActionMetadata {
    /// With the digest of a trace.
    pub fn with_trace(trace: Digest) -> Self {
        let value = DigestMessage::from(trace).encode_to_vec();
        Self { auxiliary_metadata: vec![Any { type_url: TRACE_TYPE.to_owned(), value }] }
    }
}

impl ActionResult {
    /// The trace of the execution, if the result names one.
    ///
    /// # Errors
    /// What it names is no digest.
    pub fn trace(&self) -> Result<Option<Digest>, String> {
        let known = self.execution_metadata.iter().flat_map(|metadata| &metadata.auxiliary_metadata);
        let Some(any) = known.into_iter().find(|any| any.type_url == TRACE_TYPE) else { return Ok(None) };
        DigestMessage::decode(any.value.as_slice()).map_err(|error| error.to_string())?.get().map(Some)
    }

    /// Without the trace, as if the execution had not been observed.
    #[must_use]
    pub fn without_trace(mut self) -> Self {
        if let Some(metadata) = &mut self.execution_metadata {
            metadata.auxiliary_metadata.retain(|any| any.type_url != TRACE_TYPE);
        }
        self.execution_metadata.take_if(|metadata| metadata.auxiliary_metadata.is_empty());
        self
    }
}
