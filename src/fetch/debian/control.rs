//! The control format (deb822(5)): stanzas of `Field: value` with continuation lines.

/// One stanza. Values are slices of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stanza<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Stanza<'a> {
    /// The value of a field, whatever the case of its name; trimmed, with continuation lines as they are.
    pub fn get(&self, field: &str) -> Option<&'a str> {
        self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| *value)
    }
}

/// The stanzas of a text, in order. Lines that belong to no field are skipped: what matters is asked for by name, and
/// the digest of the whole was checked before.
pub fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let stanza = take(&mut rest);
            if !stanza.fields.is_empty() {
                return Some(stanza);
            }
        }
    })
}

/// Takes the lines up to the next empty one.
fn take<'a>(rest: &mut &'a str) -> Stanza<'a> {
    let text = *rest;
    let mut fields: Vec<(&str, usize, usize)> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let line = &text[at..end];
        let start = at;
        at = (end + 1).min(text.len());
        if line.trim_end().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(last) = fields.last_mut() {
                last.2 = end;
            }
        } else if let Some((name, _)) = line.split_once(':')
            && !line.starts_with('#')
        {
            fields.push((name.trim_end(), start + name.len() + 1, end));
        }
    }
    *rest = &text[at..];
    Stanza { fields: fields.into_iter().map(|(name, from, to)| (name, text[from..to].trim())).collect() }
}
