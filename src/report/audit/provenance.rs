//! How the files of the page were made: the answers of [`explain_each`](crate::provenance::explain_each), as tables that name everything once.
//!
//! A node of the tree is a file of a stage's output. It says which processes made it and of what; what of that another
//! stage left is a node again, so that what several files were made of is told once. The page's script makes trees of
//! these when they are opened. Strings, files, lists of files and commands have numbers; files in a list are told as
//! differences of their numbers, which are mostly one.
//!
//! The tables are bounded by [`MOST_BYTES`], and what they come from by [`MOST_STEPS`]: what is nearest to the product
//! comes first, and what is cut is said to be cut.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::provenance::{Class, Copied, Input, Left, Made, Maker, Role, Search};
use crate::report::clean;
use crate::report::why::{DEEPEST, Makers, SHORT};

/// Bytes of the tables, roughly.
const MOST_BYTES: usize = 8 << 20;
/// Processes and inputs of all answers.
const MOST_STEPS: usize = 4_000_000;

/// What has numbers in the order in which it came.
#[derive(Debug)]
struct Table<T> {
    known: BTreeMap<T, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { known: BTreeMap::new() }
    }
}

impl<T: Ord + Serialize> Table<T> {
    /// The number of an item, and how many bytes it takes, if it is new.
    fn add(&mut self, item: T) -> (u32, usize) {
        if let Some(number) = self.known.get(&item) {
            return (*number, 0);
        }
        let bytes = serde_json::to_string(&item).map_or(0, |text| text.len() + 1);
        let number = self.known.len() as u32;
        self.known.insert(item, number);
        (number, bytes)
    }
}

impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list: Vec<(&T, &u32)> = self.known.iter().collect();
        list.sort_by_key(|(_, number)| **number);
        serializer.collect_seq(list.into_iter().map(|(item, _)| item))
    }
}

/// Name of an input, what it is for, and where it is mounted.
type Origin = (u32, Role, u32);
/// Origin, path in it, content.
type File = (u32, u32, Digest);
/// Folders in which a name was looked for in vain, and files of that name that lost: path, input, role, content.
type Looked = (Vec<u32>, Vec<(u32, u32, Role, Digest)>);
/// Number in the trace, folder, words, and whether there were more of these.
type Command = (u32, u32, Vec<u32>, bool);

/// Files of one kind and one origin.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct List {
    class: Class,
    what: &'static str,
    origin: u32,
    /// Differences of their numbers.
    files: Vec<i64>,
    /// How many processes read each; only of data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    readers: Vec<u32>,
    /// How many are left out, since the page is full.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

/// Processes of one program.
#[derive(Debug, Serialize)]
struct Group {
    program: u32,
    count: usize,
    /// Some of their commands: the last ones.
    commands: Vec<u32>,
    /// Those whose output they read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    of: Vec<Group>,
    /// Whether there are more, too deep to be shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deeper: bool,
}

/// A file of a stage's output.
#[derive(Debug, Serialize)]
struct Node {
    stage: u32,
    path: u32,
    digest: Digest,
    /// What it is a copy of: the file, and the commands that copied it.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<(u32, Vec<u32>)>,
    #[serde(skip_serializing_if = "is_none")]
    processes: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by: Vec<Group>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lists: Vec<u32>,
    /// By file: how it was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    searches: Vec<(u32, u32)>,
    /// Upstream archives: name, version, file, content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    archives: Vec<(u32, u32, u32, Digest)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    generated: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<u32>,
    /// How many of the last two are left out, since the page is full.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

/// How the files of a stage's output were made.
#[derive(Debug, Serialize)]
pub struct Provenance {
    strings: Table<String>,
    origins: Table<Origin>,
    files: Table<File>,
    searches: Table<Looked>,
    lists: Table<List>,
    commands: Table<Command>,
    nodes: Vec<Node>,
    left: Left,
    #[serde(skip)]
    stage: String,
    #[serde(skip)]
    part: String,
    /// Stage and path of each node.
    #[serde(skip)]
    names: Vec<(String, String)>,
    /// The node by these.
    #[serde(skip)]
    places: BTreeMap<(String, String), usize>,
    /// By content.
    #[serde(skip)]
    contents: BTreeMap<Digest, Vec<usize>>,
    /// What made a copy: the stage and the path that it is a copy of, or the name of another input.
    #[serde(skip)]
    copies: BTreeMap<usize, Result<(String, String), String>>,
    #[serde(skip)]
    bytes: usize,
    #[serde(skip)]
    steps: usize,
    #[serde(skip)]
    bounds: (usize, usize),
}

impl Provenance {
    /// Of the output of a stage, or a part of it; nothing is known yet.
    pub fn new(stage: &str, part: &str) -> Self {
        Self {
            strings: Table::default(),
            origins: Table::default(),
            files: Table::default(),
            searches: Table::default(),
            lists: Table::default(),
            commands: Table::default(),
            nodes: Vec::new(),
            left: Left::default(),
            stage: stage.to_owned(),
            part: part.to_owned(),
            names: Vec::new(),
            places: BTreeMap::new(),
            contents: BTreeMap::new(),
            copies: BTreeMap::new(),
            bytes: 0,
            steps: 0,
            bounds: (MOST_BYTES, MOST_STEPS),
        }
    }

