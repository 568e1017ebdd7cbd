//! What two runs left and did, read and named.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::chain::{Chain, Link, Pair, commands, plain};
use super::class::Class;
use super::classify::{Around, Source, classify, suspects};
use super::experiment::{By, FAILS, Found};
use super::marks::{Mark, marks, name_marks};
use super::model::{Explained, Explanation, How, Proof, Step};
use super::setting::Pin;
use crate::container::Subject;
use crate::diff::{self, Comparison, Difference};
use crate::digest::Digest;
use crate::provenance::{Index, Passed};
use crate::sandbox::CancelToken;
use crate::store::{self, Store};
use crate::verify::{Axis, Error};

/// Most places of a stage whose causes are looked into.
const MOST: usize = 500;

/// One of two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// What it left.
    pub output: Digest,
    /// What its processes did.
    pub trace: Option<Digest>,
    /// What lay in its working directory at the end.
    pub build: Option<Digest>,
}

/// Reads what runs left.
pub struct Evidence<'a> {
    store: &'a Store,
    cancel: &'a CancelToken,
    differences: BTreeMap<[Digest; 2], Rc<Option<Difference>>>,
    commands: BTreeMap<Digest, Rc<BTreeSet<Vec<String>>>>,
    /// The trace that was asked for last.
    index: Option<(Digest, Index)>,
}

/// What is known of a place.
struct Seen {
    marks: Vec<Mark>,
    chain: Chain,
    /// Commands of the other run.
    commands: Rc<BTreeSet<Vec<String>>>,
}

impl<'a> Evidence<'a> {
    /// Reads from this store.
    pub fn new(store: &'a Store, cancel: &'a CancelToken) -> Self {
        Self { store, cancel, differences: BTreeMap::new(), commands: BTreeMap::new(), index: None }
    }

