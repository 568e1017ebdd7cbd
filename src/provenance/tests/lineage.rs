//! The processes that a file came through, from those who wrote it back.

use super::Hand;
use crate::provenance::{Judgement, Passed};
use crate::trace::Ways;

const MADE: Ways = Ways::WRITTEN.and(Ways::CREATED);

/// Paths that are settled, and a word that makes a command odd.
struct Judge(&'static [&'static str], &'static str);

impl Judgement for Judge {
    fn is_settled(&mut self, path: &str) -> bool {
        self.0.contains(&path)
    }

    fn is_odd(&mut self, _: &str, arguments: &[String]) -> bool {
        arguments.iter().any(|word| word == self.1)
    }
}

/// What the passages are: the process's last word, how it has to do with which other, what it took.
fn passages(hand: &Hand, path: &str, mut judge: Judge) -> Vec<(String, Passed, Option<usize>, Vec<String>)> {
    let mut index = hand.index();
    let found = index.lineage(path, &mut judge);
    let word = |process| index.command(process).1.last().cloned().unwrap_or_default();
    found.into_iter().map(|one| (word(one.process), one.how, one.to, one.took.into_iter().collect())).collect()
}

fn hand() -> Hand {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh build.sh");
    let date = hand.process(sh, "/bin/date now");
    hand.has(date, "clock", Ways::READ);
    hand.has(date, "pipe:1", Ways::WRITTEN.and(Ways::STANDARD));
    hand.has(sh, "pipe:1", Ways::READ);
    let make = hand.process(sh, "/bin/gen -o a.c");
    hand.has(make, "/build/a.c", MADE);
    hand.has(make, "random", Ways::READ);
    hand.pause();
    let compile = hand.process(sh, "/bin/cc1 STAMP");
    hand.has(compile, "/build/a.c", Ways::READ);
    hand.has(compile, "/src/x/a.h", Ways::READ);
    hand.has(compile, "/out/a.o", MADE);
    hand
}

#[test]
fn from_the_last_writer_to_the_first() {
    use Passed::{Answered, Started, Wrote};
    let of = |all: &[(&str, Passed, Option<usize>, &[&str])]| {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        all.iter().map(|(word, how, to, took)| ((*word).to_owned(), *how, *to, own(took))).collect::<Vec<_>>()
    };
    let hand = hand();
    assert_eq!(
        passages(&hand, "/out/a.o", Judge(&[], "")),
        of(&[("STAMP", Wrote, None, &[]), ("a.c", Wrote, Some(0), &["random"])])
    );
    // What is the same in both runs is not followed; a command that is not leads to who made it, and whom that asked.
    assert_eq!(
        passages(&hand, "/out/a.o", Judge(&["/build/a.c"], "STAMP")),
        of(&[("STAMP", Wrote, None, &[]), ("build.sh", Started, Some(0), &[]), ("now", Answered, Some(1), &["clock"])])
    );
}

#[test]
fn writers_side_by_side_are_told() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh build.sh");
    for word in ["a", "b"] {
        let one = hand.process(sh, &format!("/bin/echo {word}"));
        hand.has(one, "/out/log", Ways::WRITTEN);
    }
    // In such a trace all processes end with the stage.
    let found = hand.index().lineage("/out/log", &mut Judge(&[], ""));
    assert_eq!(found.iter().map(|one| one.beside).collect::<Vec<_>>(), [true, true]);
    let found = self::hand().index().lineage("/out/a.o", &mut Judge(&[], ""));
    assert!(found.iter().all(|one| !one.beside), "{found:?}");
}
