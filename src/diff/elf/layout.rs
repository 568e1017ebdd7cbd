//! Where sections lie: each move is told once, with how many sections it moves.

use super::read::{Elf, Section};
use super::sections::Matched;
use crate::container::About;
use crate::diff::lines;
use crate::diff::model::{Difference, Fact};

/// Moves that are shown, of offsets and of addresses each.
const SHOWN: usize = 12;

/// Whether sections have other places or sizes, so that whatever tells these has to differ.
pub(super) fn is_changed(files: [&Elf; 2], matched: &Matched) -> bool {
    let elsewhere = |[a, b]: &[usize; 2]| {
        let (a, b) = (&files[0].sections[*a], &files[1].sections[*b]);
        (a.offset, a.address, a.size) != (b.offset, b.address, b.size)
    };
    matched.alone.iter().any(|alone| !alone.is_empty()) || matched.both.iter().any(elsewhere)
}

/// Tells what was moved by how much, and whether sections have another order.
pub(super) fn compare(files: [&Elf; 2], matched: &Matched, found: &mut Difference) {
    moves("sh_offset", files, matched, &|section| section.offset, found);
    moves("sh_addr", files, matched, &|section| section.address, found);
    if matched.both.windows(2).any(|pair| pair[0][1] > pair[1][1]) {
        let names = |side: usize| -> Vec<&str> {
            matched.both.iter().map(|pair| files[side].sections[pair[side]].name.as_str()).collect()
        };
        let mut order: Vec<usize> = matched.both.iter().map(|pair| pair[1]).collect();
        order.sort_unstable();
        let right: Vec<&str> = order.iter().map(|index| files[1].sections[*index].name.as_str()).collect();
        found.facts.extend(lines::compare("sections", &names(0), &right, &|_| String::new()));
    }
    let names = [".shstrtab", ".strtab"].map(|name| files.map(|file| file.named(name).map(|(_, section)| section)));
    // Where names stand in their table follows from the table, if that is another.
    let follows = names.iter().any(|pair| match pair {
        [Some(Section { bytes: Some(a), .. }), Some(Section { bytes: Some(b), .. })] => {
            !matches!(a.differs_at(b), Ok(None))
        }
        [a, b] => a.is_some() != b.is_some(),
    });
    let other = |[a, b]: &&[usize; 2]| files[0].sections[*a].name_at != files[1].sections[*b].name_at;
    let mut others = matched.both.iter().filter(other);
    if let (false, Some([a, b])) = (follows, others.next()) {
        let (a, b) = (&files[0].sections[*a], &files[1].sections[*b]);
        let name = match others.count() {
            0 => format!("sh_name of {}", a.name),
            more => format!("sh_name of {} and {more} more", a.name),
        };
        found.field(name, [a, b].map(|section| Some(format!("{:#x}", section.name_at))), About::Metadata);
    }
}

fn moves(name: &str, files: [&Elf; 2], matched: &Matched, value: &dyn Fn(&Section) -> u64, found: &mut Difference) {
    struct Run {
        first: String,
        values: [u64; 2],
        count: usize,
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut last = 0;
    for [a, b] in &matched.both {
        let (a, b) = (&files[0].sections[*a], &files[1].sections[*b]);
        let values = [value(a), value(b)];
        let by = values[1].wrapping_sub(values[0]);
        if by != 0 {
            match runs.last_mut() {
                Some(run) if last == by => run.count += 1,
                _ => runs.push(Run { first: a.name.clone(), values, count: 1 }),
            }
            last = by;
        } else if a.offset != 0 || a.address != 0 {
            last = 0;
        }
    }
    let more = runs.len().saturating_sub(SHOWN);
    for run in runs.into_iter().take(SHOWN) {
        let others = match run.count - 1 {
            0 => String::new(),
            1 => " and of the next section that has one".to_owned(),
            count => format!(" and of {count} sections after it"),
        };
        let [from, to] = run.values;
        let (sign, by) = if to > from { ('+', to - from) } else { ('-', from - to) };
        let values = [Some(format!("{from:#x}")), Some(format!("{to:#x} ({sign}{by:#x})"))];
        found.field(format!("{name} of {}{others}", run.first), values, About::Metadata);
    }
    if more > 0 {
        found.facts.push(Fact::Unsearched { reason: format!("{more} further groups of sections have another {name}") });
    }
}
