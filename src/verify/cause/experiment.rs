//! Finds out by runs what makes places differ: which axes, and which sources of chance.

use std::collections::{BTreeMap, BTreeSet};

use super::chance::{Count, is_gone, is_proved, runs_needed};
use super::setting::{Pin, Ran, Runs, Setting};
use crate::verify::Axis;

/// The place that stands for a run that fails.
pub const FAILS: &str = "";
/// Runs in the surroundings of the build, once one of them differs.
const FIRST: usize = 3;
/// The same, when some of these are alike.
const MORE: usize = 12;
/// Most runs with one setting.
const MOST: usize = 16;
/// Runs without an axis until it is believed that others do not matter without it.
const TRIES: usize = 4;
/// Most runs with an axis, and as many without, to prove it.
const MOST_PAIRS: u32 = 8;

type Places = BTreeSet<String>;

/// What makes a place differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// These axes, together.
    Axes(Vec<Axis>),
    /// What is otherwise each time, and what has to be held fast besides.
    Pin(Pin, BTreeSet<Pin>),
    /// Nothing that was tried.
    Unknown,
}

/// A place that differs, and something that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The place; [`FAILS`] where the stage fails.
    pub place: String,
    /// What makes it differ.
    pub by: By,
    /// Whether runs have proved it.
    pub proved: bool,
    /// Runs in which it was at work.
    pub with: Count,
    /// Runs in which it was not.
    pub without: Count,
    /// What cures an axis that is about several things: held fast, the axis no longer matters.
    pub cured: Option<Pin>,
    /// Two runs that differ by it; the first may be the known result.
    pub pair: [Option<usize>; 2],
}

impl Found {
    /// One that nothing that was tried makes: it differs in these runs.
    fn unknown(place: String, with: Count, pair: [Option<usize>; 2]) -> Self {
        Self { place, by: By::Unknown, proved: false, with, without: Count::default(), cured: None, pair }
    }
}

/// All runs of a stage, and what they come to.
#[derive(Debug, Default)]
pub struct Experiment {
    /// The runs, in their order.
    pub done: Vec<Ran>,
    /// What was found, by place.
    pub found: Vec<Found>,
    /// What has to be held fast so that nothing differs by itself.
    pub pins: BTreeSet<Pin>,
}

/// Runs a stage until it is known what matters to it.
///
/// # Errors
/// A run could not be made.
pub fn experiment<R: Runs>(runs: &mut R, axes: &[Axis], times: u32) -> Result<Experiment, R::Error> {
    let mut this = Experimenter { runs, axes, it: Experiment::default(), fresh: 0 };
    let mut troubled = Vec::new();
    for run in 0..times {
        let at = this.go(&Setting { axes: axes.to_vec(), run, ..Setting::default() })?;
        if this.it.done[at].left.as_ref().is_none_or(|left| !left.departure.is_empty()) {
            troubled.push((run, at));
        }
    }
    if !troubled.is_empty() && this.by_itself()? {
        for (run, at) in troubled {
            this.by_axes(run, at)?;
        }
        this.rare()?;
        this.since();
    }
    this.it.found.sort_by(|a, b| (&a.place, rank(&a.by)).cmp(&(&b.place, rank(&b.by))));
    Ok(this.it)
}

fn rank(by: &By) -> (u8, Vec<Axis>, Option<Pin>) {
    match by {
        By::Axes(axes) => (1, axes.clone(), None),
        By::Pin(pin, _) => (0, Vec::new(), Some(*pin)),
        By::Unknown => (2, Vec::new(), None),
    }
}

struct Experimenter<'a, R> {
    runs: &'a mut R,
    axes: &'a [Axis],
    it: Experiment,
    /// Runs from this one on were made to find out how often places differ by themselves.
    fresh: usize,
}

