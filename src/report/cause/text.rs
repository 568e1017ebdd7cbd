//! Causes for people on terminals.

use super::words::{command, groups, passed, proof, took};
use crate::report::{Palette, Role, clean, count};
use crate::verify::cause::{Class, Explained};

/// Places and processes that are shown in short.
const SHORT: usize = 6;
/// Columns of a command in short.
const COLUMNS: usize = 90;

/// The causes, with their processes, proofs and cures.
pub fn causes_text(differing: &[Explained], palette: Palette, full: bool) -> String {
    let mut text = String::new();
    for group in groups(differing) {
        let cause = group.cause;
        let role = if cause.proof.is_proved() { Role::Bad } else { Role::Warn };
        text.push_str(&format!("{}: {}\n", palette.paint(role, cause.class.name()), cause.sentence));
        let shown = if full { group.places.len() } else { group.places.len().min(SHORT) };
        let mut places: Vec<String> = group.places[..shown].iter().map(|place| clean(place)).collect();
        if shown < group.places.len() {
            places.push(format!("and {} more", group.places.len() - shown));
        }
        let word = count(group.places.len(), "place");
        text.push_str(&format!("  {word}: {}\n", palette.paint(Role::Name, &places.join(", "))));
        text.push_str(&format!("  {}\n", proof(cause)));
        let columns = if full { usize::MAX } else { COLUMNS };
        let chain = cause.chain.iter().rev();
        let hidden = if full { 0 } else { cause.chain.len().saturating_sub(SHORT) };
        for (at, step) in chain.enumerate() {
            // The beginning and the end tell most.
            if hidden > 0 && (SHORT / 2..SHORT / 2 + hidden).contains(&at) {
                if at == SHORT / 2 {
                    text.push_str(&format!("    and {hidden} more between\n"));
                }
                continue;
            }
            let took = took(step);
            let took = if took.is_empty() { took } else { palette.paint(Role::Warn, &format!(" [{took}]")) };
            let passed = palette.paint(Role::Faint, &passed(step));
            text.push_str(&format!("    {}{took} {passed}\n", command(step, columns)));
        }
        text.push_str(&format!("  {} {}\n", palette.paint(Role::Hint, "cure:"), cause.cure));
    }
    text
}

/// All kinds of causes, with what cures each.
pub fn classes_text(palette: Palette) -> String {
    let mut text = String::new();
    for class in Class::ALL {
        let cure = palette.paint(Role::Hint, "cure:");
        text.push_str(&format!(
            "{}: {}\n  {cure} {}\n",
            palette.paint(Role::Name, class.name()),
            class.sentence(),
            class.cure()
        ));
    }
    text
}
