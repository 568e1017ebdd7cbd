//! For people: what went into a file, as a tree.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::provenance::{Answer, Class, Input, Made, Maker, What};
use crate::report::{Palette, Role, clean, count, fit};

/// Entries of a list that are shown in short.
pub(super) const SHORT: usize = 8;
/// How many groups of processes are shown below each other, in short and at all.
pub(super) const DEEPEST: [usize; 2] = [7, 40];

/// How much of an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tell {
    /// All of each list, and command lines whole.
    pub all: bool,
    /// Columns that a line may take; nothing: as many as it needs.
    pub columns: Option<usize>,
}

/// A line with what hangs below it.
#[derive(Default)]
struct Node {
    text: String,
    below: Vec<Node>,
}

impl Node {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), below: Vec::new() }
    }

    fn draw(&self, before: &str, palette: Palette, lines: &mut Vec<String>) {
        let [tee, bar, end] = if palette.unicode { ["├─ ", "│  ", "└─ "] } else { ["|- ", "|  ", "`- "] };
        for (at, node) in self.below.iter().enumerate() {
            let last = at + 1 == self.below.len();
            lines.push(format!("{before}{}{}", if last { end } else { tee }, node.text));
            node.draw(&format!("{before}{}", if last { "   " } else { bar }), palette, lines);
        }
    }
}

/// The answer about a file.
pub fn why_text(answer: &Answer, tell: &Tell, palette: Palette) -> String {
    let view = View { tell, palette };
    let mut root = Node::new(view.name(&answer.asked));
    for link in &answer.links {
        root.below.push(Node::new(format!("link `{}` to `{}`", clean(&link.path), clean(&link.target))));
    }
    let digest = view.digest(answer.digest);
    root.below.push(Node::new(format!("`{}` of stage {}  {digest}", clean(&answer.path), view.name(&answer.stage))));
    let mut lines = vec![root.text.clone()];
    root.draw("", palette, &mut lines);
    for made in &answer.stages {
        let node = view.stage(made);
        lines.push(String::new());
        lines.push(node.text.clone());
        node.draw("", palette, &mut lines);
    }
    if !answer.beyond.is_empty() {
        lines.push(String::new());
        lines.push(palette.paint(Role::Faint, "not followed further:"));
    }
    for beyond in &answer.beyond {
        let files = count(usize::try_from(beyond.files).unwrap_or(usize::MAX), "file");
        let cure = if beyond.untraced {
            format!("it has no trace; `repro trace {}` makes one", beyond.stage)
        } else {
            format!("`--depth {}` goes on", answer.stages.iter().map(|made| made.depth).max().unwrap_or(0) + 1)
        };
        lines.push(format!("  {files} of stage {}: {cure}", view.name(&beyond.stage)));
    }
    let cut = |line: &String| match tell.columns.filter(|_| !tell.all && !palette.colour) {
        Some(columns) => fit(line, columns),
        None => line.clone(),
    };
    lines.iter().map(|line| format!("{}\n", cut(line).trim_end())).collect()
}

/// The processes that made something, by whom what they wrote was read.
pub(super) struct Makers<'a> {
    by_reader: BTreeMap<Option<u32>, Vec<&'a Maker>>,
}

impl<'a> Makers<'a> {
    pub(super) fn new(made: &'a Made) -> Self {
        let mut by_reader: BTreeMap<Option<u32>, Vec<&Maker>> = BTreeMap::new();
        for maker in made.processes.iter().filter(|one| one.class == Class::Data) {
            by_reader.entry(maker.via).or_default().push(maker);
        }
        Self { by_reader }
    }

