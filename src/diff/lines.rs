//! Lists of lines: of text, or of what was written out as lines.

use imara_diff::{Algorithm, Diff, InternedInput};

use super::model::{Fact, Hunk, Line, Side};

/// Lines shown around a change.
const AROUND: u32 = 3;
/// Changed lines that are shown of one comparison.
const SHOWN: u64 = 400;
/// Characters of a line that are shown.
const WIDTH: usize = 240;
/// Characters before a change in a line that is cut.
const LEAD: usize = 40;

/// How two lists of lines differ; none if they are equal. `within` gives what a line of the left side lies in.
pub(super) fn compare(
    what: &str,
    left: &[impl AsRef<str>],
    right: &[impl AsRef<str>],
    within: &dyn Fn(usize) -> String,
) -> Option<Fact> {
    let (left, right): (Vec<&str>, Vec<&str>) =
        (left.iter().map(AsRef::as_ref).collect(), right.iter().map(AsRef::as_ref).collect());
    // What both share at the ends costs nothing then.
    let start = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let most = left.len().min(right.len()) - start;
    let end = left.iter().rev().zip(right.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let mut input = InternedInput::default();
    input.update_before(left[start..left.len() - end].iter().copied());
    input.update_after(right[start..right.len() - end].iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let base = u32::try_from(start).ok()?;
    let mut changes = diff.hunks().map(|hunk| {
        let shift = |range: std::ops::Range<u32>| [range.start + base, range.end + base];
        [shift(hunk.before), shift(hunk.after)]
    });
    let mut group = vec![changes.next()?];
    let (mut hunks, mut shown, mut left_out) = (Vec::new(), 0, 0);
    let mut close = |group: &[Change]| {
        let changed: u64 = group.iter().map(|[a, b]| u64::from(a[1] - a[0]) + u64::from(b[1] - b[0])).sum();
        if shown > 0 && shown + changed > SHOWN {
            left_out += changed;
            return;
        }
        let (hunk, cut) = hunk(group, &left, &right, SHOWN.saturating_sub(shown), within);
        shown += changed - cut;
        left_out += cut;
        hunks.push(hunk);
    };
    for change in changes {
        if let Some(last) = group.last()
            && change[0][0] - last[0][1] > 2 * AROUND
        {
            close(&group);
            group.clear();
        }
        group.push(change);
    }
    close(&group);
    Some(Fact::Lines { what: what.to_owned(), hunks, left_out })
}

/// First line and the one after the last, on the left and on the right.
type Change = [[u32; 2]; 2];

/// A hunk of at most `most` changed lines, and how many more there are.
fn hunk(group: &[Change], left: &[&str], right: &[&str], most: u64, within: &dyn Fn(usize) -> String) -> (Hunk, u64) {
    let (first, last) = (group[0], group[group.len() - 1]);
    let before = first[0][0].min(first[1][0]).min(AROUND);
    let after = (left.len() as u32 - last[0][1]).min(AROUND);
    let mut lines = Vec::new();
    let (mut count, mut cut) = (0, 0);
    let mut at = first[0][0] - before;
    let both = |from: u32, to: u32, lines: &mut Vec<Line>| {
        let same = left.get(from as usize..to as usize).unwrap_or_default();
        lines.extend(same.iter().map(|line| Line { side: None, text: fit(line, 0) }));
    };
    for [a, b] in group {
        both(at, a[0], &mut lines);
        let (old, new) = (&left[a[0] as usize..a[1] as usize], &right[b[0] as usize..b[1] as usize]);
        // A line that stands against another is shown where the two begin to differ.
        let lead = |index: usize| match (old.get(index), new.get(index)) {
            (Some(a), Some(b)) => a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count(),
            _ => 0,
        };
        for (side, part) in [(Side::Left, old), (Side::Right, new)] {
            for (index, line) in part.iter().enumerate() {
                count += 1;
                if count > most {
                    cut += 1;
                } else {
                    lines.push(Line { side: Some(side), text: fit(line, lead(index)) });
                }
            }
        }
        at = a[1];
    }
    both(at, at + after, &mut lines);
    let starts = [u64::from(first[0][0] - before) + 1, u64::from(first[1][0] - before) + 1];
    (Hunk { starts, within: within(first[0][0] as usize), lines }, cut)
}

/// A line that is not too long: from a little before the character number `change` on.
fn fit(line: &str, change: usize) -> String {
    if line.len() <= WIDTH {
        return line.to_owned();
    }
    let from = change.saturating_sub(LEAD);
    let mut characters = line.chars().skip(from);
    let mut out = if from > 0 { "…".to_owned() } else { String::new() };
    out.extend(characters.by_ref().take(WIDTH));
    if characters.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::diff::model::Fact;

    fn show(left: &[String], right: &[String]) -> Option<String> {
        compare("lines", left, right, &|_| String::new()).map(|fact| {
            let Fact::Lines { hunks, left_out, .. } = fact else { unreachable!("lines were compared") };
            let mut out = String::new();
            for hunk in hunks {
                out += &format!("@{},{}\n", hunk.starts[0], hunk.starts[1]);
                for line in hunk.lines {
                    let mark = match line.side {
                        None => ' ',
                        Some(super::Side::Left) => '-',
                        Some(super::Side::Right) => '+',
                    };
                    out += &format!("{mark}{}\n", line.text);
                }
            }
            if left_out > 0 { out + &format!("{left_out} more\n") } else { out }
        })
    }

    #[test]
    fn changes_have_lines_around_them() {
        let left: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
        assert_eq!(show(&left, &left), None);
        let mut right = left.clone();
        right[9] = "ten".to_owned();
        right.remove(20);
        let want = "@7,7\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n@18,18\n 18\n 19\n 20\n-21\n 22\n 23\n 24\n";
        assert_eq!(show(&left, &right).as_deref(), Some(want));
        assert_eq!(show(&[], &right[..1]).as_deref(), Some("@1,1\n+1\n"));
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let left: Vec<String> = (0..3000).map(|n| format!("a{n}")).collect();
        let right: Vec<String> = (0..3000).map(|n| format!("b{n}")).collect();
        assert!(show(&left, &right).expect("they differ").ends_with("5600 more\n"));
    }

    #[test]
    fn a_long_line_is_cut_around_the_change() {
        let left = format!("{}X{}", "a".repeat(1000), "b".repeat(1000));
        let text = show(std::slice::from_ref(&left), &[left.replace('X', "Y")]).expect("they differ");
        assert!(text.contains("…") && text.contains('X') && text.contains('Y') && text.len() < 700, "{text}");
    }
}
