//! The head of a table of owners: what the image was made from, and one hash for all its lines.
//!
//! ```text
//! # repro-manifest 1
//! # made-from HEX/SIZE
//! # self /usr/share/repro/manifest
//! # merkle-root HEX
//! ```
//! The root is that of [`crate::digest::merkle_root`] over the lines of the table in their order, without their ends and
//! without those that begin with `#`. The line of the table's own file counts with `-` for its digest and size, so that the
//! table in the image and the one that the image was packed by, which knows these, have the same root.

use std::fmt;

use crate::digest::merkle_root;

/// Where an image has its table, without a slash before it.
pub const MANIFEST: &str = "usr/share/repro/manifest";

/// What stands before the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Digest of all that the image was made from.
    pub inputs: String,
    /// Root of the Merkle tree over the lines.
    pub merkle_root: String,
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# repro-manifest 1\n# made-from {}\n# self /{MANIFEST}\n# merkle-root {}",
            self.inputs, self.merkle_root
        )
    }
}

impl Header {
    /// What stands before the lines of a table; none if it has no such head.
    pub fn read(table: &[u8]) -> Option<Self> {
        let value = |name: &str| {
            let head = table.split(|byte| *byte == b'\n').take_while(|line| line.starts_with(b"#"));
            let found =
                head.filter_map(|line| std::str::from_utf8(line).ok()?.strip_prefix(name)?.strip_prefix(' ')).next();
            found.map(str::to_owned)
        };
        Some(Self { inputs: value("# made-from")?, merkle_root: value("# merkle-root")? })
    }

    /// The root that the lines of a table really have.
    pub fn merkle_root_of(table: &[u8]) -> String {
        let own = format!(" /{MANIFEST}");
        let lines = table.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        let lines: Vec<Vec<u8>> = lines
            .map(|line| {
                let mut fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
                if fields.get(6).is_some_and(|path| *path == own.trim_start().as_bytes()) {
                    (fields[4], fields[5]) = (b"-", b"-");
                }
                fields.join(&b' ')
            })
            .collect();
        let leaves: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        merkle_root(&leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let lines = "d 0755 0 0 - - /\nf 0644 0 0 ab 2 /usr/share/repro/manifest\nf 0600 0 0 cd 3 /x\n";
        let header = Header { inputs: "ef/7".to_owned(), merkle_root: Header::merkle_root_of(lines.as_bytes()) };
        let table = format!("{header}{lines}");
        assert_eq!(Header::read(table.as_bytes()), Some(header.clone()));
        assert_eq!(Header::read(lines.as_bytes()), None);
        // The head does not count, nor what the table's own file holds; its mode does, as all else.
        let root = |table: &str| Header::merkle_root_of(table.as_bytes());
        assert_eq!(root(&table), header.merkle_root);
        assert_eq!(root(&table.replace("ab 2", "- -")), header.merkle_root);
        for (line, other) in [("f 0644", "f 0640"), ("cd 3", "cd 4"), ("/x\n", "/x a=00\n"), ("d 0755 0 0 - - /\n", "")]
        {
            assert_ne!(root(&table.replace(line, other)), header.merkle_root, "{line}");
        }
    }
}
