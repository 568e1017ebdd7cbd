//! What many entries have in common is said once, where a person reads it: a user that packed all files, a time that all of
//! them have.

use std::collections::BTreeMap;

use crate::diff::{Difference, Fact};

/// So many entries with the same two values are told together.
const MANY: usize = 3;
/// Numbers that whoever packs gives away: that they are others is one thing, however many there are.
const GIVEN: [&str; 2] = ["ino", "inode"];

/// The tree as people see it: properties that differ in the same way in many entries of a place stand at that place, with
/// their number. Nothing else is left out.
pub(super) fn shared(place: &Difference) -> Difference {
    gathered(place.clone())
}

fn gathered(mut shown: Difference) -> Difference {
    let mut seen: BTreeMap<Key, usize> = BTreeMap::new();
    for inside in &shown.inside {
        count(inside, &mut seen);
    }
    seen.retain(|_, many| *many >= MANY);
    if !seen.is_empty() {
        // In the order in which an entry states them.
        let mut told: Vec<(&Key, &usize)> = seen.iter().collect();
        told.sort_by_cached_key(|((name, ..), _)| order(&shown, name));
        let told: Vec<(Key, usize)> = told.into_iter().map(|(key, many)| (key.clone(), *many)).collect();
        shown.inside.iter_mut().for_each(|inside| remove(inside, &seen));
        shown.inside.retain(|inside| !inside.is_empty());
        for ((name, values, metadata), many) in told {
            shown.facts.push(Fact::Field { name: format!("{name} of {many} entries"), values, metadata });
        }
    }
    for name in GIVEN {
        numbered(&mut shown, name);
    }
    shown.inside = shown.inside.into_iter().map(below).collect();
    shown
}

/// Tells at a place that a number differs in many of its entries, whatever it is in each.
fn numbered(shown: &mut Difference, name: &str) {
    fn values<'a>(place: &'a Difference, name: &str, out: &mut Vec<&'a Fact>) {
        out.extend(place.facts.iter().filter(|fact| matches!(fact, Fact::Field { name: other, .. } if other == name)));
        if is_passed(place) {
            place.inside.iter().for_each(|inside| values(inside, name, out));
        }
    }
    let mut found = Vec::new();
    shown.inside.iter().for_each(|inside| values(inside, name, &mut found));
    if found.len() < MANY {
        return;
    }
    let range = |side: usize| {
        let numbers = found.iter().filter_map(|fact| match fact {
            Fact::Field { values, .. } => values[side].as_ref()?.parse::<u64>().ok(),
            _ => None,
        });
        let (least, most) = numbers.fold((u64::MAX, 0), |(least, most), number| (least.min(number), most.max(number)));
        (least <= most).then(|| format!("{least} to {most}"))
    };
    let (values, many) = ([range(0), range(1)], found.len());
    let told = found.into_iter().filter_map(|fact| key(fact).map(|key| (key, many))).collect();
    shown.inside.iter_mut().for_each(|inside| remove(inside, &told));
    shown.inside.retain(|inside| !inside.is_empty());
    shown.facts.push(Fact::Field { name: format!("{name} of {many} entries, each another"), values, metadata: true });
}

type Key = (String, [Option<String>; 2], bool);

fn key(fact: &Fact) -> Option<Key> {
    match fact {
        Fact::Field { name, values, metadata } => Some((name.clone(), values.clone(), *metadata)),
        _ => None,
    }
}

/// Directories within belong to the same place; what lies in a container of its own does not.
fn is_passed(place: &Difference) -> bool {
    place.kind == "directory"
}

/// Places below one that was looked through already.
fn below(mut place: Difference) -> Difference {
    if !is_passed(&place) {
        return gathered(place);
    }
    place.inside = place.inside.into_iter().map(below).collect();
    place
}

fn count(place: &Difference, seen: &mut BTreeMap<Key, usize>) {
    place.facts.iter().filter_map(key).for_each(|key| *seen.entry(key).or_default() += 1);
    if is_passed(place) {
        place.inside.iter().for_each(|inside| count(inside, seen));
    }
}

fn remove(place: &mut Difference, told: &BTreeMap<Key, usize>) {
    place.facts.retain(|fact| !key(fact).is_some_and(|key| told.contains_key(&key)));
    if is_passed(place) {
        place.inside.iter_mut().for_each(|inside| remove(inside, told));
        place.inside.retain(|inside| !inside.is_empty());
    }
}

/// Where a property stands in the first entry that states it.
fn order(place: &Difference, name: &str) -> usize {
    let own = |inside: &Difference| {
        inside.facts.iter().position(|fact| matches!(fact, Fact::Field { name: other, .. } if other == name))
    };
    fn find(place: &Difference, own: &dyn Fn(&Difference) -> Option<usize>) -> Option<usize> {
        place.inside.iter().find_map(|inside| own(inside).or_else(|| find(inside, own)))
    }
    find(place, &own).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::shared;
    use crate::container::About;
    use crate::diff::Difference;

    fn entry(name: &str, uid: &str, more: bool) -> Difference {
        let mut entry = Difference::new(name, "file", [None, None]);
        entry.field("uid", [Some("0".to_owned()), Some(uid.to_owned())], About::Metadata);
        if more {
            entry.field("target", [Some("a".to_owned()), Some("b".to_owned())], About::Content);
        }
        entry
    }

    #[test]
    fn what_many_have_in_common_is_told_once() {
        let mut folder = Difference::new("d", "directory", [None, None]);
        folder.inside = vec![entry("d1", "5", false), entry("d2", "5", true)];
        let mut top = Difference::new("", "tar archive", [None, None]);
        top.inside = vec![entry("a", "5", false), entry("b", "6", false), folder];
        let shown = shared(&top);
        let names: Vec<&str> = shown.inside.iter().map(|inside| inside.name.as_str()).collect();
        assert_eq!(names, ["b", "d"]);
        assert_eq!(shown.inside[1].inside.len(), 1, "the one that differs in more than that");
        assert!(format!("{:?}", shown.facts).contains("uid of 3 entries"), "{:?}", shown.facts);
        assert_eq!(shown.inside[1].inside[0].facts.len(), 1);
    }

    #[test]
    fn numbers_that_were_given_away_are_one_thing() {
        let mut top = Difference::new("", "cpio archive", [None, None]);
        for number in 1..=4 {
            let mut entry = entry(&number.to_string(), "5", number == 4);
            entry.facts.remove(0);
            entry.field("ino", [Some(number.to_string()), Some((9 - number).to_string())], About::Metadata);
            top.inside.push(entry);
        }
        let shown = shared(&top);
        let said = format!("{:?}", shown.facts);
        assert!(said.contains("ino of 4 entries, each another"), "{said}");
        assert!(said.contains("1 to 4") && said.contains("5 to 8"), "{said}");
        assert_eq!(shown.inside.len(), 1, "the one that differs in more than that");
    }

    #[test]
    fn a_few_stay_where_they_are() {
        let mut top = Difference::new("", "tar archive", [None, None]);
        top.inside = vec![entry("a", "5", false), entry("b", "5", false)];
        assert_eq!(shared(&top), top);
    }
}
