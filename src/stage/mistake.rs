//! Mistakes in definition files: where, what, and the cure.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// How much of a long line is shown.
const SHOWN: usize = 120;

/// One mistake in a file of the project.
///
/// Ordered by place, so that a sorted list reads from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mistake {
    /// The file, relative to the project.
    pub file: String,
    /// Line, from 1; 0 when the mistake is not in the file's text (a file that is missing, for instance).
    pub line: usize,
    /// Column in characters, from 1; 0 as for `line`.
    pub column: usize,
    /// Characters marked in the line.
    pub width: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line's text.
    pub source: String,
}

impl Mistake {
    /// A mistake that concerns a whole file or folder.
    pub(super) fn whole(file: &str, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            width: 0,
            message: message.into(),
            help,
            source: String::new(),
        }
    }

    /// A mistake at the bytes `span` of `text`. A span outside the text, or not between characters, is moved inside.
    pub(super) fn at(
        file: &str,
        text: &str,
        span: &Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let start = floor(span.start);
        let end = floor(span.end).max(start);
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let source = text[begin..line_end].trim_end_matches('\r');
        Self {
            file: file.to_owned(),
            line: text[..begin].bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            width: text[start..end.min(line_end).max(start)].chars().count().max(1),
            message: message.into(),
            help,
            source: source.to_owned(),
        }
    }

    /// The line and the characters to mark, cut to what fits a terminal. Control characters are shown as blanks.
    fn excerpt(&self) -> (String, usize, usize) {
        let chars: Vec<char> = self.source.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let at = self.column.saturating_sub(1);
        let from = if chars.len() > SHOWN && at > SHOWN / 2 { at - SHOWN / 2 } else { 0 };
        let to = chars.len().min(from + SHOWN);
        let mut line: String = if from > 0 { "…".to_owned() } else { String::new() };
        let marked = line.chars().count() + at - from;
        line.extend(&chars[from..to]);
        if to < chars.len() {
            line.push('…');
        }
        (line, marked, self.width.min(to.saturating_sub(at)).max(1))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)?;
        } else {
            let (line, marked, width) = self.excerpt();
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
            writeln!(f, "{margin} |")?;
            writeln!(f, "{}", format!("{number} | {line}").trim_end())?;
            write!(f, "{margin} | {}{}", " ".repeat(marked), "^".repeat(width))?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  = hint: {help}"),
            None => Ok(()),
        }
    }
}

/// All mistakes found in a project's definitions, sorted by place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistakes {
    /// The mistakes; never empty.
    pub list: Vec<Mistake>,
}

impl Mistakes {
    /// Sorts, and drops what was said twice.
    pub(crate) fn new(mut list: Vec<Mistake>) -> Self {
        list.sort_unstable();
        list.dedup();
        Self { list }
    }

    /// Nothing for all of them together: each mistake carries its own hint.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.len();
        write!(f, "read the project's definitions: {count} {}", if count == 1 { "mistake" } else { "mistakes" })?;
        self.list.iter().try_for_each(|mistake| write!(f, "\n\n{mistake}"))
    }
}

impl std::error::Error for Mistakes {}

/// The candidate that `word` was probably meant to be: the nearest by edit distance, at most a third of the word away.
/// Of equally near ones the first counts.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let chars: Vec<char> = word.chars().collect();
    let mut limit = (chars.len() / 3).max(1);
    let mut best = None;
    for candidate in candidates {
        if candidate.len().abs_diff(word.len()) > 4 * limit + 4 {
            continue;
        }
        if let Some(found) = distance(&chars, candidate, limit) {
            if found == 0 {
                return Some(candidate);
            }
            best = Some(candidate);
            limit = found - 1;
        }
    }
    best
}

/// The optimal string alignment distance (insert, delete, replace, swap two neighbours), or none above `limit`.
fn distance(a: &[char], b: &str, limit: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        if row.iter().min().is_none_or(|least| *least > limit) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    Some(last[b.len()]).filter(|found| *found <= limit)
}

/// The hint for a word that is not among the candidates.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}
