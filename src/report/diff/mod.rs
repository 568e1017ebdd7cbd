//! Views of a comparison: text for people, one page of HTML, JUnit for build servers. JSON is the report itself.

mod html;
mod shared;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use html::diff_html;
pub(super) use html::{beginning, difference_html};
pub use text::diff_text;
pub(super) use text::difference_text;
pub(super) use words::verdict;
