//! What people see: events as text, on terminals, in logs and as JSON lines.
//!
//! Everything here turns data into text and hands it to a writer that the caller gives; where that goes is the
//! business of `cli`. The clock and the size of the terminal are parameters too, so that every view has an exact test.
//!
//! - [`Live`]: a block of lines at the bottom of a terminal, drawn at most ten times a second, each time with a
//!   single write; what is finished scrolls away above it.
//! - [`Plain`]: a line an event, for logs and pipes; also the quiet mode.
//! - [`JsonLines`]: [`Record`](crate::schedule::Record)s, for programs.
//!
//! Rules of all views: meaning never rests on colour alone; text that a stage or a server wrote is cleaned of
//! control characters before a terminal sees it; nothing is wider than the terminal.

mod attest;
mod audit;
mod cause;
mod diff;
mod failure;
mod installed;
mod json;
mod junit;
mod lines;
mod live;
mod model;
mod page;
mod plain;
mod seeds;
mod sizes;
mod style;
mod survey;
mod table;
mod tail;
mod text;
mod units;
mod verify;
mod why;

pub use attest::{against_text, check_text};
pub use audit::{Provenance, audit_html, audit_sarif, audit_text, rule_text, rules_text};
pub use cause::{causes_text, classes_text};
pub use diff::{diff_html, diff_text};
pub use failure::failure_box;
pub use installed::installed_text;
pub use json::JsonLines;
pub use junit::{diff_junit, verify_junit};
pub use live::{Live, Screen};
pub use plain::{Detail, Plain};
pub use seeds::seeds_text;
pub use sizes::sizes_text;
pub use style::{Palette, Role};
pub use survey::survey_text;
pub use table::Table;
pub use tail::Tails;
pub use text::{clean, fit};
pub use units::{bytes, count, duration, rate};
pub use verify::{axes_text, verify_html, verify_markdown, verify_text};
pub use why::{Tell, why_text};

/// Time since the run began. Given by the caller, so that tests have a clock of their own.
pub type Elapsed = Box<dyn Fn() -> std::time::Duration + Send + Sync>;