    /// What differs between two trees.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn difference(&mut self, trees: [Digest; 2]) -> Result<Rc<Option<Difference>>, Error> {
        if let Some(known) = self.differences.get(&trees) {
            return Ok(Rc::clone(known));
        }
        let scratch = self.store.scratch("verify")?;
        let options = diff::Options::default();
        let subject = |digest| Subject::Tree { store: self.store.clone(), digest };
        let comparison = Comparison::new(&options, scratch.dir(), Some(self.cancel));
        let found = Rc::new(comparison.subjects(trees.map(subject))?);
        self.differences.insert(trees, Rc::clone(&found));
        Ok(found)
    }

    fn open(&mut self, trace: Digest) -> Result<Option<&mut Index>, Error> {
        if self.index.as_ref().is_none_or(|(digest, _)| *digest != trace) {
            let bytes = match self.store.get_bytes(trace) {
                Err(store::Error::Missing { .. }) => return Ok(None),
                bytes => bytes?,
            };
            // One that cannot be read counts as none: what is said is weaker then.
            let Ok(index) = Index::new(&bytes) else { return Ok(None) };
            self.index = Some((trace, index));
        }
        Ok(self.index.as_mut().map(|(_, index)| index))
    }

    fn commands(&mut self, trace: Option<Digest>) -> Result<Rc<BTreeSet<Vec<String>>>, Error> {
        let Some(trace) = trace else { return Ok(Rc::default()) };
        if let Some(known) = self.commands.get(&trace) {
            return Ok(Rc::clone(known));
        }
        let found = Rc::new(self.open(trace)?.map(|index| commands(index)).unwrap_or_default());
        self.commands.insert(trace, Rc::clone(&found));
        Ok(found)
    }

    /// Reads all that two runs tell of a place.
    fn see(&mut self, place: &str, pair: [Side; 2]) -> Result<Seen, Error> {
        let difference = self.difference(pair.map(|side| side.output))?;
        self.read(difference.as_ref().as_ref(), place, place, pair.map(Some))
    }

    /// Reads a place of a difference, which is at `path` in the output of a stage of which one or two runs are known.
    fn read(
        &mut self,
        difference: Option<&Difference>,
        place: &str,
        path: &str,
        [other, run]: [Option<Side>; 2],
    ) -> Result<Seen, Error> {
        let at = difference.and_then(|all| find(all, place));
        let is_folder = place.ends_with('/');
        let marks = match at {
            Some(at) if is_folder => name_marks(at),
            Some(at) => marks(at),
            None => Vec::new(),
        };
        let commands = self.commands(other.and_then(|side| side.trace))?;
        let mut path = path.to_owned();
        if is_folder {
            let added = marks.iter().find_map(|mark| mark.texts[1].first());
            path = format!("{}{}", path.trim_start_matches("./"), added.map_or("", String::as_str));
        }
        let mut chain = Chain::default();
        if let Some(trace) = run.and_then(|side| side.trace) {
            let sides = [other, run];
            let mut between = Pair {
                store: self.store,
                outputs: sides.map(|side| Some(side?.output)),
                builds: sides.map(|side| side?.build),
                commands: &commands,
            };
            if let Some(index) = self.open(trace)? {
                chain = Chain::of(index, &path, &mut between);
            }
        }
        Ok(Seen { marks, chain, commands })
    }

    /// What may have to be held fast so that a place no longer differs, the most likely first.
    ///
    /// # Errors
    /// What the runs left cannot be read.
    pub fn suspects(&mut self, place: &str, pair: [Side; 2]) -> Result<Vec<Pin>, Error> {
        let seen = self.see(place, pair)?;
        Ok(suspects(&seen.marks, &around(&seen.chain, &seen.chain.all, false)))
    }

    /// Names the causes of all places that were found, each from two runs that differ by it.
    ///
    /// # Errors
    /// What the runs left cannot be read.
    pub fn explain(
        &mut self,
        found: &[Found],
        side: &dyn Fn(Option<usize>) -> Option<Side>,
    ) -> Result<Vec<Explained>, Error> {
        let mut all: BTreeMap<&str, Vec<Explanation>> = BTreeMap::new();
        for one in found.iter().filter(|one| one.place != FAILS && !follows(one, found)) {
            if all.len() >= MOST && !all.contains_key(one.place.as_str()) {
                continue;
            }
            let random = |other: &Found| other.place == one.place && matches!(other.by, By::Pin(Pin::Random, _));
            let drawn = found.iter().any(random);
            let causes = match one.pair.map(side) {
                [Some(a), Some(b)] => causes(one, &self.see(&one.place, [a, b])?, drawn),
                _ => Vec::new(),
            };
            all.entry(&one.place).or_default().extend(causes);
        }
        Ok(all.into_iter().map(|(place, causes)| explained(place, causes)).collect())
    }

    /// The likely causes of a difference whose sides are outputs of stages, or parts of them: each with the run that left it
    /// and the path of the part, as far as they are known.
    ///
    /// # Errors
    /// What the runs left cannot be read.
    pub fn guess(&mut self, all: &Difference, sides: [Option<(Side, &str)>; 2]) -> Result<Vec<Explained>, Error> {
        let mut names = Vec::new();
        places(all, "", &mut names);
        let [left, right] = sides;
        let (Some((_, part)), other) = (right.or(left), left.filter(|_| right.is_some())) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for place in names.into_iter().take(MOST) {
            let below = place.trim_start_matches("./");
            let path = if part.is_empty() { below.to_owned() } else { format!("{part}/{below}") };
            // A file that was named itself has no place below.
            let path = if place.is_empty() { part.to_owned() } else { path };
            let pair = [other, right.or(left)].map(|side| side.map(|(side, _)| side));
            let seen = self.read(Some(all), &place, &path, pair)?;
            let (with, without) = Default::default();
            let unknown = Found {
                place: if path.is_empty() { place } else { path },
                by: By::Unknown,
                proved: false,
                with,
                without,
                cured: None,
                pair: [None, None],
            };
            found.push(explained(&unknown.place, causes(&unknown, &seen, false)));
        }
        Ok(found)
    }
}

/// Whether a cause follows from another of the same place: when times differ by themselves, another time is none more.
fn follows(one: &Found, all: &[Found]) -> bool {
    let times = |by: &By| matches!(by, By::Pin(Pin::Clock | Pin::Stat, _));
    one.by == By::Axes(vec![Axis::Time]) && all.iter().any(|other| other.place == one.place && times(&other.by))
}

