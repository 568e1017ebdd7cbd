//! Files with statements: one envelope, or one a line.

use std::io::Read as _;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::dsse::Envelope;
use super::error::Error;
use super::json;
use super::statement::{PAYLOAD_TYPE, Statement};
use crate::container::Subject;
use crate::fetch::{self, Fetcher, Pin};
use crate::fs;

/// Bytes of a file with statements. One about an image with two hundred packages has 90 KiB.
const LONGEST: u64 = 64 << 20;
/// Bytes of one value in it: what is parsed takes many times as much memory.
const VALUE: usize = 8 << 20;
/// Lines of it.
const LINES: usize = 10_000;
/// Characters of a message about it.
const MESSAGE: usize = 300;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Bundle {
    /// The statements on builds by `repro`.
    pub items: Vec<Item>,
    /// All else.
    pub aside: Vec<Aside>,
}

/// A statement, and who is said to have signed it.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it stands.
    pub place: String,
    /// The envelope; none for a bare statement.
    pub envelope: Option<Envelope>,
    /// What it says. Nobody has to believe it.
    pub statement: Statement,
}

/// What is no statement on a build by `repro`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Aside {
    /// Where it stands.
    pub place: String,
    /// Why it is set aside.
    pub reason: String,
    /// Whether it may be something else that is well formed.
    pub foreign: bool,
}

/// How a reading of one value ends.
enum Stop {
    /// It is not of the form that it should have.
    Wrong(String),
    /// It is something else.
    Foreign(String),
}

/// Reads what `place` holds: one value, or one a line. An in-toto bundle may hold anything; what is not recognized is set
/// aside.
///
/// # Errors
/// There is no statement on a build by `repro` in it; the error tells what is wrong with the first thing there is.
pub fn read(place: &str, bytes: &[u8]) -> Result<Bundle, Error> {
    let quoted = format!("`{place}`");
    let malformed = |place: String, reason: String| Error::Malformed { place, reason: plain(&reason) };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(malformed(quoted, "it is empty".to_owned()));
    }
    let whole = parse(bytes);
    let mut lines = Vec::new();
    match whole {
        Ok(value) => lines.push((quoted, Ok(value))),
        Err(error) => {
            let numbered = bytes.split(|byte| *byte == b'\n').enumerate();
            let filled = numbered.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace));
            let values = filled.map(|(at, line)| (format!("line {} of {quoted}", at + 1), parse(line)));
            lines.extend(values.take(LINES + 1));
            if lines.len() > LINES {
                return Err(malformed(quoted, format!("it has more than {LINES} lines")));
            }
            // One value over many lines, and something is wrong in it.
            if lines.iter().all(|(_, value)| !value.as_ref().is_ok_and(Value::is_object)) {
                return Err(malformed(quoted, error));
            }
        }
    }
    let mut bundle = Bundle::default();
    for (place, value) in lines {
        match value.map_err(Stop::Wrong).and_then(item) {
            Ok((envelope, statement)) => bundle.items.push(Item { place, envelope, statement }),
            Err(Stop::Wrong(reason)) => bundle.aside.push(Aside { place, reason: plain(&reason), foreign: false }),
            Err(Stop::Foreign(reason)) => bundle.aside.push(Aside { place, reason: plain(&reason), foreign: true }),
        }
    }
    match bundle.aside.first() {
        Some(Aside { place, reason, .. }) if bundle.items.is_empty() => Err(malformed(place.clone(), reason.clone())),
        _ => Ok(bundle),
    }
}

/// One value of a file.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > VALUE { Err(format!("it is longer than {VALUE} bytes")) } else { json::parse(bytes) }
}

/// What is wrong with a file quotes it: no more of it than fits a message, and nothing that a terminal obeys.
fn plain(reason: &str) -> String {
    let harmless = |letter: char| match letter {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    reason.chars().take(MESSAGE).map(harmless).collect()
}

/// An envelope, or a bare statement.
fn item(value: Value) -> Result<(Option<Envelope>, Statement), Stop> {
    let has = |key: &str| value.get(key).is_some();
    if has("_type") && !has("payload") {
        return statement(value).map(|statement| (None, statement));
    }
    if !has("payload") || !has("payloadType") {
        return Err(Stop::Wrong(
            "it is neither an envelope nor a statement: it has no `payload` and `payloadType`".into(),
        ));
    }
    let envelope = Envelope::from_json(value).map_err(Stop::Wrong)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Stop::Foreign(format!("its payload is `{}` and not `{PAYLOAD_TYPE}`", envelope.payload_type)));
    }
    let payload = parse(&envelope.payload);
    let payload = payload.map_err(|error| Stop::Wrong(format!("its payload is no JSON: {error}")))?;
    let statement = statement(payload)?;
    Ok((Some(envelope), statement))
}

fn statement(value: Value) -> Result<Statement, Stop> {
    if let Some(other) = Statement::foreign(&value) {
        return Err(Stop::Foreign(other));
    }
    Statement::from_json(value).map_err(Stop::Wrong)
}

/// Reads the file at `path`, no more of it than makes sense.
///
/// # Errors
/// There is none, it cannot be read, or it holds no statement.
pub fn read_path(path: &Path) -> Result<Bundle, Error> {
    read(&path.display().to_string(), &read_file(path, LONGEST)?)
}

/// All of a file that has at most `limit` bytes.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = match Subject::open(path)? {
        Subject::File { file, .. } => file,
        Subject::Folder(_) | Subject::Tree { .. } => {
            let source = rustix::io::Errno::ISDIR;
            return Err(fs::Error::new("read", path, source).into());
        }
    };
    let mut bytes = Vec::new();
    let failed = |source| fs::Error::Io { operation: "read", path: path.to_owned(), source };
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { place: format!("`{}`", path.display()), limit });
    }
    Ok(bytes)
}

/// Fetches the statements at an address, within the limits of all downloads.
///
/// # Errors
/// The place does not give them, or what it gives is no statement.
pub fn fetch(fetcher: &Fetcher<'_>, url: &str) -> Result<Bundle, Error> {
    let pin = Pin { name: url.to_owned(), urls: vec![url.to_owned()], digest: None };
    let unreachable = |reason: String| Error::Unreachable { url: url.to_owned(), reason };
    let digest = fetcher.fetch_first(&pin, LONGEST).map_err(|error| match error {
        fetch::Error::Cancelled => Error::Cancelled,
        fetch::Error::Offline { .. } => unreachable("`--offline` forbids the network".to_owned()),
        fetch::Error::Failed { failures } => {
            let last = failures.iter().flat_map(|failure| &failure.places).next_back();
            unreachable(last.map_or_else(|| "it is no place".to_owned(), |(_, reason)| chain(reason)))
        }
        error => Error::Fetch(error),
    })?;
    read(url, &fetcher.store().get_bytes(digest)?)
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