    #[cfg(test)]
    pub(super) fn bounded(stage: &str, bytes: usize) -> Self {
        Self { bounds: (bytes, MOST_STEPS), ..Self::new(stage, "") }
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.bounds.0 || self.steps >= self.bounds.1
    }

    /// Takes how one file was made. Says whether there is room for more.
    pub fn add(&mut self, made: &Made) -> bool {
        if self.is_full() {
            return false;
        }
        self.steps +=
            made.processes.len() + made.inputs.len() + made.copies.iter().map(|one| one.by.len()).sum::<usize>();
        for copied in &made.copies {
            self.copied(made, copied);
        }
        for file in &made.files {
            let mut node = self.node(made, &file.path, file.digest);
            let makers = Makers::new(made);
            node.processes = made.processes.iter().filter(|one| one.class == Class::Data).count();
            node.by = self.groups(&makers, None, 0);
            self.inputs(&made.inputs, &mut node);
            for archive in &made.archives {
                let [name, version, file] =
                    [&archive.name, &archive.version, &archive.file].map(|text| self.string(text));
                node.archives.push((name, version, file, archive.digest));
            }
            (node.generated, node.more) = self.paths(&made.generated);
            let (unknown, more) = self.paths(&made.unknown);
            (node.unknown, node.more) = (unknown, node.more + more);
            self.push(made, &file.path, node);
        }
        true
    }

    /// What was not followed.
    pub fn finish(&mut self, left: Left) {
        let clean = |names: BTreeSet<String>| names.iter().map(|name| clean(name)).collect();
        let Left { untraced, changed, cut } = left;
        self.left = Left { untraced: clean(untraced), changed: clean(changed), cut: clean(cut) };
    }

    fn node(&mut self, made: &Made, path: &str, digest: Digest) -> Node {
        let (stage, path) = (self.string(&made.stage), self.string(path));
        Node {
            stage,
            path,
            digest,
            copy: None,
            processes: 0,
            by: Vec::new(),
            lists: Vec::new(),
            searches: Vec::new(),
            archives: Vec::new(),
            generated: Vec::new(),
            unknown: Vec::new(),
            more: 0,
        }
    }

    fn push(&mut self, made: &Made, path: &str, node: Node) {
        let number = self.nodes.len();
        self.bytes += serde_json::to_string(&node).map_or(0, |text| text.len() + 1);
        let name = (made.stage.clone(), path.to_owned());
        self.names.push(name.clone());
        self.places.insert(name, number);
        self.contents.entry(node.digest).or_default().push(number);
        self.nodes.push(node);
    }

    fn copied(&mut self, made: &Made, copied: &Copied) {
        let mut node = self.node(made, &copied.path, copied.of.digest);
        let file = self.file(&copied.of);
        let by = copied.by.iter().take(SHORT).map(|maker| self.command(maker)).collect();
        node.processes = copied.by.len();
        node.copy = Some((file, by));
        let from = copied.of.input.strip_prefix("stage:").map(|rest| {
            let (stage, part) = rest.split_once('/').unwrap_or((rest, ""));
            let place = &copied.of.place;
            (stage.to_owned(), if part.is_empty() { place.clone() } else { format!("{part}/{place}") })
        });
        self.copies.insert(self.nodes.len(), from.ok_or_else(|| copied.of.input.clone()));
        self.push(made, &copied.path, node);
    }

    fn string(&mut self, text: &str) -> u32 {
        let (number, bytes) = self.strings.add(clean(text));
        self.bytes += bytes;
        number
    }

    /// As many as there is room for, and how many are left.
    fn paths(&mut self, paths: &[String]) -> (Vec<u32>, usize) {
        let mut numbers = Vec::new();
        for path in paths {
            if self.is_full() {
                break;
            }
            numbers.push(self.string(path));
        }
        let more = paths.len() - numbers.len();
        (numbers, more)
    }

    fn file(&mut self, input: &Input) -> u32 {
        let at = input.path.strip_suffix(&input.place).unwrap_or_default();
        let (name, at) = (self.string(&input.input), self.string(at));
        let (origin, bytes) = self.origins.add((name, input.role, at));
        self.bytes += bytes;
        let place = self.string(&input.place);
        let (file, bytes) = self.files.add((origin, place, input.digest));
        self.bytes += bytes;
        file
    }

