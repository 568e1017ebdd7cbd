//! Why bytes could not be had.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use super::mirrors::MirrorError;
use crate::digest::Digest;
use crate::{fs, store};

/// A failure to get pinned bytes. Reads after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network may not be used, and these are neither in the store nor on a local mirror.
    #[error("fetch {} pinned input{} while offline:{}", missing.len(), plural(missing.len()), lines(missing))]
    Offline {
        /// All of them.
        missing: Vec<Missing>,
    },
    /// Every place failed for these; all others are in the store.
    #[error("fetch {} pinned input{}:{}", failures.len(), plural(failures.len()), lines(failures))]
    Failed {
        /// All of them, in the order asked for.
        failures: Vec<Failure>,
    },
    /// The caller said stop.
    #[error("fetch pinned inputs: interrupted")]
    Cancelled,
    /// What arrived may not survive a power cut.
    #[error("make the fetched inputs durable")]
    Flush {
        /// The store's reason.
        source: store::Error,
    },
    /// The http client could not be set up.
    #[error("set up the http client")]
    Client {
        /// The client's reason.
        source: reqwest::Error,
    },
}

impl Error {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Offline { .. } => Some("run once without `--offline`, or `repro fetch` while connected".to_owned()),
            Self::Failed { failures } => failures.iter().flat_map(|f| &f.places).find_map(|(_, reason)| reason.hint()),
            Self::Cancelled => Some("run it again: what has arrived is kept".to_owned()),
            Self::Flush { source } => source.hint(),
            Self::Client { .. } => None,
        }
    }
}

/// A pin that is needed and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The pin's name.
    pub name: String,
    /// What was wanted; `None` on first use.
    pub digest: Option<Digest>,
    /// The pin's places.
    pub urls: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.name, self.urls.join(", "))
    }
}

/// A pin that no place could give.
#[derive(Debug)]
pub struct Failure {
    /// The pin's name.
    pub name: String,
    /// What was wanted; `None` on first use.
    pub digest: Option<Digest>,
    /// Each place tried, in order, with the reason why it did not serve.
    pub places: Vec<(String, Reason)>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)?;
        for (place, reason) in &self.places {
            write!(f, "\n    {place}: {reason}")?;
            let mut source = reason.source();
            while let Some(cause) = source {
                write!(f, ": {cause}")?;
                source = cause.source();
            }
        }
        Ok(())
    }
}

/// Why a place did not serve.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The place is not one.
    #[error("not a place to fetch from")]
    Place {
        /// What is wrong with it.
        source: MirrorError,
    },
    /// No connection, or it broke before the answer.
    #[error("no answer")]
    NoAnswer {
        /// The client's reason.
        source: reqwest::Error,
    },
    /// The connection broke within the body.
    #[error("the connection broke after {got} bytes")]
    Broken {
        /// Bytes of the file that are there.
        got: u64,
        /// The reader's reason.
        source: io::Error,
    },
    /// The server says no.
    #[error("the server answered {status}")]
    Status {
        /// The HTTP status code.
        status: u16,
    },
    /// More redirects than anyone needs.
    #[error("more than {limit} redirects")]
    Redirects {
        /// How many are followed.
        limit: u32,
    },
    /// A redirect to where nothing is fetched from.
    #[error("a redirect to `{to}`, {why}")]
    Redirect {
        /// The target.
        to: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The body is encoded, which nobody asked for.
    #[error("the body is `{encoding}`-encoded, which was not asked for")]
    Encoded {
        /// The `Content-Encoding`.
        encoding: String,
    },
    /// The server announces another length than the pinned one.
    #[error("expected {expected} bytes, the server announces {announced}")]
    Length {
        /// Bytes expected.
        expected: u64,
        /// Bytes announced for the whole file.
        announced: u64,
    },
    /// The end came early.
    #[error("expected {expected} bytes, the body ended after {got}")]
    Short {
        /// Bytes expected.
        expected: u64,
        /// Bytes that are there.
        got: u64,
    },
    /// The body goes on after the pinned size, or after the limit for first use.
    #[error("expected {expected} bytes, the body goes on")]
    Long {
        /// Bytes expected at most.
        expected: u64,
    },
    /// Neither a length nor a framing that would show a cut: not good enough for a first use.
    #[error("the body has no length, so that a cut would not show")]
    Unframed,
    /// Nothing came.
    #[error("nothing came for {} s", waited.as_secs_f64())]
    Stalled {
        /// How long.
        waited: Duration,
    },
    /// Too little came.
    #[error("only {rate} bytes per second came")]
    Slow {
        /// Bytes per second.
        rate: u64,
    },
    /// The answer to a `Range` is about other bytes.
    #[error("asked for the bytes from {asked}, got `{got}`")]
    Range {
        /// First byte asked for.
        asked: u64,
        /// The `Content-Range` of the answer, or its status.
        got: String,
    },
    /// The bytes are not the pinned ones; they are gone.
    #[error("expected {expected}, got {got}")]
    Mismatch {
        /// The pin.
        expected: Digest,
        /// What came.
        got: Digest,
    },
    /// A file of a local mirror could not be read, or the partial file could not be written.
    #[error("use a file")]
    File {
        /// The operation, its path and the system's reason.
        source: fs::Error,
    },
    /// The store would not take the bytes.
    #[error("keep the bytes")]
    Store {
        /// The store's reason.
        source: store::Error,
    },
}

impl Reason {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Place { source } => source.hint(),
            Self::Mismatch { .. } | Self::Length { .. } => Some(
                "the file at that place changed since it was pinned, or somebody changed it on the way: look before \
                 `repro lock` takes the new one"
                    .to_owned(),
            ),
            Self::Status { status: 404 | 410 } => {
                Some("the file left that place: add another one to the source's `urls`, or update the pins".to_owned())
            }
            Self::NoAnswer { .. } | Self::Stalled { .. } => {
                Some("check the network, or set REPRO_MIRROR_<NAME> to a mirror or a local directory".to_owned())
            }
            Self::Store { source } => source.hint(),
            Self::File { source } => source.hint(),
            _ => None,
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn lines<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("\n  {item}")).collect()
}
