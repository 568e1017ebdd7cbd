//! Facts in words, the same in all views.

use crate::diff::{Counts, Difference, Fact, Range, Report, Side};
use crate::report::{bytes, count};

/// The verdict, in one sentence.
pub(in crate::report) fn verdict(report: &Report) -> String {
    let [left, right] = &report.subjects;
    if report.identical {
        return format!("{left} and {right} are identical");
    }
    let Counts { content, metadata } = report.counts;
    let places = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "place");
    let what = match (content, metadata) {
        (content, 0) => format!("in the content of {}", places(content)),
        (0, metadata) => format!("in the metadata of {}, and in nothing else", places(metadata)),
        (content, metadata) => {
            format!("in the content of {}, and in the metadata alone of {}", places(content), places(metadata))
        }
    };
    format!("{left} and {right} differ {what}")
}

/// What something is, and its size on both sides.
pub(super) fn nature(difference: &Difference) -> String {
    let kind = &difference.kind;
    match difference.sizes {
        [Some(left), Some(right)] if left != right => format!("{kind}, {} and {}", bytes(left), bytes(right)),
        [Some(size), _] | [None, Some(size)] => format!("{kind}, {}", bytes(size)),
        [None, None] => kind.clone(),
    }
}

/// A fact that fits on a line. For lines and bytes, what stands above them.
pub(super) fn line(fact: &Fact) -> String {
    let side = |side: &Side| if *side == Side::Left { "left" } else { "right" };
    match fact {
        Fact::Only { side: on, elsewhere: None } => format!("only on the {}", side(on)),
        Fact::Only { side: on, elsewhere: Some(name) } => {
            let other = if *on == Side::Left { "right" } else { "left" };
            format!("only on the {}; on the {other} it is `{name}`", side(on))
        }
        Fact::Kind { values: [left, right] } => format!("{left} on the left, {right} on the right"),
        Fact::Field { name, values, .. } => {
            let [left, right] = values.each_ref().map(|value| value.as_deref().unwrap_or("(none)"));
            format!("{name}: {left} -> {right}")
        }
        Fact::Order { moved, examples } => {
            let list: Vec<String> = examples
                .iter()
                .map(|one| format!("{} ({} -> {})", one.name, one.positions[0], one.positions[1]))
                .collect();
            let more = if *moved > examples.len() as u64 { ", …" } else { "" };
            let stand = if *moved == 1 { "1 entry stands" } else { &format!("{moved} entries stand") };
            format!("{stand} elsewhere: {}{more}", list.join(", "))
        }
        Fact::Lines { what, hunks, left_out } => {
            let shown: usize =
                hunks.iter().map(|hunk| hunk.lines.iter().filter(|line| line.side.is_some()).count()).sum();
            let more = if *left_out > 0 { format!(", {left_out} more are not shown") } else { String::new() };
            format!("{shown} {what} differ{more}")
        }
        Fact::Bytes { differing: [left, right], ranges, left_out, .. } => {
            let many = ranges.len() as u64 + left_out;
            let places = count(usize::try_from(many).unwrap_or(usize::MAX), "range");
            if left == right {
                let differ = if *left == 1 { "byte differs" } else { "bytes differ" };
                format!("{left} {differ}, in {places}")
            } else {
                format!("{left} bytes on the left and {right} on the right differ, in {places}")
            }
        }
        Fact::Unreadable { side: on, kind, reason } => {
            format!("on the {} it is no valid {kind}: {reason}", side(on))
        }
        Fact::Unsearched { reason } => format!("not all was looked at: {reason}"),
    }
}

/// A range's bytes of one side as a dump: offset, hexadecimal, characters; those that differ in brackets.
pub(super) fn dump(range: &Range, side: Side) -> String {
    let (offset, digits) = (range.offsets[side as usize], &range.bytes[side as usize]);
    let before = usize::try_from(range.before).unwrap_or(0);
    let pairs: Vec<&str> = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or("??")).collect();
    let before = before.min(pairs.len());
    let characters: String = pairs
        .iter()
        .map(|pair| u8::from_str_radix(pair, 16).ok().filter(|byte| (32..127).contains(byte)).map_or('.', char::from))
        .collect();
    let within = pairs.len() - before;
    let more = if range.lengths[side as usize] > within as u64 { " …" } else { "" };
    let gap = if before > 0 { " " } else { "" };
    format!(
        "0x{offset:08x}  {}{gap}[{}{more}]  {} [{}]",
        pairs[..before].join(" "),
        pairs[before..].join(" "),
        &characters[..before],
        &characters[before..],
    )
}
