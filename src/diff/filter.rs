//! What of the differences is asked for.

use super::model::Difference;
use crate::container::About;

/// Keeps what is about `only`, and what that lies in.
pub(super) fn keep(mut found: Difference, only: Option<About>) -> Option<Difference> {
    let Some(only) = only else { return Some(found) };
    found.facts.retain(|fact| fact.is_metadata() == (only == About::Metadata));
    found.inside = found.inside.into_iter().filter_map(|inside| keep(inside, Some(only))).collect();
    (!found.is_empty()).then_some(found)
}
