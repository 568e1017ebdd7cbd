//! Lockfiles as bytes and as files.

use std::path::Path;

use serde::Deserialize;

use super::error::Error;
use super::model::{Lockfile, SCHEMA};
use crate::fs;

impl Lockfile {
    /// Reads and checks the lockfile at `path`.
    ///
    /// # Errors
    /// The file cannot be read, is not of this format, or fails [`Lockfile::validate`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|source| Error::File { source })?;
        Self::parse(&text, path)
    }

    /// Like [`Lockfile::load`], of a text; `path` is for the messages alone.
    ///
    /// # Errors
    /// The text is not of this format, or fails [`Lockfile::validate`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        /// All that may be asked of a file whose version is not known yet.
        #[derive(Deserialize)]
        struct Version {
            schema: u64,
        }
        let failed = |error: serde_json::Error| parse_error(&error, text, path);
        let version: Version = serde_json::from_str(text).map_err(failed)?;
        if version.schema != u64::from(SCHEMA) {
            return Err(Error::Schema { path: path.to_owned(), found: version.schema });
        }
        let lockfile: Self = serde_json::from_str(text).map_err(failed)?;
        lockfile.validate()?;
        Ok(lockfile)
    }

    /// The file's bytes: equal lockfiles give equal bytes.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("string keys and plain values always have a JSON form");
        text.push('\n');
        text
    }

    /// Replaces the file at `path`, atomically and durably. A file that already holds these bytes is left alone.
    ///
    /// # Errors
    /// The contents fail [`Lockfile::validate`], or the system refuses the write; the old file is then untouched.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        self.validate()?;
        let text = self.to_json();
        if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        fs::replace(path, text.as_bytes()).map_err(|source| Error::File { source })
    }
}

/// The JSON Schema (draft 2020-12) of the file, pretty-printed, with a trailing newline.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Lockfile);
    let mut text = serde_json::to_string_pretty(schema.as_value()).expect("a schema is plain JSON");
    text.push('\n');
    text
}

fn parse_error(error: &serde_json::Error, text: &str, path: &Path) -> Error {
    let (line, column) = (error.line(), error.column());
    let found = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let merge = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| found.starts_with(mark));
    // serde_json appends the place, which has fields of its own here.
    let mut reason = error.to_string();
    if let Some(at) = reason.rfind(" at line ") {
        reason.truncate(at);
    }
    Error::Parse { path: path.to_owned(), line, column, reason, merge }
}
