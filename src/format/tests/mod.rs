//! Archives made byte by byte, and what becomes of each.
//!
//! A case is an archive and either the listing that the sink must have been given, or a piece of the text of the
//! refusal. Listings: `d/`, `a=content` (0644), `x*=content` (0755), `l->target`, `h=>target`, in the archive's order.

mod ar_cases;
mod codec_cases;
mod cpio_cases;
mod dir;
mod limits;
mod make;
mod mutate;
mod tar_cases;
mod tar_pax_cases;
mod writers;
mod zip_cases;

use std::io::{Cursor, Read};

use super::*;

/// Writes down what it is given.
#[derive(Default)]
struct List {
    lines: Vec<String>,
}

impl Sink for List {
    fn directory(&mut self, path: &str, mode: u32) -> Result<(), SinkError> {
        let mode = if mode == 0o755 { String::new() } else { format!("{mode:o}") };
        self.lines.push(format!("{path}/{mode}"));
        Ok(())
    }

    fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        let mut content = Vec::new();
        data.read_to_end(&mut content)?;
        assert_eq!(content.len() as u64, size, "{path}: the sink was told another size");
        let mode = match mode {
            0o644 => String::new(),
            0o755 => "*".to_owned(),
            mode => format!("{mode:o}"),
        };
        let text = match content.len() {
            0..=40 => content.escape_ascii().to_string(),
            size => format!("{size} bytes"),
        };
        self.lines.push(format!("{path}{mode}={text}"));
        Ok(())
    }

    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        self.lines.push(format!("{path}->{target}"));
        Ok(())
    }

    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        self.lines.push(format!("{path}=>{target}"));
        Ok(())
    }
}

/// What must become of an archive.
enum Want {
    /// The sink's listing, joined by blanks.
    List(&'static str),
    /// A piece of the error's text.
    Refuse(&'static str),
}
use Want::{List as Is, Refuse};

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    rules: Rules,
    want: Want,
}

fn case(name: &'static str, bytes: Vec<u8>, want: Want) -> Case {
    Case { name, bytes, rules: Rules::default(), want }
}

fn ruled(name: &'static str, rules: Rules, bytes: Vec<u8>, want: Want) -> Case {
    Case { name, bytes, rules, want }
}

fn strip(strip: usize) -> Rules {
    Rules { strip, ..Rules::default() }
}

/// Unpacks and lists; the error with its chain of causes otherwise.
fn listing(bytes: &[u8], rules: &Rules) -> Result<(String, Summary), String> {
    let mut sink = List::default();
    let outcome = unpack("test", Cursor::new(bytes), None, rules, &mut sink);
    // Both entries into the module must agree.
    if Kind::detect(bytes) != Some(Kind::Zip) {
        let mut again = List::default();
        let streamed = unpack_stream("test", bytes, None, rules, &mut again);
        assert_eq!(streamed.map_err(|e| e.to_string()).ok(), outcome.as_ref().ok().cloned());
        assert_eq!(again.lines, sink.lines);
    }
    match outcome {
        Ok(summary) => Ok((sink.lines.join(" "), summary)),
        Err(error) => {
            assert!(error.to_string().contains("`test`"), "the error does not name the archive: {error}");
            Err(error.to_string())
        }
    }
}

#[track_caller]
fn check(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for Case { name, bytes, rules, want } in cases {
        let got = listing(&bytes, &rules).map(|(lines, _)| lines);
        match (&want, &got) {
            (Is(want), Ok(got)) if want == got => {}
            (Refuse(want), Err(got)) if got.contains(want) => {}
            (Is(want), got) => wrong.push(format!("{name}:\n  want {want}\n  got  {got:?}")),
            (Refuse(want), got) => wrong.push(format!("{name}:\n  want refusal `{want}`\n  got  {got:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
