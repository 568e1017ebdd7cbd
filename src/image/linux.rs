//! What the file systems of Linux have in common: forms and limits that come from its own calls.

use super::error::{Error, Problem};

/// Most bytes of an extended attribute's whole name (`XATTR_NAME_MAX`).
const ATTRIBUTE_NAME: u64 = 255;

/// The number of a device in 32 bits, as the kernel's `new_encode_dev` has it: eight bits of the minor number, twelve of
/// the major, and twelve more of the minor.
pub(super) fn device(path: &[u8], major: u32, minor: u32) -> Result<u32, Error> {
    for (what, value, most) in [("a device's major number", major, 0xfff), ("a device's minor number", minor, 0xf_ffff)]
    {
        if value > most {
            return Err(Error::of(path, Problem::TooLarge { what, value: value.into(), most: most.into() }));
        }
    }
    Ok(minor & 0xff | major << 8 | (minor & !0xff) << 12)
}

/// Splits an attribute's name behind its namespace: the number of that in `namespaces`, and the rest.
///
/// A namespace that ends in a dot has names of its own; any other is a name, of which nothing is left.
pub(super) fn attribute<'a>(
    path: &[u8],
    namespaces: &[(&str, u8)],
    name: &'a [u8],
    value: &[u8],
    largest: u64,
) -> Result<(u8, &'a [u8]), Error> {
    let bad = |problem| Err(Error::of(path, problem));
    let found = namespaces.iter().find_map(|(namespace, number)| {
        let rest = name.strip_prefix(namespace.as_bytes())?;
        (namespace.ends_with('.') != rest.is_empty()).then_some((*number, rest))
    });
    let Some(found) = found else {
        return bad(Problem::Unsupported { what: "extended attributes with such names" });
    };
    if name.contains(&0) {
        return bad(Problem::Unsupported { what: "names of extended attributes with a zero in them" });
    }
    for (what, value, most) in [
        ("an extended attribute's name of", name.len() as u64, ATTRIBUTE_NAME),
        ("an extended attribute's value of", value.len() as u64, largest),
    ] {
        if value > most {
            return bad(Problem::TooLarge { what, value, most });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_device_has_its_number() {
        assert_eq!(super::device(b"", 1, 3).ok(), Some(0x103));
        assert_eq!(super::device(b"", 0x123, 0x4_5678).ok(), Some(0x4561_2378));
    }
}
