//! Experiments with stages that are made of numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::experiment::{By, FAILS, Found, experiment};
use super::setting::{Left, Pin, Ran, Runs, Setting};
use crate::digest::Digest;
use crate::verify::Axis;

/// What a place holds, from the setting and numbers that are otherwise each time.
type Place = Box<dyn Fn(&Setting, &mut dyn FnMut(u64) -> u64) -> u64>;

/// A stage; what is known of it was left in no setting.
struct Toy {
    places: Vec<(&'static str, Place)>,
    fails: fn(&Setting) -> bool,
    state: u64,
    count: usize,
    suspects: Vec<Pin>,
}

impl Toy {
    fn new(places: Vec<(&'static str, Place)>) -> Self {
        Self { places, fails: |_| false, state: 42, count: 0, suspects: Pin::ALL.to_vec() }
    }
}

impl Runs for Toy {
    type Error = Infallible;

    fn run(&mut self, setting: &Setting) -> Result<Ran, Infallible> {
        self.count += 1;
        if (self.fails)(setting) {
            return Ok(Ran { setting: setting.clone(), left: None });
        }
        let state = &mut self.state;
        // SplitMix64.
        let mut drawn = |below: u64| {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ z >> 31) % below
        };
        let mut departure = BTreeMap::new();
        for (place, value) in &self.places {
            let value = value(setting, &mut drawn);
            if value != 0 {
                departure.insert((*place).to_owned(), value.to_string());
            }
        }
        let output = Digest::of(format!("{departure:?}").as_bytes());
        let left = Left { output, trace: None, build: None, departure };
        Ok(Ran { setting: setting.clone(), left: Some(left) })
    }