    fn inputs(&mut self, inputs: &[Input], node: &mut Node) {
        let alike = |a: &Input, b: &Input| (a.class, a.what, a.role, &a.input) == (b.class, b.what, b.role, &b.input);
        for inputs in inputs.chunk_by(alike) {
            let (mut files, mut readers, mut before) = (Vec::new(), Vec::new(), 0);
            for input in inputs {
                if self.is_full() {
                    break;
                }
                let file = self.file(input);
                files.push(i64::from(file) - before);
                before = i64::from(file);
                if input.class == Class::Data {
                    readers.push(input.readers);
                }
                if let Some(search) = &input.search {
                    let search = self.search(search);
                    node.searches.push((file, search));
                }
            }
            let (name, at) = (self.string(&inputs[0].input), self.string(""));
            let more = inputs.len() - files.len();
            let (origin, grown) = self.origins.add((name, inputs[0].role, at));
            let what = inputs[0].what.plural();
            let (list, bytes) = self.lists.add(List { class: inputs[0].class, what, origin, files, readers, more });
            self.bytes += bytes + grown;
            node.lists.push(list);
        }
    }

    fn search(&mut self, search: &Search) -> u32 {
        let absent = search.absent.iter().map(|folder| self.string(folder)).collect();
        let lost = search.lost.iter();
        let lost =
            lost.map(|lost| (self.string(&lost.path), self.string(&lost.input), lost.role, lost.digest)).collect();
        let (number, bytes) = self.searches.add((absent, lost));
        self.bytes += bytes;
        number
    }

    fn command(&mut self, maker: &Maker) -> u32 {
        let directory = self.string(&maker.directory);
        let words = maker.arguments.iter().map(|word| self.string(&word.replace('\n', " "))).collect();
        let (number, bytes) = self.commands.add((maker.number, directory, words, maker.cut));
        self.bytes += bytes;
        number
    }

    fn groups(&mut self, makers: &Makers<'_>, of: Option<&BTreeSet<u32>>, depth: usize) -> Vec<Group> {
        let groups = makers.groups(of).into_iter();
        let group = |(name, all): (&str, Vec<&Maker>)| {
            let numbers = all.iter().map(|maker| maker.number).collect();
            let program = self.string(name);
            let commands = all.iter().rev().take(SHORT).map(|maker| self.command(maker)).collect();
            let deep = depth >= DEEPEST[1] || self.is_full();
            let deeper = deep && !makers.groups(Some(&numbers)).is_empty();
            let of = if deep { Vec::new() } else { self.groups(makers, Some(&numbers), depth + 1) };
            Group { program, count: all.len(), commands, of, deeper }
        };
        groups.map(group).collect()
    }

    /// The number of the node that a file of the subject is: the one at its path; of what lies in an archive the one with
    /// the same content whose path is most alike.
    pub(super) fn node_of(&self, object: &str, digest: Option<Digest>) -> Option<usize> {
        let path = if self.part.is_empty() { object.to_owned() } else { format!("{}/{object}", self.part) };
        let known = self.places.get(&(self.stage.clone(), path.trim_end_matches('/').to_owned())).copied();
        // The part may be a file itself.
        let known = known.or_else(|| self.places.get(&(self.stage.clone(), self.part.clone())).copied());
        let inner = object.rsplit_once('!').map(|(_, inner)| inner);
        let (Some(inner), Some(digest)) = (inner, digest.filter(|digest| digest.size > 0)) else {
            return if inner.is_none() { known } else { None };
        };
        let alike = |number: &usize| {
            let path = self.names[*number].1.rsplit('/');
            path.zip(inner.rsplit('/')).take_while(|(a, b)| a == b).count()
        };
        let same = self.contents.get(&digest)?;
        same.iter().rev().max_by_key(|number| (alike(number), std::cmp::Reverse(**number))).copied()
    }

    /// Which stage made a node's file: copies are followed.
    pub(super) fn maker(&self, node: usize) -> String {
        let mut at = node;
        loop {
            let stage = &self.names[at].0;
            match self.copies.get(&at) {
                None => return stage.clone(),
                Some(Err(input)) => return format!("{stage} (a copy from {input})"),
                Some(Ok(place)) => match self.places.get(place) {
                    Some(next) if *next > at => at = *next,
                    _ => return place.0.clone(),
                },
            }
        }
    }

    /// What was not followed.
    pub(super) fn left(&self) -> &Left {
        &self.left
    }

    /// How many files are explained, and in how many bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.nodes.len(), self.bytes)
    }

    /// The tables as JSON that can stand in a page: no letter of it means anything to HTML.
    pub(super) fn json(&self) -> String {
        embed(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// JSON without letters that end or begin something in HTML, or that end lines.
fn embed(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => safe.push(letter),
        }
    }
    safe
}
