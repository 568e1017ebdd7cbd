//! What the kernel opens by itself when a program is executed: a script's interpreter, a program's dynamic loader.

/// What a file's first bytes say about how it is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing more.
    Nothing,
    /// This interpreter, itself executed like any program.
    Interpreter(Vec<u8>),
    /// This loader.
    Loader(Vec<u8>),
}

/// How much of a file has to be read: what the kernel looks at for a script (`BINPRM_BUF_SIZE`), and where linkers put
/// the interpreter's name.
pub(super) const HEAD: usize = 4096;

/// Reads the head of a program (execve(2), elf(5)).
pub(super) fn needs(head: &[u8]) -> Needs {
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = &line[..line.len().min(254)];
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or(line);
        let word = line.split(|byte| matches!(byte, b' ' | b'\t' | 0)).find(|word| !word.is_empty());
        return word.map_or(Needs::Nothing, |word| Needs::Interpreter(word.to_vec()));
    }
    loader(head).map_or(Needs::Nothing, |name| Needs::Loader(name.to_vec()))
}

/// The name in the PT_INTERP segment of a 64-bit little-endian ELF file.
fn loader(head: &[u8]) -> Option<&[u8]> {
    const INTERP: u32 = 3;
    let u16_at = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let u64_at = |at: usize| usize::try_from(u64::from_le_bytes(*head.get(at..)?.first_chunk()?)).ok();
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (u64_at(32)?, usize::from(u16_at(54)?), u16_at(56)?);
    for index in 0..usize::from(count) {
        let at = table.checked_add(index.checked_mul(size)?)?;
        if u32_at(at)? == INTERP {
            let (offset, length) = (u64_at(at.checked_add(8)?)?, u64_at(at.checked_add(32)?)?);
            let name = head.get(offset..offset.checked_add(length)?)?;
            return name.split(|byte| *byte == 0).next().filter(|name| !name.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_its_interpreter() {
        let of = |head: &[u8]| needs(head);
        assert_eq!(of(b"#!/bin/sh\n"), Needs::Interpreter(b"/bin/sh".to_vec()));
        assert_eq!(of(b"#! /usr/bin/env perl -w\nfoo"), Needs::Interpreter(b"/usr/bin/env".to_vec()));
        assert_eq!(of(b"#!\n/bin/sh"), Needs::Nothing);
        assert_eq!(of(b"#!"), Needs::Nothing);
        assert_eq!(of(b""), Needs::Nothing);
        assert_eq!(of(b"\x7fELF\x02\x01"), Needs::Nothing);
    }

    #[test]
    fn a_dynamic_program_names_its_loader() {
        let head = std::fs::read("/proc/self/exe").unwrap();
        let found = needs(&head[..HEAD]);
        let Needs::Loader(name) = found else { return };
        assert!(name.starts_with(b"/lib"), "{}", String::from_utf8_lossy(&name));
        // Whatever is cut off or turned around: no panic.
        for cut in 0..1024 {
            let _ = needs(&head[..cut]);
        }
        for at in 0..512 {
            let mut bytes = head[..HEAD].to_vec();
            bytes[at] ^= 0xff;
            let _ = needs(&bytes);
        }
    }
}
