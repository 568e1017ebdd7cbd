//! The names of licences in a Debian copyright file: `License:` of the machine-readable format, version 1.0.

use std::collections::BTreeSet;

/// Names that are longer are prose.
const LONGEST: usize = 60;

/// The names, as they stand there; none for a file of another form.
pub(super) fn licenses(text: &str) -> BTreeSet<String> {
    let mut lines = text.lines();
    let first = lines.find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !value(first, "format").is_some_and(|format| format.contains("copyright-format/1.0")) {
        return BTreeSet::new();
    }
    let mut names = BTreeSet::new();
    for synopsis in lines.filter_map(|line| value(line, "license")) {
        // `GPL-2+ and Expat, or Artistic`: names are without spaces, but for `with … exception`.
        let words: Vec<&str> = synopsis.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
        for name in words.split(|word| matches!(*word, "and" | "or" | "and/or")) {
            let name = name.join(" ");
            if !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                names.insert(name);
            }
        }
    }
    names
}

/// The value of a field that begins on this line. Names of fields have no case.
fn value<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case(field).then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_only_from_files_of_that_format() {
        let format = "Format: https://example.org/doc/packaging-manuals/copyright-format/1.0/\n";
        let text = "Upstream-Name: x\n\nFiles: *\nLicense: GPL-2+ and Expat, or Artistic\n License: not this\n\n\
                    license: GPL-3+ with Bison exception\nLicense:\nLicense: \u{1b}[2J\n";
        let names = licenses(&format!("\n{format}{text}"));
        assert_eq!(
            names.iter().map(String::as_str).collect::<Vec<_>>(),
            ["Artistic", "Expat", "GPL-2+", "GPL-3+ with Bison exception"]
        );
        assert!(licenses(text).is_empty() && licenses("").is_empty());
        assert!(licenses(&format!("{format}License: {}\n", "x".repeat(61))).is_empty());
    }
}
