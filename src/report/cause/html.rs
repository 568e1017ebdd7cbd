//! Causes on a page.

use super::picture::picture;
use super::words::{groups, proof};
use crate::report::page::escape;
use crate::verify::cause::Explained;

/// Places of a cause that a page names.
const MOST: usize = 200;

/// The causes, each with a picture of the processes.
pub(in crate::report) fn causes_html(differing: &[Explained], page: &mut String) {
    for group in groups(differing) {
        let cause = group.cause;
        let (class, word) = if cause.proof.is_proved() { ("error", "proved") } else { ("warning", "suspected") };
        page.push_str(&format!(
            "<section class=\"cause\">\n<h3>{} <span class=\"verdict {class}\">{word}</span></h3>\n<p>{}.</p>\n",
            cause.class.name(),
            escape(&cause.sentence)
        ));
        let mut places: Vec<String> =
            group.places.iter().take(MOST).map(|place| format!("<code>{}</code>", escape(place))).collect();
        if group.places.len() > MOST {
            places.push(format!("and {} more", group.places.len() - MOST));
        }
        page.push_str(&format!("<p>{}</p>\n<p>{}.</p>\n", places.join(", "), escape(&proof(cause))));
        page.push_str(&picture(cause, group.places.first().copied().unwrap_or_default()));
        page.push_str(&format!("<p class=\"good\">Cure: {}.</p>\n</section>\n", escape(&cause.cure)));
    }
}
