//! What the terminal is and can do.
#![expect(clippy::disallowed_methods, reason = "this is where environment and terminal come in")]

use std::io::IsTerminal;

use super::args::{ColorChoice, Globals};
use crate::report::Palette;

/// A stream that talk or data goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stream {
    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Out => std::io::stdout().is_terminal(),
            Self::Err => std::io::stderr().is_terminal(),
        }
    }

    /// Its columns and rows; 80 by 24 when it does not tell.
    pub fn size(self) -> (usize, usize) {
        let size = match self {
            Self::Out => rustix::termios::tcgetwinsize(std::io::stdout()),
            Self::Err => rustix::termios::tcgetwinsize(std::io::stderr()),
        };
        match size {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
            _ => (80, 24),
        }
    }

    /// What to decorate its text with (<https://no-color.org>, `CLICOLOR_FORCE` of <https://bixense.com/clicolors>).
    pub fn palette(self, globals: &Globals) -> Palette {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let colour = match globals.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if set("NO_COLOR") => false,
            ColorChoice::Auto => set("CLICOLOR_FORCE") || (self.is_terminal() && !dumb),
        };
        Palette { colour, unicode: is_utf8() }
    }
}

/// Whether the locale's characters are UTF-8, by the order in which locale(7) reads the variables.
fn is_utf8() -> bool {
    let value = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    value.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

/// Whether to draw a live block on standard error.
pub fn wants_live(globals: &Globals) -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    !globals.plain && !globals.quiet && !globals.json && globals.verbose == 0 && Stream::Err.is_terminal() && !dumb
}
