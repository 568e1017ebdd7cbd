//! Pages of HTML with everything in them: they can be sent by mail, opened from a disk, kept as a build's artefact.
//!
//! Everything that comes from a subject is escaped, and should that fail: a page's policy names the hashes of its own style
//! and script, and nothing else runs.

use super::clean;
use crate::digest::Digest;

/// The beginning of a page. The title is HTML.
pub(super) fn head(title: &str, style: &str, script: Option<&str>) -> String {
    let script = script.map(|script| format!("; script-src '{}'", allowed(&format!("\n{script}")))).unwrap_or_default();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action 'none'; \
         style-src '{}'{script}\">\n<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n",
        allowed(&format!("\n{style}")),
    )
}

/// Its end, with the script that [`head`] was told of.
pub(super) fn foot(script: Option<&str>) -> String {
    let script = script.map(|script| format!("<script>\n{script}</script>\n")).unwrap_or_default();
    format!("{script}</body>\n</html>\n")
}

/// What a page's policy calls a script or a style that may be there (CSP3, hash-source).
pub(super) fn allowed(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let hash = Digest::of(text.as_bytes()).hash;
    let mut code = "sha256-".to_owned();
    for part in hash.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(part.get(at).copied().unwrap_or(0)));
        let letter = |at: usize| if at <= part.len() { char::from(LETTERS[bits >> (18 - 6 * at) & 63]) } else { '=' };
        code.extend((0..4).map(letter));
    }
    code
}

/// Text as content or as an attribute's value.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in clean(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}
