//! How many runs it takes until what they show is no luck.

use schemars::JsonSchema;
use serde::Serialize;

/// What may still be luck: twice in a thousand.
const LUCK: f64 = 0.002;
/// The same where runs with and without something are told apart (Fisher's exact test, one-sided).
const EXACT: f64 = 0.02;
/// The same for what differs now and then only: many things are tried on it.
const RARE: f64 = 0.003;

/// How many runs have to be alike until that is no luck, when of `pairs` pairs of runs none was so.
///
/// The rate of alike pairs is estimated with one that was not seen (Laplace's rule).
pub(super) fn runs_needed(pairs: usize) -> usize {
    1 + (LUCK.ln() / -((pairs + 2) as f64).ln()).ceil() as usize
}

/// Counts of runs, and of those that differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Count {
    /// All.
    pub runs: u32,
    /// Those that differ.
    pub differ: u32,
}

/// Whether runs with something differ now and then and those without do not, and that is no luck, whatever else was tried.
pub(super) fn is_gone(with: Count, without: Count) -> bool {
    without.differ == 0 && luck(with, without) <= RARE
}

/// Whether runs with something differ, and those without do not, and that is no luck.
pub(super) fn is_proved(with: Count, without: Count) -> bool {
    without.differ == 0 && with.differ > 0 && with.runs.min(without.runs) >= 3 && luck(with, without) <= EXACT
}

/// The chance that all runs that differ are among those with something, if it had no effect.
fn luck(with: Count, without: Count) -> f64 {
    let all = with.runs + without.runs;
    (0..with.differ).map(|taken| f64::from(with.runs - taken) / f64::from(all - taken)).product()
}

#[cfg(test)]
mod tests {
    use super::{Count, is_gone, is_proved, runs_needed};

    #[test]
    fn the_less_often_something_happens_the_more_runs_it_takes() {
        assert_eq!((runs_needed(3), runs_needed(6)), (5, 4));
        let of = |runs, differ| Count { runs, differ };
        assert!(is_proved(of(4, 4), of(4, 0)) && is_proved(of(8, 5), of(8, 0)));
        assert!(is_gone(of(9, 5), of(15, 0)) && !is_gone(of(9, 3), of(15, 0)) && !is_gone(of(9, 0), of(99, 0)));
        for (with, without) in [(of(3, 3), of(3, 0)), (of(9, 1), of(9, 0)), (of(9, 9), of(9, 1)), (of(1, 1), of(99, 0))]
        {
            assert!(!is_proved(with, without), "{with:?} {without:?}");
        }
    }
}
