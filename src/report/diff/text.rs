//! For people on terminals: the verdict, then the tree of differences.

use super::shared::shared;
use super::words;
use crate::diff::{Difference, Fact, Report, Side};
use crate::report::{Palette, Role, clean};

/// How much is shown of one place in short.
const SHORT_PLACES: usize = 25;
const SHORT_FACTS: usize = 12;
const SHORT_LINES: usize = 24;
const SHORT_RANGES: usize = 4;

/// The report. In short, long lists are cut, and what is left out is counted.
pub fn diff_text(report: &Report, palette: Palette, full: bool) -> String {
    let (role, word) = if report.identical { (Role::Good, "identical:") } else { (Role::Bad, "different:") };
    let mut text = format!("{} {}\n", palette.paint(role, word), clean(&words::verdict(report)));
    for note in &report.notes {
        text.push_str(&format!("{} {}\n", palette.paint(Role::Hint, "note:"), clean(note)));
    }
    if let Some(difference) = &report.difference {
        text.push('\n');
        text.push_str(&difference_text(difference, palette, full));
    }
    text
}

/// The tree of differences alone.
pub(in crate::report) fn difference_text(difference: &Difference, palette: Palette, full: bool) -> String {
    let mut view = View { palette, full, text: String::new(), cut: false };
    let shown = shared(difference);
    view.place(&shown, &shown.name, "", "");
    if view.cut {
        view.text.push_str(&format!("\n{}\n", palette.paint(Role::Hint, "-v shows all of it, --json to programs")));
    }
    view.text
}

struct View {
    palette: Palette,
    full: bool,
    text: String,
    cut: bool,
}

impl View {
    /// A place; `first` stands before its own line, `rest` before all that belongs to it.
    fn place(&mut self, mut place: &Difference, name: &str, first: &str, rest: &str) {
        // Places that only hold another are one line with it.
        let mut name = name.to_owned();
        while let ([], [inside]) = (place.facts.as_slice(), place.inside.as_slice()) {
            let separator = if place.kind == "directory" { "/" } else { self.palette.sign(" › ", " > ") };
            match (name.is_empty(), inside.name.is_empty()) {
                (true, _) => name.clone_from(&inside.name),
                (false, true) => {}
                (false, false) => name = format!("{name}{separator}{}", inside.name),
            }
            place = inside;
        }
        let nature = self.palette.paint(Role::Faint, &format!("({})", words::nature(place)));
        let shown = if name.is_empty() {
            nature
        } else {
            format!("{} {nature}", self.palette.paint(Role::Name, &clean(&name)))
        };
        self.text.push_str(&format!("{first}{shown}\n"));
        let limit = |full: bool, short: usize| if full { usize::MAX } else { short };
        let bar = if place.inside.is_empty() { " " } else { self.palette.sign("│", "|") };
        let inner = format!("{rest}{bar} ");
        let facts = limit(self.full, SHORT_FACTS);
        for fact in place.facts.iter().take(facts) {
            self.fact(fact, &inner);
        }
        self.more(place.facts.len().saturating_sub(facts), "facts", &inner);
        let places = limit(self.full, SHORT_PLACES);
        let shown = place.inside.len().min(places);
        let hidden = place.inside.len() - shown;
        for (index, inside) in place.inside.iter().take(shown).enumerate() {
            let last = index + 1 == shown && hidden == 0;
            let (fork, bar) = if last {
                (self.palette.sign("└ ", "` "), "  ")
            } else {
                (self.palette.sign("├ ", "+ "), self.palette.sign("│ ", "| "))
            };
            self.place(inside, &inside.name, &format!("{rest}{fork}"), &format!("{rest}{bar}"));
        }
        self.more(hidden, "places", rest);
    }

    fn more(&mut self, hidden: usize, what: &str, before: &str) {
        if hidden > 0 {
            self.cut = true;
            self.text.push_str(&format!("{before}and {hidden} more {what}\n"));
        }
    }

    fn fact(&mut self, fact: &Fact, before: &str) {
        let line = clean(&words::line(fact));
        let line = line.replace(" -> ", self.palette.sign(" → ", " -> "));
        self.text.push_str(&format!("{before}{line}\n"));
        match fact {
            Fact::Lines { hunks, .. } => {
                let mut left = if self.full { usize::MAX } else { SHORT_LINES };
                let all: usize = hunks.iter().map(|hunk| hunk.lines.len()).sum();
                let mut shown = 0;
                for hunk in hunks {
                    if left == 0 {
                        break;
                    }
                    let within =
                        if hunk.within.is_empty() { String::new() } else { format!(" {}", clean(&hunk.within)) };
                    let head = format!("@@ -{} +{} @@{within}", hunk.starts[0], hunk.starts[1]);
                    self.text.push_str(&format!("{before}  {}\n", self.palette.paint(Role::Faint, &head)));
                    for line in hunk.lines.iter().take(left) {
                        self.line(line.side, &line.text, before);
                    }
                    shown += hunk.lines.len().min(left);
                    left = left.saturating_sub(hunk.lines.len());
                }
                self.more(all - shown, "lines", &format!("{before}  "));
            }
            Fact::Bytes { ranges, .. } => {
                let limit = if self.full { usize::MAX } else { SHORT_RANGES };
                for range in ranges.iter().take(limit) {
                    for side in [Side::Left, Side::Right] {
                        self.line(Some(side), &words::dump(range, side), before);
                    }
                }
                self.more(ranges.len().saturating_sub(limit), "ranges", &format!("{before}  "));
            }
            _ => {}
        }
    }

    fn line(&mut self, side: Option<Side>, text: &str, before: &str) {
        let text = clean(text);
        let line = match side {
            Some(Side::Left) => self.palette.paint(Role::Bad, &format!("-{text}")),
            Some(Side::Right) => self.palette.paint(Role::Good, &format!("+{text}")),
            None => format!(" {text}"),
        };
        self.text.push_str(&format!("{before}  {}\n", line.trim_end()));
    }
}