    fn suspects(&mut self, _: &str, _: [&Ran; 2]) -> Result<Vec<Pin>, Infallible> {
        Ok(self.suspects.clone())
    }
}

fn find(toy: &mut Toy) -> Vec<Found> {
    experiment(toy, &Axis::ALL, 1).expect("it cannot fail").found
}

fn by(found: &[Found]) -> Vec<(&str, &By, bool)> {
    found.iter().map(|found| (found.place.as_str(), &found.by, found.proved)).collect()
}

/// A number that is otherwise each time, unless this is held fast.
fn drawn(pin: Pin, below: u64) -> Place {
    Box::new(move |setting, draw| if setting.pins.contains(&pin) { 7 } else { 1 + draw(below) })
}

fn axis(axis: Axis) -> Place {
    Box::new(move |setting, _| u64::from(setting.axes.contains(&axis)))
}

const MANY: u64 = 1 << 40;

#[test]
fn a_stage_that_stays_the_same_runs_once() {
    let mut toy = Toy::new(vec![("a", Box::new(|_, _| 0))]);
    assert!(find(&mut toy).is_empty());
    assert_eq!(toy.count, 1);
}

#[test]
fn one_source_and_one_axis_each() {
    let mut toy = Toy::new(vec![
        ("clock", drawn(Pin::Clock, MANY)),
        ("random", drawn(Pin::Random, MANY)),
        ("umask", axis(Axis::Umask)),
        ("zone", axis(Axis::TimeZone)),
    ]);
    let found = find(&mut toy);
    let pin = |pin| By::Pin(pin, BTreeSet::new());
    assert_eq!(
        by(&found),
        [
            ("clock", &pin(Pin::Clock), true),
            ("random", &pin(Pin::Random), true),
            ("umask", &By::Axes(vec![Axis::Umask]), true),
            ("zone", &By::Axes(vec![Axis::TimeZone]), true),
        ]
    );
    for found in &found {
        assert_eq!((found.with.differ, found.without.differ), (found.with.runs, 0), "{found:?}");
        assert!(found.with.runs >= 2 && found.without.runs >= 3, "{found:?}");
        assert!(found.pair.iter().all(Option::is_some), "{found:?}");
    }
    assert!(toy.count < 60, "{} runs", toy.count);
}

#[test]
fn two_causes_in_one_place_are_both_named() {
    let (clock, random, umask) = (drawn(Pin::Clock, MANY), drawn(Pin::Random, MANY), axis(Axis::Umask));
    let mut toy = Toy::new(vec![(
        "a",
        Box::new(move |setting, draw| clock(setting, draw) + 3 * random(setting, draw) + 5 * umask(setting, draw)),
    )]);
    let found = find(&mut toy);
    let (clock, random) = (By::Pin(Pin::Clock, [Pin::Random].into()), By::Pin(Pin::Random, [Pin::Clock].into()));
    let umask = By::Axes(vec![Axis::Umask]);
    assert_eq!(by(&found), [("a", &clock, true), ("a", &random, true), ("a", &umask, true)]);
}

#[test]
fn axes_that_matter_only_together() {
    let (a, b) = (axis(Axis::Umask), axis(Axis::HostName));
    let mut toy = Toy::new(vec![("a", Box::new(move |setting, draw| a(setting, draw) * b(setting, draw)))]);
    assert_eq!(by(&find(&mut toy)), [("a", &By::Axes(vec![Axis::Umask, Axis::HostName]), true)]);
    let mut toy = Toy::new(vec![("a", axis(Axis::HostName))]);
    toy.fails = |setting| setting.axes.contains(&Axis::Owner);
    let found = find(&mut toy);
    let owner = By::Axes(vec![Axis::Owner]);
    assert_eq!(by(&found), [(FAILS, &owner, true), ("a", &By::Axes(vec![Axis::HostName]), true)]);
}

#[test]
fn what_happens_now_and_then_takes_more_runs_or_is_suspected() {
    // One of four, each as often as the others: it is proved, with more runs.
    let mut toy = Toy::new(vec![("race", drawn(Pin::Sequence, 4))]);
    let found = find(&mut toy);
    let right = By::Pin(Pin::Sequence, BTreeSet::new());
    assert_eq!(by(&found), [("race", &right, true)]);
    assert!(found[0].without.runs >= 4, "{:?}", found[0]);
    // Whatever is held fast, however the numbers fall: nothing wrong is ever proved.
    let mut wrong = 0;
    for seed in 0..40 {
        for below in [2, 3, 8] {
            let mut toy = Toy::new(vec![("rare", Box::new(move |_, draw| u64::from(draw(below) == 0)))]);
            toy.state = seed;
            let found = find(&mut toy);
            wrong += usize::from(found.iter().any(|found| found.proved));
        }
    }
    // Luck has its once in a hundred for each thing that is tried.
    assert!(wrong < 3, "{wrong} of 120");
}

#[test]
fn what_stops_by_itself_is_not_proved() {
    let calls = std::cell::Cell::new(0);
    let until = |last: u32| -> Place {
        let calls = calls.clone();
        Box::new(move |_, draw| {
            calls.set(calls.get() + 1);
            if calls.get() < last { 1 + draw(MANY) } else { 9 }
        })
    };
    for last in [6, 8, 10] {
        let found = find(&mut Toy::new(vec![("a", until(last))]));
        assert!(!found.is_empty() && found.iter().all(|found| !found.proved), "{last}: {found:?}");
    }
}

#[test]
fn nothing_that_is_held_fast_helps() {
    let mut toy = Toy::new(vec![("a", Box::new(|_, draw| 1 + draw(MANY)))]);
    let found = find(&mut toy);
    assert_eq!(by(&found), [("a", &By::Unknown, false)]);
    assert!(toy.count < 40, "{} runs", toy.count);
    // What is known is older, and all runs are alike.
    let mut toy = Toy::new(vec![("a", Box::new(|_, _| 5))]);
    assert_eq!(by(&find(&mut toy)), [("a", &By::Unknown, false)]);
    let mut toy = Toy::new(vec![]);
    toy.fails = |_| true;
    assert_eq!(by(&find(&mut toy)), [(FAILS, &By::Unknown, false)]);
}
