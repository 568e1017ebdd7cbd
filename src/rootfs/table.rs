//! The lines that lie in the image and beside it: `pack::table` says their form.

use super::capability;
use super::layers::What;
use super::manifest::Attributes;
use crate::digest::{Digest, merkle_root};
use crate::pack::header::{Header, MANIFEST};

/// A table on its way.
#[derive(Default)]
pub(super) struct Table {
    lines: Vec<(String, String)>,
}

impl Table {
    /// Adds an entry; `what` is none for devices and fifos. Paths come in their order.
    pub fn add(&mut self, path: &str, what: Option<&What>, attributes: &Attributes) {
        let own = path == MANIFEST;
        let (hash, extra) = match what {
            Some(What::File { content, .. }) if !own => (content.hex(), content.size.to_string()),
            Some(What::Link(target)) => ("-".to_owned(), escape(target)),
            Some(What::Folder | What::File { .. }) => ("-".to_owned(), "-".to_owned()),
            None => {
                let device =
                    attributes.device.map_or_else(|| "-".to_owned(), |(major, minor)| format!("{major}:{minor}"));
                ("-".to_owned(), device)
            }
        };
        let letter = match attributes.kind {
            "fifo" => "p",
            kind => &kind[..1],
        };
        let (mode, uid, gid) = (attributes.mode, attributes.owner.number, attributes.group.number);
        let start = format!("{letter} {mode:04o} {uid} {gid}");
        let mut end = format!("/{}", escape(path));
        if let Some((_, bytes)) = &attributes.capabilities {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            end.push_str(&format!(" {}={hex}", capability::ATTRIBUTE));
        }
        self.lines.push((format!("{start} {hash} {extra} {end}"), path.to_owned()));
    }

    /// The root of the Merkle tree over the lines.
    pub fn merkle_root(&self) -> String {
        let leaves: Vec<&[u8]> = self.lines.iter().map(|(line, _)| line.as_bytes()).collect();
        merkle_root(&leaves)
    }

    /// The table that lies in the image, and the one beside it, which knows the first one's digest.
    pub fn finish(self, inputs: Digest) -> (String, String) {
        let header = Header { inputs: inputs.to_string(), merkle_root: self.merkle_root() };
        let text = |inside: Option<Digest>| {
            let mut text = header.to_string();
            for (line, path) in &self.lines {
                match inside.filter(|_| path == MANIFEST) {
                    Some(digest) => {
                        let known = format!(" {} {} /{MANIFEST}", digest.hex(), digest.size);
                        text.push_str(&line.replacen(&format!(" - - /{MANIFEST}"), &known, 1));
                    }
                    None => text.push_str(line),
                }
                text.push('\n');
            }
            text
        };
        let inside = text(None);
        let beside = text(Some(Digest::of(inside.as_bytes())));
        (inside, beside)
    }
}

/// White space, control characters and backslashes as `\OOO`, so that fields are what lies between spaces.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter <= ' ' || letter == '\\' || letter == '\x7f' {
            out.push_str(&format!("\\{:03o}", u32::from(letter)));
        } else {
            out.push(letter);
        }
    }
    out
}
