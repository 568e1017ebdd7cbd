//! Constants by their standard names, and bytes as text.

use object::elf::{self, Names};

/// Bytes of a name or string that are looked at. A table of symbols can point at one long string a million times.
const LONGEST: usize = 4096;

/// The names that a machine's processor supplement gives.
pub(super) fn of(machine: u16) -> &'static Names {
    elf::machine_names(elf::Machine(machine))
}

/// A constant's name, or its number.
pub(super) fn or_number(name: Option<&str>, number: u64) -> String {
    name.map_or_else(|| format!("{number:#x}"), str::to_owned)
}

/// Type of a section.
pub(super) fn section_type(machine: u16, number: u32) -> String {
    or_number(of(machine).sht.name(elf::SectionType(number)), number.into())
}

/// Flags of a section.
pub(super) fn section_flags(machine: u16, flags: u64) -> String {
    let mut list = Vec::new();
    let rest = of(machine).shf.names(elf::SectionFlags(flags), |_, name| list.push(name.to_owned()));
    join(list, rest)
}

/// Type of a program header.
pub(super) fn segment_type(machine: u16, number: u32) -> String {
    or_number(of(machine).pt.name(elf::ProgramType(number)), number.into())
}

/// Permissions of a segment.
pub(super) fn segment_flags(machine: u16, flags: u32) -> String {
    let mut list = Vec::new();
    let rest = of(machine).pf.names(elf::ProgramFlags(flags), |_, name| list.push(name.to_owned()));
    join(list, rest.into())
}

fn join(mut list: Vec<String>, rest: u64) -> String {
    if rest != 0 {
        list.push(format!("{rest:#x}"));
    }
    if list.is_empty() { "none".to_owned() } else { list.join(" | ") }
}

/// The string that begins at a place of a string table; none if the table ends before.
pub(super) fn string_at(table: &[u8], at: u64) -> Option<String> {
    let rest = table.get(usize::try_from(at).ok()?..)?;
    let most = &rest[..rest.len().min(LONGEST)];
    match memchr::memchr(0, most) {
        Some(end) => Some(text(&most[..end])),
        None if rest.len() > LONGEST => Some(text(most) + "…"),
        None => None,
    }
}

/// Bytes as text: what is not UTF-8 and what terminals would act on is written `\xNN`, so that different bytes stay
/// different in all but oddities.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                control if control.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(control))),
                other => out.push(other),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{section_flags, section_type, string_at, text};

    #[test]
    fn constants_have_their_names() {
        assert_eq!(section_type(62, 1), "SHT_PROGBITS");
        assert_eq!(section_type(62, 0x1234_5678), "0x12345678");
        assert_eq!(section_flags(62, 6), "SHF_ALLOC | SHF_EXECINSTR");
        assert_eq!(section_flags(62, 0), "none");
        assert_eq!(section_flags(62, 0x0002_0002), "SHF_ALLOC | 0x20000");
    }

    #[test]
    fn strings_end_somewhere() {
        assert_eq!(string_at(b"\0ab\0c", 1).as_deref(), Some("ab"));
        assert_eq!(string_at(b"\0ab\0c", 4), None);
        assert_eq!(string_at(b"", u64::MAX), None);
        assert_eq!(string_at(&vec![b'a'; 1 << 20], 0).map(|text| text.len()), Some(4099));
        assert_eq!(text(b"a\n\x1b\xff"), "a\\n\\x1b\\xff");
    }
}