impl<R: Runs> Experimenter<'_, R> {
    fn go(&mut self, setting: &Setting) -> Result<usize, R::Error> {
        let ran = self.runs.run(setting)?;
        self.it.done.push(ran);
        Ok(self.it.done.len() - 1)
    }

    /// The runs with this setting.
    fn of(&self, setting: &Setting) -> Vec<usize> {
        (0..self.it.done.len()).filter(|at| self.it.done[*at].setting == *setting).collect()
    }

    /// Makes so many runs with this setting that there are `count`.
    fn sample(&mut self, setting: &Setting, count: usize) -> Result<Vec<usize>, R::Error> {
        for _ in self.of(setting).len()..count {
            self.go(setting)?;
        }
        Ok(self.of(setting))
    }

    fn base(&self) -> Setting {
        Setting { watched: true, ..Setting::default() }
    }

    /// Two of these runs that are not alike at a place.
    fn unlike(&self, runs: &[usize], place: &str) -> Option<[usize; 2]> {
        let at = |run: usize| self.it.done[run].at(place);
        let first = *runs.first()?;
        runs.iter().find(|run| at(**run) != at(first)).map(|run| [first, *run])
    }

    /// All places at which any of these runs is not what is known.
    fn places(&self, runs: &[usize]) -> Places {
        runs.iter()
            .filter_map(|run| self.it.done[*run].left.as_ref())
            .flat_map(|left| left.departure.keys().cloned())
            .collect()
    }

    /// Without any variation. False: it fails then, and nothing more can be said.
    fn by_itself(&mut self) -> Result<bool, R::Error> {
        let base = self.base();
        let runs = self.sample(&base, 1)?;
        if self.it.done[runs[0]].left.is_none() {
            let count = Count { runs: 1, differ: 1 };
            let pair = [None, Some(runs[0])];
            self.it.found.push(Found::unknown(FAILS.to_owned(), count, pair));
            return Ok(false);
        }
        if !self.places(&runs).is_empty() {
            let runs = self.sample(&base, FIRST)?;
            self.restless(&runs)?;
        }
        Ok(true)
    }

    /// Finds out about all places at which these runs, all alike, differ.
    fn restless(&mut self, runs: &[usize]) -> Result<(), R::Error> {
        let known: Places = self.it.found.iter().map(|found| found.place.clone()).collect();
        let differ: Places = self
            .places(runs)
            .into_iter()
            .filter(|place| !known.contains(place) && self.unlike(runs, place).is_some())
            .collect();
        if differ.is_empty() { Ok(()) } else { self.by_pins(differ) }
    }

    /// Whether it is no luck that so many runs with something held fast are alike at a place.
    ///
    /// Where some of those without are alike, only runs count that were made after it was known that others are not: until
    /// then they were made until one was not.
    fn is_enough(&self, place: &str, count: usize) -> bool {
        let mut runs = self.of(&self.base());
        let (alike, pairs) = self.alike(&runs, place);
        if alike == 0 {
            return count >= runs_needed(pairs);
        }
        runs.retain(|run| *run >= self.fresh);
        // Of those without it is the rarer ones that differ.
        let same = |run: &usize| runs.iter().filter(|other| self.alike(&[*run, **other], place).0 == 1).count();
        let most = runs.iter().map(same).max().unwrap_or(0);
        let with = Count { runs: runs.len() as u32, differ: (runs.len() - most) as u32 };
        is_gone(with, Count { runs: count as u32, differ: 0 })
    }

    /// How many pairs of runs are alike at a place, and how many pairs there are.
    fn alike(&self, runs: &[usize], place: &str) -> (usize, usize) {
        let pairs = runs.iter().enumerate().flat_map(|(at, a)| runs[at + 1..].iter().map(move |b| (*a, *b)));
        let alike: Vec<bool> = pairs.map(|(a, b)| self.it.done[a].at(place) == self.it.done[b].at(place)).collect();
        (alike.iter().filter(|alike| **alike).count(), alike.len())
    }

    /// At which of these places runs with this setting are alike, and whether there are so many that it is no luck.
    fn steady(&mut self, setting: &Setting, places: &Places) -> Result<BTreeMap<String, bool>, R::Error> {
        let mut places = places.clone();
        let mut count = 2;
        loop {
            let runs = self.sample(setting, count)?;
            count = runs.len();
            let done = &self.it.done;
            places.retain(|place| {
                runs.iter().all(|run| done[*run].left.is_some()) && self.unlike(&runs, place).is_none()
            });
            let enough = |place: &String| self.is_enough(place, count);
            // Where even the most runs would be luck, no more are made.
            if count >= MOST || places.iter().all(|place| enough(place) || !self.is_enough(place, MOST)) {
                return Ok(places.iter().map(|place| (place.clone(), enough(place))).collect());
            }
            count += 1;
        }
    }

    /// Whether a place still differs by itself after the runs with `pins`. Where it has stopped, since the load of the
    /// machine is another or it tells the hour, these may be alike for the same reason, and not by the pins.
    fn differs_still(&mut self, place: &str, pins: &BTreeSet<Pin>) -> Result<bool, R::Error> {
        let base = self.base();
        let last = self.of(&self.pinned(pins)).last().copied().unwrap_or(0);
        for _ in 0..=MORE {
            let since: Vec<usize> = self.of(&base).into_iter().filter(|run| *run > last).collect();
            if self.unlike(&since, place).is_some() {
                return Ok(true);
            }
            if since.len() < MORE {
                self.go(&base)?;
            }
        }
        Ok(false)
    }

    fn pinned(&self, pins: &BTreeSet<Pin>) -> Setting {
        Setting { pins: pins.clone(), ..self.base() }
    }

    /// Holds fast one source after the other, then all, and then all but one.
    fn by_pins(&mut self, places: Places) -> Result<(), R::Error> {
        let base = self.base();
        self.fresh = self.it.done.len();
        let runs = self.of(&base);
        if places.iter().any(|place| self.alike(&runs, place).0 > 0) {
            self.sample(&base, runs.len() + MORE)?;
        }
        let runs = self.of(&base);
        let mut suspects: BTreeMap<String, Vec<Pin>> = BTreeMap::new();
        for place in &places {
            let Some([a, b]) = self.unlike(&runs, place) else { continue };
            let pins = self.runs.suspects(place, [&self.it.done[a], &self.it.done[b]])?;
            suspects.insert(place.clone(), pins);
        }
        let mut order: Vec<Pin> =
            Pin::ALL.into_iter().filter(|pin| suspects.values().any(|of| of.contains(pin))).collect();
        order.sort_by_key(|pin| suspects.values().filter_map(|of| of.iter().position(|one| one == pin)).min());
        let mut open: Places = suspects.keys().cloned().collect();
        for pin in &order {
            let tried: Places = open.iter().filter(|place| suspects[*place].contains(pin)).cloned().collect();
            if tried.is_empty() {
                continue;
            }
            let pins = BTreeSet::from([*pin]);
            // What is alike by luck, maybe, is tried with others, too.
            let steady = self.steady(&self.pinned(&pins), &tried)?;
            for place in steady.into_iter().filter(|(_, enough)| *enough).map(|(place, _)| place) {
                let still = self.differs_still(&place, &pins)?;
                self.add_pin(&place, *pin, &pins, still);
                open.remove(&place);
            }
        }
        let all: BTreeSet<Pin> = order.into_iter().collect();
        if !open.is_empty() && all.len() > 1 {
            for (place, _) in self.steady(&self.pinned(&all), &open)?.into_iter().filter(|(_, enough)| *enough) {
                self.fewest(&place, all.clone())?;
                open.remove(&place);
            }
        }
        for place in open {
            let pair = self.unlike(&runs, &place).map_or([None, None], |pair| pair.map(Some));
            let with = self.differing(&runs, &place);
            self.it.found.push(Found::unknown(place, with, pair));
        }
        Ok(())
    }

    /// Holds fast less and less, as long as the place stays alike.
    fn fewest(&mut self, place: &str, all: BTreeSet<Pin>) -> Result<(), R::Error> {
        let only = BTreeSet::from([place.to_owned()]);
        let mut needed = all.clone();
        for pin in all {
            let mut fewer = needed.clone();
            fewer.remove(&pin);
            if self.steady(&self.pinned(&fewer), &only)?.get(place) == Some(&true) {
                needed = fewer;
            }
        }
        for pin in &needed {
            // One without which it is alike so far is not known to be needed.
            let others = needed.iter().copied().filter(|other| other != pin).collect();
            let runs = self.of(&self.pinned(&others));
            let proved = self.unlike(&runs, place).is_some();
            self.add_pin(place, *pin, &needed, proved);
        }
        Ok(())
    }

    /// Notes that a place is alike when all of `pins` are held fast, and not without `pin`.
    fn add_pin(&mut self, place: &str, pin: Pin, pins: &BTreeSet<Pin>, enough: bool) {
        let mut others = pins.clone();
        others.remove(&pin);
        let runs = self.of(&self.pinned(&others));
        let pair = self.unlike(&runs, place).map_or([None, None], |pair| pair.map(Some));
        let (with, without) = (self.differing(&runs, place), self.differing(&self.of(&self.pinned(pins)), place));
        if enough {
            self.it.pins.insert(pin);
        }
        let place = place.to_owned();
        self.it.found.push(Found { place, by: By::Pin(pin, others), proved: enough, with, without, cured: None, pair });
    }

    /// How many of these runs are not like the first at a place; the first is not counted.
    fn differing(&self, runs: &[usize], place: &str) -> Count {
        let [first, rest @ ..] = runs else { return Count::default() };
        let at = |run: usize| self.it.done[run].at(place);
        let differ = rest.iter().filter(|run| at(**run) != at(*first)).count();
        Count { runs: rest.len() as u32, differ: differ as u32 }
    }

    /// Where a run differs from one without variation, but for places that do so anyway.
    fn effects(&self, run: usize) -> Places {
        let runs = self.of(&self.pinned(&self.it.pins));
        let (Some(first), done) = (runs.first(), &self.it.done[run]) else { return BTreeSet::new() };
        if done.left.is_none() {
            return BTreeSet::from([FAILS.to_owned()]);
        }
        let unsettled = |place: &str| {
            let of = self.it.found.iter().find(|found| found.place == place && !matches!(found.by, By::Axes(_)));
            of.is_some_and(|found| !found.proved)
        };
        let mut places = self.places(&[*first, run]);
        places.retain(|place| !unsettled(place) && done.at(place) != self.it.done[*first].at(place));
        places
    }

    fn varied(&self, axes: &[Axis], run: u32) -> Setting {
        Setting { axes: axes.to_vec(), run, ..self.pinned(&self.it.pins) }
    }

    /// Finds the axes that matter in run number `run`, which was made with all of them as the run `at`.
    fn by_axes(&mut self, run: u32, at: usize) -> Result<(), R::Error> {
        self.sample(&self.pinned(&self.it.pins), 1)?;
        // With something held fast it is another run.
        let at = if self.it.pins.is_empty() { at } else { self.go(&self.varied(self.axes, run))? };
        let effects = self.effects(at);
        if effects.is_empty() {
            return Ok(());
        }
        let mut all = Vec::new();
        for (axes, mut places) in self.isolate(self.axes, effects, run)? {
            let by = By::Axes(axes.clone());
            places.retain(|place| !self.it.found.iter().any(|found| found.place == *place && found.by == by));
            for place in &places {
                let (with, without) = (Count::default(), Count::default());
                let (place, by) = (place.clone(), by.clone());
                let pair = [None, None];
                self.it.found.push(Found { place, by, proved: false, with, without, cured: None, pair });
            }
            all.push((axes, places));
        }
        let from = self.it.done.len();
        // Runs are only told apart when all that matters to a place is known.
        for (axes, places) in all.iter().filter(|(_, places)| !places.is_empty()) {
            self.confirm(axes, places, run, from)?;
            self.refine(axes, places, run)?;
        }
        // What was done for one tells of the others as well.
        for (axes, places) in &all {
            self.tell(axes, places, run, from);
        }
        Ok(())
    }

    /// The smallest sets of `axes` that matter, with the places at which they do; all together have these `effects`.
    fn isolate(&mut self, axes: &[Axis], effects: Places, run: u32) -> Result<Vec<(Vec<Axis>, Places)>, R::Error> {
        if axes.len() < 2 {
            return Ok(vec![(axes.to_vec(), effects)]);
        }
        let mut found = Vec::new();
        let mut rest = effects;
        let (left, right) = axes.split_at(axes.len() / 2);
        for half in [left, right] {
            let at = self.go(&self.varied(half, run))?;
            let effects = self.effects(at);
            if !effects.is_empty() {
                rest.retain(|place| !effects.contains(place));
                found.append(&mut self.isolate(half, effects, run)?);
            }
        }
        if !rest.is_empty() {
            // Neither half alone: it takes something of both. Leave out what is not needed, one after the other.
            let mut needed = axes.to_vec();
            for axis in axes {
                let fewer: Vec<Axis> = needed.iter().copied().filter(|other| other != axis).collect();
                if fewer.is_empty() {
                    break;
                }
                // An axis that matters now and then only must not seem to need another.
                for _ in 0..TRIES {
                    let at = self.go(&self.varied(&fewer, run))?;
                    let effects = self.effects(at);
                    if rest.iter().any(|place| effects.contains(place)) {
                        needed = fewer;
                        break;
                    }
                }
            }
            found.push((needed, rest));
        }
        Ok(found)
    }

    /// Repeats runs with and without some axes until it is no luck that these places differ by them.
    fn confirm(&mut self, axes: &[Axis], places: &Places, run: u32, from: usize) -> Result<(), R::Error> {
        let (alone, none) = (self.varied(axes, run), self.pinned(&self.it.pins));
        // What is shown of it is to come from a run that was watched.
        self.sample(&alone, 1)?;
        while let Some(with) = self.tell(axes, places, run, from) {
            self.go(if with { &alone } else { &none })?;
        }
        Ok(())
    }

    /// Says of these places whether it is proved that they differ by these axes. When more runs may prove one, whether these
    /// have to be with the axes or without.
    ///
    /// Only runs from number `from` on are a proof: those before were what the axes were chosen by.
    fn tell(&mut self, axes: &[Axis], places: &Places, run: u32, from: usize) -> Option<bool> {
        let alone = self.of(&self.varied(axes, run));
        let first = self.of(&self.pinned(&self.it.pins)).first().copied();
        let by = By::Axes(axes.to_vec());
        let mut missing = None;
        for place in places {
            let (with, without) = self.tally(axes, place, 0);
            let fresh = self.tally(axes, place, from);
            let at = |run: usize| self.it.done[run].at(place);
            let unlike = alone.iter().copied().find(|run| first.is_some_and(|first| at(*run) != at(first)));
            let pair = [first, unlike.or(alone.first().copied())];
            let proved = without.differ == 0 && is_proved(fresh.0, fresh.1);
            if let Some(found) = self.it.found.iter_mut().find(|found| found.place == *place && found.by == by) {
                (found.with, found.without, found.proved, found.pair) = (with, without, proved, pair);
            }
            if !proved && without.differ == 0 && fresh.0.runs.min(fresh.1.runs) < MOST_PAIRS {
                missing = Some(fresh.0.runs <= fresh.1.runs);
            }
        }
        missing
    }

    /// Finds out which of the things that a single axis is about it is.
    fn refine(&mut self, axes: &[Axis], places: &Places, run: u32) -> Result<(), R::Error> {
        let about: &[Pin] = match axes {
            [Axis::FileSystem] => &[Pin::Order, Pin::Stat],
            [Axis::Time] => &[Pin::Clock, Pin::Stat],
            _ => return Ok(()),
        };
        let held = self.it.pins.clone();
        for pin in about.iter().filter(|pin| !held.contains(pin)) {
            let pins: BTreeSet<Pin> = held.iter().copied().chain([*pin]).collect();
            let with = Setting { pins, ..self.varied(axes, run) };
            let without = Setting { axes: Vec::new(), run: 0, ..with.clone() };
            let runs = [self.sample(&without, 2)?, self.sample(&with, 2)?].concat();
            let by = By::Axes(axes.to_vec());
            let alike: Vec<&String> = places.iter().filter(|place| self.unlike(&runs, place).is_none()).collect();
            for place in alike {
                let mut found = self.it.found.iter_mut();
                let same = |found: &&mut Found| found.place == *place && found.by == by && found.cured.is_none();
                if let Some(found) = found.find(same) {
                    found.cured = Some(*pin);
                }
            }
        }
        Ok(())
    }

    /// The runs from number `from` on with these axes and those without, as far as no other axes matter at the place.
    fn tally(&self, axes: &[Axis], place: &str, from: usize) -> (Count, Count) {
        let none = self.of(&self.pinned(&self.it.pins));
        let Some(first) = none.first() else { return Default::default() };
        let holds = |setting: &Setting, axes: &[Axis]| axes.iter().all(|axis| setting.axes.contains(axis));
        let others = self.it.found.iter().filter(|found| found.place == place).filter_map(|found| match &found.by {
            By::Axes(other) if other != axes => Some(other),
            _ => None,
        });
        let others: Vec<&Vec<Axis>> = others.collect();
        let (mut with, mut without) = (Count::default(), Count::default());
        for ran in self.it.done[from..].iter().filter(|ran| ran.setting.pins == self.it.pins) {
            let now = ran.at(place);
            if now.is_none() && place != FAILS {
                continue;
            }
            let count = if holds(&ran.setting, axes) {
                &mut with
            } else if others.iter().any(|other| holds(&ran.setting, other)) {
                continue;
            } else {
                &mut without
            };
            count.runs += 1;
            count.differ += u32::from(now != self.it.done[*first].at(place));
        }
        (with, without)
    }

    /// What no axis could be proved for may be something that happens now and then.
    fn rare(&mut self) -> Result<(), R::Error> {
        let unproved = |found: &Found| matches!(found.by, By::Axes(_)) && !found.proved && found.place != FAILS;
        if !self.it.pins.is_empty() || !self.it.found.iter().any(unproved) {
            return Ok(());
        }
        let runs = self.sample(&self.base(), 2 * FIRST)?;
        let it = std::mem::take(&mut self.it.found);
        let (again, kept): (Vec<Found>, Vec<Found>) =
            it.into_iter().partition(|found| unproved(found) && self.unlike(&runs, &found.place).is_some());
        self.it.found = kept;
        self.it.found.retain(|found| !again.iter().any(|other| other.place == found.place));
        self.restless(&runs)
    }

    /// Where all runs are alike, but not what is known.
    fn since(&mut self) {
        let runs = self.of(&self.base());
        let Some(first) = runs.first() else { return };
        let found: Places = self.it.found.iter().map(|found| found.place.clone()).collect();
        for place in self.places(&[*first]).into_iter().filter(|place| !found.contains(place)) {
            let with = Count { runs: runs.len() as u32, differ: runs.len() as u32 };
            let pair = [None, Some(*first)];
            self.it.found.push(Found::unknown(place, with, pair));
        }
    }
}
