//! Names of libraries that an object gives to dlopen, as far as they stand in it as constants.

use std::collections::BTreeSet;

/// Longer ones are no names of files.
const LONGEST: usize = 100;

/// Strings such as `libssl.so.3`, from NUL to NUL.
pub fn opened_names(bytes: &[u8]) -> BTreeSet<String> {
    let starts = memchr::memmem::find_iter(bytes, b"\0lib").map(|at| at + 1);
    let strings = starts.filter_map(|at| {
        let rest = &bytes[at..bytes.len().min(at + LONGEST)];
        std::str::from_utf8(&rest[..memchr::memchr(0, rest)?]).ok()
    });
    strings.filter(|text| is_library(text)).map(str::to_owned).collect()
}

fn is_library(text: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"_+-.".contains(&letter);
    let Some((stem, version)) = text.split_once(".so") else { return false };
    // Without a version it is a name for the linker, or for a directory of plug-ins.
    let numbers = version
        .strip_prefix('.')
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !rest.is_empty());
    numbers && stem.len() > 3 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_with_a_version() {
        let bytes =
            b"x\0libssl.so.3\0libx.so\0mylibz.so.1\0lib.so.1\0liba/b.so.1\0lib%s.so.2\0libc++.so.1.0\0libend.so.1";
        assert_eq!(opened_names(bytes).into_iter().collect::<Vec<_>>(), ["libc++.so.1.0", "libssl.so.3"]);
    }
}
