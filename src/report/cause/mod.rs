//! Views of causes: what makes places differ, by whose hands, how that was shown, and what cures it.

mod html;
mod picture;
mod text;
mod words;

pub(super) use html::causes_html;
pub use text::{causes_text, classes_text};
pub(super) use words::named;
