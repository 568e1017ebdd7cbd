//! What all views of causes say.

use crate::report::clean;
use crate::verify::cause::{Count, Explained, Explanation, How, Proof, Step};

/// The same cause of several places.
pub(super) struct Group<'a> {
    /// As the first place has it.
    pub(super) cause: &'a Explanation,
    /// The places, in order.
    pub(super) places: Vec<&'a str>,
}

/// Causes, each once with all places that differ by it. What is proved comes first.
pub(super) fn groups(differing: &[Explained]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in differing {
        for cause in &one.causes {
            let key =
                |cause: &Explanation| (cause.class, cause.proof.is_proved(), cause.axes.clone(), cause.held.clone());
            match groups.iter_mut().find(|group| key(group.cause) == key(cause)) {
                Some(group) => group.places.push(&one.place),
                None => groups.push(Group { cause, places: vec![&one.place] }),
            }
        }
    }
    groups.sort_by_key(|group| (!group.cause.proof.is_proved(), group.cause.class));
    groups
}

/// The names of the causes: `text-time, umask (suspected)`. Empty without any.
pub(in crate::report) fn named<'a>(differing: impl Iterator<Item = &'a Explained>) -> String {
    let mut names: Vec<(bool, &str)> =
        differing.flat_map(|one| &one.causes).map(|cause| (!cause.proof.is_proved(), cause.class.name())).collect();
    names.sort_unstable();
    names.dedup();
    let proved: Vec<&str> = names.iter().filter(|(suspected, _)| !suspected).map(|(_, name)| *name).collect();
    names.retain(|(suspected, name)| !suspected || !proved.contains(name));
    let shown =
        |(suspected, name): &(bool, &str)| if *suspected { format!("{name} (suspected)") } else { (*name).to_owned() };
    names.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// How it is known, in a sentence.
pub(super) fn proof(cause: &Explanation) -> String {
    let (with, without) = cause.proof.counts();
    let word = match cause.proof {
        Proof::Proved { .. } => "proved",
        Proof::Suspected { .. } => "suspected",
    };
    let there = |count: Count| format!("there in {} of {}", count.differ, count.runs);
    let gone = |count: Count| format!("gone in {} of {}", count.runs - count.differ, count.runs);
    let axes: Vec<&str> = cause.axes.iter().map(|axis| axis.name()).collect();
    let held: Vec<&str> = cause.held.iter().map(|pin| pin.name()).collect();
    match (axes.as_slice(), held.as_slice()) {
        ([], []) if with.runs == 0 => format!("{word} by what differs and who wrote it"),
        ([], []) => format!("{word} by what differs and who wrote it; {} runs as it was built", there(with)),
        ([], [pin]) => format!("{word}: {} runs with {pin} held fast, {} without", gone(without), there(with)),
        ([], [pin, others @ ..]) => format!(
            "{word}: {} runs with {pin} and {} held fast, {} with {pin} let go",
            gone(without),
            others.join(" and "),
            there(with)
        ),
        (axes, held) => {
            let cured = match held {
                [] => String::new(),
                held => format!("; with {} held fast it does not matter", held.join(" and ")),
            };
            let axes = axes.join(" and another ");
            format!("{word}: {} runs with another {axes}, {} without{cured}", there(with), gone(without))
        }
    }
}

/// A command in a line of this many columns.
pub(super) fn command(step: &Step, columns: usize) -> String {
    let mut words = step.arguments.iter().map(|word| clean(word));
    let name = words.next().unwrap_or_else(|| step.program.clone());
    let mut text = name.rsplit('/').next().unwrap_or(&name).to_owned();
    for word in words {
        text.push(' ');
        text.push_str(&if word.is_empty() || word.contains(' ') { format!("'{word}'") } else { word });
    }
    if text.chars().count() > columns {
        text = text.chars().take(columns.saturating_sub(1)).chain(['…']).collect();
    }
    text
}

/// What a process did for the one after it, in a word or two.
pub(super) fn passed(step: &Step) -> String {
    match step.how {
        How::Wrote if step.by.is_empty() || step.by == "pipe" => "wrote to a pipe".to_owned(),
        How::Wrote => format!("wrote {}", clean(&step.by)),
        How::Answered => "answered".to_owned(),
        How::Started => "started".to_owned(),
    }
}

/// What a process took, in words; empty for nothing.
pub(super) fn took(step: &Step) -> String {
    let words = step.took.iter().map(|what| match what.as_str() {
        "order" => "a folder's order",
        "random" => "random numbers",
        "stat" => "times and numbers of files",
        "process-ids" => "process id",
        what => what,
    });
    let mut text = words.collect::<Vec<_>>().join(", ");
    if step.beside {
        text.push_str(if text.is_empty() { "beside another" } else { "; beside another" });
    }
    text
}
