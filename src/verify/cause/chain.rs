//! From a place that differs back through the processes of a run to the one with which it began.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::provenance::{Index, Judgement, Passage, Passed};
use crate::store::{self, Store};

/// Two runs that left something else, the second with its trace.
pub(super) struct Pair<'a> {
    pub(super) store: &'a Store,
    /// What the two left, and what lay in their working directories.
    pub(super) outputs: [Option<Digest>; 2],
    pub(super) builds: [Option<Digest>; 2],
    /// All commands of the other run.
    pub(super) commands: &'a BTreeSet<Vec<String>>,
}

/// A process on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) passage: Passage,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

/// What is known of how a file was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// All processes that it came through.
    pub(super) all: Vec<Link>,
}

/// The commands of a run, without what is drawn in them.
pub(super) fn commands(index: &Index) -> BTreeSet<Vec<String>> {
    (1..=index.processes()).map(|process| index.command(process).1.iter().map(|word| plain(word)).collect()).collect()
}

/// A word without the drawn part of a temporary file's name.
pub(super) fn plain(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((at, mark)) = ["/cc", "/tmp.", "_tmp"].iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min()
    {
        let after = at + mark.len();
        let drawn = rest[after..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        out.push_str(&rest[..after]);
        // As many letters as mkstemp(3) draws, or mktemp(1).
        let is_drawn = (*mark != "/cc" || rest[..at].ends_with("tmp")) && matches!(drawn, 6 | 8 | 10);
        out.push_str(if is_drawn { "…" } else { &rest[after..after + drawn] });
        rest = &rest[after + drawn..];
    }
    out.push_str(rest);
    out
}

impl Judgement for Pair<'_> {
    fn is_settled(&mut self, path: &str) -> bool {
        let same = |trees: [Option<Digest>; 2], path: &str| {
            let [Some(a), Some(b)] = trees else { return false };
            let of = |tree| file(self.store, tree, path).ok().flatten();
            let (a, b) = (of(a), of(b));
            a.is_some() && a == b
        };
        match (path.strip_prefix("/out/"), path.strip_prefix("/build/")) {
            (Some(path), _) => same(self.outputs, path),
            (_, Some(path)) => same(self.builds, path),
            _ => false,
        }
    }

    fn is_odd(&mut self, _: &str, arguments: &[String]) -> bool {
        !self.commands.contains(&arguments.iter().map(|word| plain(word)).collect::<Vec<_>>())
    }
}

fn file(store: &Store, tree: Digest, path: &str) -> Result<Option<Digest>, store::Error> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(folder) = store.subtree(tree, folder)? else { return Ok(None) };
    let directory = store.directory(folder)?;
    let found = directory.files.iter().find(|file| file.name == name);
    Ok(found.and_then(|file| file.content().ok()))
}

impl Chain {
    /// How what is at a path of the output was made.
    pub(super) fn of(index: &mut Index, path: &str, pair: &mut Pair<'_>) -> Self {
        let passages = index.lineage(&format!("/out/{path}"), pair);
        let link = |passage: Passage| {
            let (program, arguments) = index.command(passage.process);
            Link { passage, program, arguments: arguments.iter().map(|word| plain(word)).collect() }
        };
        Self { all: passages.into_iter().map(link).collect() }
    }

    /// Whether several wrote side by side.
    pub(super) fn is_beside(&self) -> bool {
        self.all.iter().any(|link| link.passage.beside)
    }

    /// All that was taken on the way.
    pub(super) fn took(&self) -> BTreeSet<String> {
        self.all.iter().flat_map(|link| link.passage.took.iter().cloned()).collect()
    }

    /// The links from the last writer back to the process that took this; without one, to the earliest that wrote.
    pub(super) fn back(&self, taken: Option<&str>, odd: &mut dyn FnMut(&Link) -> bool) -> Vec<Link> {
        let took = |link: &&Link| taken.is_some_and(|what| link.passage.took.contains(what));
        let takers: Vec<usize> = (0..self.all.len()).filter(|at| took(&&self.all[*at])).collect();
        // With a command of its own in each run, what is otherwise came with the command.
        let plain = takers.iter().copied().find(|at| !odd(&self.all[*at]));
        let wrote = |at: &usize| {
            let mut at = *at;
            while let Some(to) = self.all[at].passage.to {
                if self.all[at].passage.how != Passed::Wrote {
                    return false;
                }
                at = to;
            }
            true
        };
        let earliest = (0..self.all.len()).rfind(wrote);
        let Some(mut at) = plain.or(takers.first().copied()).or(earliest) else { return Vec::new() };
        let mut links = vec![self.all[at].clone()];
        while let Some(to) = self.all[at].passage.to {
            links.push(self.all[to].clone());
            at = to;
        }
        links.reverse();
        links
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn drawn_names_are_left_out() {
        for (word, shown) in [
            ("/tmp/ccA1b2C3.s", "/tmp/cc….s"),
            ("-o/tmp/tmp.abcDEF1234/x", "-o/tmp/tmp.…/x"),
            ("/usr/lib/cc1plus", "/usr/lib/cc1plus"),
            ("/build/ccache.o", "/build/ccache.o"),
            ("x", "x"),
        ] {
            assert_eq!(plain(word), shown);
        }
    }
}
