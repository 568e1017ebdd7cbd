//! Views of a comparison: text for people, one page of HTML, JUnit for build servers. JSON is the report itself.

#[cfg(test)]
mod tests;
mod text;
mod words;

pub use text::diff_text;
pub(super) use text::difference_text;
