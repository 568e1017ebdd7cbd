//! How a failure reads: `error: cannot open the store: read `/x/format`: permission denied`, and a `hint:` below.

use std::error::Error;

use super::exit::ExitCode;
use crate::report::{Palette, Role};

/// Why a command did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the process ends with.
    pub code: ExitCode,
    /// What went wrong, complete: reads after "error: ". Empty: nothing needs to be said.
    pub message: String,
    /// The cure.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure in words of our own.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The failure that an error of the library stands for. Its text and its sources' texts read after "cannot".
    pub fn of(code: ExitCode, error: &(dyn Error + 'static)) -> Self {
        let mut parts: Vec<String> = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // A transparent error has its source's text.
            if parts.last() != Some(&text) {
                parts.push(text);
            }
            next = error.source();
        }
        Self::new(code, format!("cannot {}", parts.join(": ")))
    }

    /// As a part of something that could not be done.
    #[must_use]
    pub fn during(self, what: &str) -> Self {
        let message = self.message.strip_prefix("cannot ").unwrap_or(&self.message);
        Self { message: format!("cannot {what}: {message}"), ..self }
    }

    /// An end without words: all was said, or nobody listens.
    pub fn quiet(code: ExitCode) -> Self {
        Self::new(code, "")
    }

    /// With a cure.
    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// The text for the user, with line ends.
    pub fn render(&self, palette: Palette) -> String {
        if self.message.is_empty() {
            return String::new();
        }
        let mut text = format!("{} {}\n", palette.paint(Role::Bad, "error:"), self.message.trim_end());
        if let Some(hint) = &self.hint {
            text.push_str(&format!("{} {hint}\n", palette.paint(Role::Hint, " hint:")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("open the store `/x`")]
    struct Outer(#[from] Middle);
    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Middle(#[from] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("read `/x/format`")]
    struct Inner(#[source] std::io::Error);

    #[test]
    fn the_chain_is_said_once_and_in_order() {
        let error = Outer(Middle(Inner(std::io::Error::other("disk on fire"))));
        let failure = Failure::of(ExitCode::Bug, &error).hint(Some("call the fire brigade".into()));
        assert_eq!(
            failure.render(Palette::PLAIN),
            "error: cannot open the store `/x`: read `/x/format`: disk on fire\n hint: call the fire brigade\n"
        );
        let during = failure.during("build");
        assert_eq!(during.message, "cannot build: open the store `/x`: read `/x/format`: disk on fire");
        assert_eq!(Failure::quiet(ExitCode::Signal(13)).render(Palette::PLAIN), "");
        assert_eq!(ExitCode::Signal(13).code(), 141);
    }
}