    /// Those whose output these read (none: those that wrote what was asked for), by program; what ran last comes first.
    pub(super) fn groups(&self, of: Option<&BTreeSet<u32>>) -> Vec<(&'a str, Vec<&'a Maker>)> {
        let readers: Vec<Option<u32>> =
            of.map_or_else(|| vec![None], |of| of.iter().map(|number| Some(*number)).collect());
        let mut groups: BTreeMap<&str, Vec<&Maker>> = BTreeMap::new();
        for maker in readers.iter().filter_map(|reader| self.by_reader.get(reader)).flatten() {
            let name = maker.arguments.first().map_or(maker.program.as_str(), String::as_str);
            groups.entry(name.rsplit('/').next().unwrap_or(name)).or_default().push(maker);
        }
        let mut groups: Vec<(&str, Vec<&Maker>)> = groups.into_iter().collect();
        groups.iter_mut().for_each(|(_, makers)| makers.sort_by_key(|maker| maker.number));
        groups.sort_by_key(|(_, makers)| std::cmp::Reverse(makers.last().map(|maker| maker.number)));
        groups
    }
}

struct View<'a> {
    tell: &'a Tell,
    palette: Palette,
}

impl View<'_> {
    fn name(&self, text: &str) -> String {
        self.palette.paint(Role::Name, &clean(text))
    }

    fn faint(&self, text: &str) -> String {
        self.palette.paint(Role::Faint, text)
    }

    fn digest(&self, digest: Digest) -> String {
        self.faint(&if self.tell.all { digest.to_string() } else { digest.short() })
    }

    /// So many of a list, and a line about the rest.
    fn some<T>(&self, list: &[T], below: &mut Vec<Node>, one: impl Fn(&T) -> Node) {
        // One more line costs no more than saying that it is not there.
        let shown = if self.tell.all || list.len() <= SHORT + 1 { list.len() } else { SHORT };
        below.extend(list.iter().take(shown).map(one));
        if list.len() > shown {
            below.push(Node::new(self.faint(&format!("{} more: --all shows them", list.len() - shown))));
        }
    }

    fn stage(&self, made: &Made) -> Node {
        let mut node = Node::new(format!("stage {}", self.name(&made.stage)));
        let mut below = Vec::new();
        self.some(&made.copies, &mut below, |copied| {
            let of = &copied.of;
            let mut node = Node::new(format!(
                "`{}` is a copy of `{}` of {}  {}",
                clean(&copied.path),
                clean(&of.place),
                self.name(&of.input),
                self.digest(of.digest)
            ));
            self.some(&copied.by, &mut node.below, |by| Node::new(self.command(by)));
            node
        });
        node.below.append(&mut below);
        if made.files.is_empty() {
            return node;
        }
        let mut files = Node::new("made");
        self.some(&made.files, &mut files.below, |file| {
            Node::new(format!("`{}`  {}", clean(&file.path), self.digest(file.digest)))
        });
        node.below.push(files);
        let number = made.processes.iter().filter(|one| one.class == Class::Data).count();
        let mut by = Node::new(if number == 1 { "by 1 process".to_owned() } else { format!("by {number} processes") });
        by.below = self.makers(&Makers::new(made), None, 0);
        node.below.push(by);
        for class in [Class::Data, Class::Tool, Class::Control] {
            node.below.extend(self.class(made, class));
        }
        if !made.archives.is_empty() {
            let mut archives = Node::new("upstream archives");
            self.some(&made.archives, &mut archives.below, |archive| {
                let name = self.name(&format!("source:{}", archive.name));
                Node::new(format!(
                    "{name} {}, {}  {}",
                    clean(&archive.version),
                    clean(&archive.file),
                    self.digest(archive.digest)
                ))
            });
            node.below.push(archives);
        }
        if !made.unknown.is_empty() {
            let mut unknown =
                Node::new(self.palette.paint(Role::Warn, "read, and neither written by the stage nor an input"));
            self.some(&made.unknown, &mut unknown.below, |path| Node::new(clean(path)));
            node.below.push(unknown);
        }
        node
    }

    fn command(&self, maker: &Maker) -> String {
        let words: Vec<String> = maker.arguments.iter().map(|word| word.replace('\n', " ")).collect();
        let words = clean(&words.join(" "));
        let words = if self.tell.all { words } else { fit(&words, 160) };
        let cut = if maker.cut { " …" } else { "" };
        format!("{words}{cut}  {}", self.faint(&format!("in {}, process {}", clean(&maker.directory), maker.number)))
    }

    /// The processes whose output went into that of another, by program.
    fn makers(&self, all: &Makers<'_>, via: Option<&BTreeSet<u32>>, depth: usize) -> Vec<Node> {
        let groups = all.groups(via);
        let mut nodes = Vec::new();
        for (name, makers) in groups {
            let last = makers.last().expect("a group has what made it one");
            let mut node = if makers.len() == 1 {
                Node::new(self.command(last))
            } else if self.tell.all {
                let mut node = Node::new(format!("{} × {}", makers.len(), self.name(name)));
                node.below.extend(makers.iter().map(|maker| Node::new(self.command(maker))));
                node
            } else {
                Node::new(format!("{} × {}, such as {}", makers.len(), self.name(name), self.command(last)))
            };
            if depth < DEEPEST[usize::from(self.tell.all)] {
                let numbers = makers.iter().map(|maker| maker.number).collect();
                node.below.extend(self.makers(all, Some(&numbers), depth + 1));
            }
            nodes.push(node);
        }
        nodes
    }

    /// The inputs of a class, by what they are and where they came from.
    fn class(&self, made: &Made, class: Class) -> Option<Node> {
        let inputs: Vec<&Input> = made.inputs.iter().filter(|input| input.class == class).collect();
        let generated = if class == Class::Control { made.generated.as_slice() } else { &[] };
        if inputs.is_empty() && generated.is_empty() {
            return None;
        }
        let mut node = Node::new(match class {
            Class::Data => "from",
            Class::Tool => "with (what was executed, and what the stage's own programs were made of)",
            Class::Control => "by (scripts, makefiles, and what was read to decide)",
        });
        for what in inputs.chunk_by(|a, b| a.what == b.what) {
            let plural = what[0].what.plural();
            let mut of_kind = Node::new(format!("{plural} ({})", what.len()));
            for group in what.chunk_by(|a, b| a.role == b.role && a.input == b.input) {
                let input = format!("{} {}", self.name(&group[0].input), self.faint(group[0].role.name()));
                let mut of_input = Node::new(format!("{input} ({})", group.len()));
                // What was used most says most.
                let mut sorted: Vec<&&Input> = group.iter().collect();
                if !self.tell.all {
                    sorted.sort_by_key(|input| {
                        (input.search.as_ref().is_none_or(|it| it.lost.is_empty()), std::cmp::Reverse(input.readers))
                    });
                }
                self.some(&sorted, &mut of_input.below, |input| self.input(input));
                of_kind.below.push(of_input);
            }
            node.below.push(of_kind);
        }
        if !generated.is_empty() {
            let mut own = Node::new(format!("made by the stage itself ({})", generated.len()));
            self.some(generated, &mut own.below, |path| Node::new(clean(path)));
            node.below.push(own);
        }
        Some(node)
    }

    fn input(&self, input: &Input) -> Node {
        let times = if input.readers > 1 && !matches!(input.what, What::Script) {
            format!("  {}×", input.readers)
        } else {
            String::new()
        };
        let mut node = Node::new(format!("{}  {}{times}", clean(&input.path), self.digest(input.digest)));
        if let Some(search) = &input.search {
            for lost in &search.lost {
                let place = format!("{} ({}, {})", clean(&lost.path), clean(&lost.input), lost.role.name());
                node.below.push(Node::new(format!("won over {place}  {}", self.digest(lost.digest))));
            }
            if self.tell.all && !search.absent.is_empty() {
                let list: Vec<String> = search.absent.iter().map(|folder| clean(folder)).collect();
                node.below.push(Node::new(format!("looked for before in {}", list.join(", "))));
            }
        }
        node
    }
}