/// The causes of a place, named by what is known of it.
fn causes(found: &Found, Seen { marks, chain, commands }: &Seen, drawn: bool) -> Vec<Explanation> {
    let sources: Vec<Source> = match &found.by {
        By::Axes(axes) => match found.cured {
            Some(pin) => vec![Source::Pin(pin)],
            None => axes.iter().map(|axis| Source::Axis(*axis)).collect(),
        },
        By::Pin(pin, _) => vec![Source::Pin(*pin)],
        By::Unknown => vec![Source::Unknown],
    };
    let proof = match (found.proved, found.with, found.without) {
        (true, with, without) => Proof::Proved { with, without },
        (false, with, without) => Proof::Suspected { with, without },
    };
    let (axes, held): (Vec<Axis>, Vec<Pin>) = match &found.by {
        By::Axes(axes) => (axes.clone(), found.cured.into_iter().collect()),
        By::Pin(pin, others) => (Vec::new(), std::iter::once(*pin).chain(others.iter().copied()).collect()),
        By::Unknown => Default::default(),
    };
    let mut causes = Vec::new();
    for source in sources {
        let mut odd = |link: &Link| !commands.contains(&link.arguments);
        let links = chain.back(taken(source), &mut odd);
        for class in classify(marks, source, &around(chain, &links, drawn)) {
            causes.push(Explanation {
                class,
                sentence: class.sentence().to_owned(),
                cure: class.cure().to_owned(),
                // Of what nobody knows nothing is proved.
                proof: match proof {
                    Proof::Proved { with, without } if class == Class::Unknown => Proof::Suspected { with, without },
                    proof => proof,
                },
                axes: axes.clone(),
                held: held.clone(),
                chain: links.iter().map(|link| step(link, source)).collect(),
            });
        }
    }
    causes
}

/// What a trace calls what a source gives.
fn taken(source: Source) -> Option<&'static str> {
    match source {
        Source::Pin(Pin::Clock) | Source::Axis(Axis::Time) => Some("clock"),
        Source::Pin(Pin::Random) | Source::Axis(Axis::Randomness) => Some("random"),
        Source::Pin(Pin::Order) | Source::Axis(Axis::Order) => Some("order"),
        Source::Pin(Pin::Stat) => Some("stat"),
        Source::Pin(Pin::Kernel) | Source::Axis(Axis::HostName | Axis::Kernel) => Some("kernel"),
        Source::Pin(Pin::Processors) | Source::Axis(Axis::Processors) => Some("processors"),
        Source::Axis(Axis::ProcessIds) => Some("process-ids"),
        _ => None,
    }
}

fn around(chain: &Chain, links: &[Link], drawn: bool) -> Around {
    let base = |link: &Link| link.program.rsplit('/').next().unwrap_or_default().to_owned();
    let programs = links.iter().rev().chain(&chain.all).map(base).collect();
    Around { programs, took: chain.took(), beside: chain.is_beside(), drawn }
}

fn step(link: &Link, source: Source) -> Step {
    // Most programs take most of it; what has nothing to do with the cause is left out.
    let matters = |what: &&String| source == Source::Unknown || taken(source) == Some(what.as_str());
    Step {
        program: link.program.clone(),
        arguments: link.arguments.clone(),
        how: match link.passage.how {
            Passed::Wrote => How::Wrote,
            Passed::Answered => How::Answered,
            Passed::Started => How::Started,
        },
        // Numbers of pipes are otherwise in each run.
        by: if link.passage.by.starts_with("pipe:") { "pipe".to_owned() } else { plain(&link.passage.by) },
        took: link.passage.took.iter().filter(matters).cloned().collect(),
        beside: link.passage.beside,
    }
}

/// The same cause is told once; what is proved comes first.
fn explained(place: &str, mut causes: Vec<Explanation>) -> Explained {
    causes.sort_by_key(|cause| (!cause.proof.is_proved(), cause.class));
    let mut kept: Vec<Explanation> = Vec::new();
    for cause in causes {
        let same =
            |other: &Explanation| (other.class, &other.axes, &other.held) == (cause.class, &cause.axes, &cause.held);
        if !kept.iter().any(same) {
            kept.push(cause);
        }
    }
    Explained { place: place.to_owned(), causes: kept }
}

/// The part of a tree of differences that is about a place.
fn find<'d>(all: &'d Difference, place: &str) -> Option<&'d Difference> {
    let names = place.trim_start_matches("./").trim_end_matches('/');
    names
        .split('/')
        .filter(|name| !name.is_empty())
        .try_fold(all, |at, name| at.inside.iter().find(|one| one.name == name))
}

/// The places that differ: files by their paths, and folders whose names do, with a slash.
fn places(all: &Difference, path: &str, found: &mut Vec<String>) {
    if all.kind != "directory" {
        found.push(path.to_owned());
        return;
    }
    let only = |one: &&Difference| one.facts.iter().any(|fact| matches!(fact, diff::Fact::Only { .. }));
    if all.inside.iter().any(|one| only(&one)) {
        found.push(if path.is_empty() { "./".to_owned() } else { format!("{path}/") });
    }
    for inside in all.inside.iter().filter(|one| !only(one)) {
        let below = if path.is_empty() { inside.name.clone() } else { format!("{path}/{}", inside.name) };
        places(inside, &below, found);
    }
}
