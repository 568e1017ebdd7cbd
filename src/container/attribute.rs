//! Extended attributes as fields; those that the kernel itself understands in its own words.
//!
//! Sources: capabilities(7) and `linux/capability.h` (`struct vfs_cap_data`), acl(5) and `linux/posix_acl_xattr.h`. What is
//! not exactly of such a form is shown in hexadecimal digits: no two values are shown alike.

use super::listing::{Field, Value, text};
use super::raw::{le_u16, le_u32};

/// An extended attribute as one field: `user.note=text`.
pub fn attribute(name: &[u8], value: &[u8]) -> Field {
    let words = match name {
        b"security.capability" => capability(value),
        b"system.posix_acl_access" | b"system.posix_acl_default" => acl(value),
        _ => None,
    };
    let shown = words.unwrap_or_else(|| {
        if value.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            text(value)
        } else {
            value.iter().fold("0x".to_owned(), |out, byte| out + &format!("{byte:02x}"))
        }
    });
    Field::metadata("xattr", Value::Text(format!("{}={shown}", text(name)).into()))
}

/// File capabilities of revision 2, or 3 with the user that is root where they count.
fn capability(value: &[u8]) -> Option<String> {
    let magic = le_u32(value, 0)?;
    let root = match (magic >> 24, value.len()) {
        (2, 20) => String::new(),
        (3, 24) => format!(" for root {}", le_u32(value, 20)?),
        _ => return None,
    };
    if magic & 0x00ff_fffe != 0 {
        return None;
    }
    let set = |at: usize| Some(u64::from(le_u32(value, at)?) | u64::from(le_u32(value, at + 8)?) << 32);
    let effective = if magic & 1 == 1 { "effective " } else { "" };
    Some(format!("{effective}permitted {} inheritable {}{root}", names(set(4)?), names(set(8)?)))
}

/// The names of a set of capabilities; the number of one that has none here.
fn names(set: u64) -> String {
    let mut known: Vec<caps::Capability> = caps::all().into_iter().collect();
    known.sort_unstable_by_key(caps::Capability::bitmask);
    let mut names: Vec<String> = Vec::new();
    for bit in (0..64).filter(|bit| set >> bit & 1 == 1) {
        let name = known.iter().find(|known| known.bitmask() == 1 << bit);
        names.push(name.map_or_else(|| bit.to_string(), |name| name.to_string().to_lowercase()));
    }
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

/// An access control list as the kernel hands it out: `user::rw-,user:1000:r--,group::r--,mask::r--,other::---`.
fn acl(value: &[u8]) -> Option<String> {
    let entries = value.get(4..).filter(|entries| entries.len() % 8 == 0 && le_u32(value, 0) == Some(2))?;
    let mut shown: Vec<String> = Vec::new();
    for entry in entries.chunks_exact(8) {
        let (tag, bits, id) = (le_u16(entry, 0)?, le_u16(entry, 2)?, le_u32(entry, 4)?);
        let (kind, named) = match tag {
            0x01 => ("user", false),
            0x02 => ("user", true),
            0x04 => ("group", false),
            0x08 => ("group", true),
            0x10 => ("mask", false),
            0x20 => ("other", false),
            _ => return None,
        };
        // Who has no number of its own has all bits set.
        let who = match (named, id) {
            (true, id) => id.to_string(),
            (false, u32::MAX) => String::new(),
            _ => return None,
        };
        shown.push(format!("{kind}:{who}:{}", permissions(bits)?));
    }
    Some(shown.join(","))
}

fn permissions(bits: u16) -> Option<String> {
    let letter = |bit: u16, letter: char| if bits & bit == 0 { '-' } else { letter };
    (bits < 8).then(|| [letter(4, 'r'), letter(2, 'w'), letter(1, 'x')].iter().collect())
}

/// An access control list in the form that ext file systems keep (`fs/ext4/acl.h`), in that of the kernel's calls.
pub(super) fn acl_of_ext(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = 2_u32.to_le_bytes().to_vec();
    let mut rest = value.strip_prefix(&1_u32.to_le_bytes())?;
    while !rest.is_empty() {
        let named = matches!(le_u16(rest, 0)?, 0x02 | 0x08);
        let (entry, after) = rest.split_at_checked(if named { 8 } else { 4 })?;
        out.extend_from_slice(entry);
        if !named {
            out.extend_from_slice(&[0xff; 4]);
        }
        rest = after;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{acl_of_ext, attribute};

    fn shown(name: &str, value: &[u8]) -> String {
        attribute(name.as_bytes(), value).value.to_string()
    }

    #[test]
    fn attributes_of_the_kernel_are_words() {
        let net = [&[1, 0, 0, 2, 0, 4, 0, 0][..], &[0; 12]].concat();
        assert_eq!(
            shown("security.capability", &net),
            "security.capability=effective permitted cap_net_bind_service inheritable none"
        );
        let rooted = [&[0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80][..], &[0; 4], &[7, 0, 0, 0]].concat();
        assert_eq!(
            shown("security.capability", &rooted),
            "security.capability=permitted cap_chown,63 inheritable none for root 7"
        );
        let list = [&[2, 0, 0, 0][..], &[1, 0, 6, 0, 255, 255, 255, 255], &[2, 0, 4, 0, 0xe8, 3, 0, 0]].concat();
        let text = "system.posix_acl_access=user::rw-,user:1000:r--";
        assert_eq!(shown("system.posix_acl_access", &list), text);
        let kept = [&[1, 0, 0, 0][..], &[1, 0, 6, 0], &[2, 0, 4, 0, 0xe8, 3, 0, 0]].concat();
        assert_eq!(acl_of_ext(&kept).as_deref(), Some(&list[..]));
    }

    #[test]
    fn what_is_not_of_their_form_is_digits() {
        for (name, value) in [
            ("security.capability", &[1, 0, 0, 2][..]),
            ("security.capability", &[[3, 0, 0, 2].as_slice(), &[0; 16]].concat()),
            ("system.posix_acl_access", &[2, 0, 0, 0, 1]),
            ("system.posix_acl_access", &[2, 0, 0, 0, 1, 0, 8, 0, 255, 255, 255, 255]),
            ("system.posix_acl_access", &[2, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0]),
            ("user.a", &[0]),
        ] {
            assert!(shown(name, value).contains("=0x"), "{name} {value:?}");
        }
        assert_eq!(shown("user.a", b"b c"), "user.a=b c");
        assert_eq!(acl_of_ext(&[1, 0, 0, 0, 2, 0, 4, 0]), None);
    }
}
