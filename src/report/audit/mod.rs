//! Views of an audit: text for people, SARIF for code review tools, one page of HTML. JSON is the report itself.

mod files;
mod graph;
mod html;
mod layers;
mod provenance;
mod sarif;
#[cfg(test)]
mod tests;
mod text;
mod verdict;

pub use html::audit_html;
pub use provenance::Provenance;
pub use sarif::audit_sarif;
pub use text::{audit_text, rule_text, rules_text};
pub(super) use verdict::{verdict_box, verdict_words};
