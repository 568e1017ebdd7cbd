//! From a definition and its components to a tree with its tables.

use std::collections::BTreeMap;

use serde::Serialize;

use super::closing::{between, check, close};
use super::decide::{Decision, decide};
use super::error::{Error, Problem};
use super::layers::{Entry, From, Layers, What, layer, matcher, place};
use super::manifest::{Ids, Reader};
use super::release::{RELEASE, Stamp};
use super::report::{Closing, ComponentSize, LogLine, Report};
use super::table::Table;
use crate::digest::Digest;
use crate::loader::{self, Closure, Found, parent};
use crate::pack::header::MANIFEST;
use crate::stage::{COMPOSED, RootDef, RootSource, fill};
use crate::store::{Store, TreeBuilder};
use crate::sys::CancelToken;

/// Composes a root file system.
pub struct Composer<'a> {
    /// Where the trees are, and where the new one is put.
    pub store: &'a Store,
    /// The stage that states it.
    pub stage: &'a str,
    /// What it states.
    pub definition: &'a RootDef,
    /// The trees of the components, by name.
    pub inputs: &'a BTreeMap<String, Digest>,
    /// The tree of the stage's own folder.
    pub folder: Digest,
    /// The declared parameters.
    pub params: &'a BTreeMap<String, String>,
    /// The upstream archives that the components are made from.
    pub sources: &'a [RootSource],
    /// Stops it between two steps.
    pub cancel: &'a CancelToken,
}

/// A file that was made, or taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its path below `/out`.
    pub path: String,
    /// What it was made from, as a stage sees it: `/in/musl/lib/libc.so`.
    pub from: Vec<String>,
}

/// A root file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The tree that the stage leaves: the root, its table, the pack log and the report.
    pub output: Digest,
    /// How its files were made.
    pub made: Vec<Made>,
    /// What is in it.
    pub report: Report,
}

impl Composer<'_> {
    /// Composes it, and puts it into the store.
    ///
    /// # Errors
    /// All that does not fit together; or the store fails.
    pub fn compose(&self) -> Result<Composed, Error> {
        let names = &self.definition.components;
        let stamp = Stamp::new(self.definition, self.inputs, self.folder, self.params, self.sources);
        let inputs = stamp.digest();
        let Layers { mut entries, mut shadowed, mut problems, .. } = self.layers(&stamp, inputs)?;
        let lines = {
            let [users, groups] = ["etc/passwd", "etc/group"].map(|path| self.ids(&entries, path));
            let (users, groups) = (users?, groups?);
            let mut reader = Reader { users: &users, groups: &groups, lines: Vec::new(), problems: Vec::new() };
            self.manifests(&mut reader, &mut problems)?;
            problems.append(&mut reader.problems);
            reader.lines
        };
        self.going()?;
        let mut decision = decide(&lines, &entries, self.definition.deliver, names);
        let closed = self.close(&entries, &mut decision)?;
        let kept = |path: &str| {
            let needed = closed.as_ref().is_some_and(|(_, closure)| closure.needs.contains_key(path));
            needed || self.definition.directories.iter().any(|stated| stated == path)
        };
        decision.prune(&entries, &kept, names);
        self.links(&entries, &mut decision);
        decision.budgets(&entries, names, &self.definition.budgets);
        problems.append(&mut decision.problems);
        problems.sort();
        problems.dedup();
        if !problems.is_empty() {
            return Err(Error::Problems { problems });
        }
        let mut table = Table::default();
        for (path, (_, attributes)) in &decision.delivered {
            table.add(path, entries.get(path).map(|entry| &entry.what), attributes);
        }
        let merkle_root = table.merkle_root();
        let (inside, beside) = table.finish(inputs);
        let content = self.store.put_bytes(inside.as_bytes())?;
        if let Some(entry) = entries.get_mut(MANIFEST) {
            entry.what = What::File { content, executable: false };
        }
        self.going()?;
        shadowed.sort_by(|a, b| (&a.path, &a.by, &a.hidden).cmp(&(&b.path, &b.by, &b.hidden)));
        decision.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        let (closing, closure) = closed.unzip();
        let log = self.log(&entries, &decision, closure.as_ref());
        let report = Report {
            schema: 1,
            inputs: inputs.to_string(),
            merkle_root,
            deliver: self.definition.deliver,
            entries: decision.delivered.len(),
            bytes: log.iter().filter_map(|line| line.size).sum(),
            components: self.sizes(&entries, &decision, closure.as_ref()),
            shadowed,
            closure: closing,
            undelivered: std::mem::take(&mut decision.left_out),
        };
        let [manifest, pack_log, told, root] = COMPOSED;
        let mut tree = TreeBuilder::new(self.store);
        tree.tree(root, self.root(&entries, &decision)?)?;
        tree.file(manifest, 0o644, &mut beside.as_bytes())?;
        tree.file(pack_log, 0o644, &mut lines_of(&log).as_bytes())?;
        tree.file(told, 0o644, &mut pretty(&report).as_bytes())?;
        Ok(Composed { output: tree.finish()?, made: self.made(&entries, &decision), report })
    }

    fn going(&self) -> Result<(), Error> {
        if self.cancel.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// All layers, one over the other.
    fn layers(&self, stamp: &Stamp<'_>, inputs: Digest) -> Result<Layers<'_>, Error> {
        let definition = self.definition;
        let mut layers = Layers::new(self.store, &definition.components, &definition.wins);
        for (number, name) in definition.components.iter().enumerate() {
            // The definition was checked when it was read: each component is an input.
            if let Some(tree) = self.inputs.get(name) {
                layers.tree(*tree, &From::Component(number))?;
            }
            self.going()?;
        }
        for path in &definition.directories {
            layers.state(path, What::Folder, &From::Stated);
        }
        for (path, target) in &definition.links {
            layers.state(path, What::Link(target.clone()), &From::Stated);
        }
        for (path, file) in &definition.templates {
            match self.template(file, inputs)? {
                Ok(what) => layers.state(path, what, &From::Template(file.clone())),
                Err(problem) => layers.problems.push(problem),
            }
        }
        for folder in &definition.overlays {
            match self.store.subtree(self.folder, folder)? {
                Some(tree) => layers.tree(tree, &From::Overlay(folder.clone()))?,
                None => layers.problems.push(Problem::Own { what: "folder", path: folder.clone() }),
            }
        }
        let made = |text: &str| -> Result<What, Error> {
            Ok(What::File { content: self.store.put_bytes(text.as_bytes())?, executable: false })
        };
        layers.state(RELEASE, made(&stamp.text())?, &From::Made);
        // Its content is known when all else is.
        layers.state(MANIFEST, made("")?, &From::Made);
        Ok(layers)
    }

    /// A file of the stage's own folder: its content, and whether it is executable.
    fn own(&self, path: &str) -> Result<Option<(Digest, bool)>, Error> {
        let Some(folder) = self.store.subtree(self.folder, parent(path))? else { return Ok(None) };
        let name = path.rsplit('/').next().unwrap_or(path);
        let found = self.store.directory(folder)?.files.into_iter().find(|file| file.name == name);
        let damaged = |_| Error::Damaged { layer: self.stage.to_owned() };
        found.map(|file| Ok((file.content().map_err(damaged)?, file.mode() & 0o100 != 0))).transpose()
    }

    fn template(&self, file: &str, inputs: Digest) -> Result<Result<What, Problem>, Error> {
        let Some((content, executable)) = self.own(file)? else {
            return Ok(Err(Problem::Own { what: "file", path: file.to_owned() }));
        };
        let wrong = |reason: String| Ok(Err(Problem::Template { file: file.to_owned(), reason }));
        let Ok(text) = String::from_utf8(self.store.get_bytes(content)?) else {
            return wrong("it is not UTF-8".to_owned());
        };
        let filled = fill(&text, &|name| match name {
            "inputs" => Some(inputs.to_string()),
            "stamp" => Some(inputs.short()),
            _ => self.params.get(name).cloned(),
        });
        match filled {
            Ok(text) => Ok(Ok(What::File { content: self.store.put_bytes(text.as_bytes())?, executable })),
            Err(name) => wrong(format!("`{{{name}}}` stands for nothing")),
        }
    }

    /// Users or groups of the image; none without the file.
    fn ids(&self, entries: &BTreeMap<String, Entry>, path: &str) -> Result<Ids, Error> {
        let Found::At(path) = loader::resolve(entries, path, &mut |_| ()) else { return Ok(Ids::default()) };
        match entries.get(&path).map(|entry| &entry.what) {
            Some(What::File { content, .. }) => {
                Ok(Ids::read(&String::from_utf8_lossy(&self.store.get_bytes(*content)?)))
            }
            _ => Ok(Ids::default()),
        }
    }

    fn manifests(&self, reader: &mut Reader<'_>, problems: &mut Vec<Problem>) -> Result<(), Error> {
        let definition = self.definition;
        let number = |name: &String| definition.components.iter().position(|known| known == name);
        let all = definition.manifests.iter().map(|file| (file, None));
        let bound = definition.component_manifests.iter().map(|(name, file)| (file, number(name)));
        for (file, component) in all.chain(bound) {
            match self.own(file)? {
                Some((content, _)) => {
                    reader.read(file, &String::from_utf8_lossy(&self.store.get_bytes(content)?), component);
                }
                None => problems.push(Problem::Own { what: "file", path: file.clone() }),
            }
        }
        Ok(())
    }

    /// What is needed, if the definition asks for it; and what components are said to need of each other.
    fn close(
        &self,
        entries: &BTreeMap<String, Entry>,
        decision: &mut Decision<'_>,
    ) -> Result<Option<(Closing, Closure)>, Error> {
        let definition = self.definition;
        if !definition.closes() {
            return Ok(None);
        }
        let may_miss = self.may_miss();
        let (closing, closure) = close(self.store, definition, entries, decision, &may_miss)?;
        let found = between(entries, &definition.components, &closure);
        check(&definition.needs, &found, &mut decision.problems);
        self.going()?;
        Ok(Some((closing, closure)))
    }

    /// Whether a path or a name may be missing: said so, or in a directory that is filled when the system runs.
    fn may_miss(&self) -> impl Fn(&str) -> bool {
        let filled = |missing: &str| {
            let below =
                |folder: &String| missing.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
            self.definition.directories.iter().any(below)
        };
        let globs: Vec<_> = self.definition.may_miss.iter().filter_map(|glob| matcher(glob)).collect();
        move |missing| filled(missing) || globs.iter().any(|glob| glob.is_match(missing))
    }

    /// Links that lead nowhere, but for those into directories that are filled when the system runs.
    fn links(&self, entries: &BTreeMap<String, Entry>, decision: &mut Decision<'_>) {
        let delivered = Delivered { entries, decision };
        let may_miss = self.may_miss();
        let mut dangling = Vec::new();
        for (path, entry) in entries.iter().filter(|(path, _)| decision.delivered.contains_key(*path)) {
            let What::Link(target) = &entry.what else { continue };
            let reason = match loader::resolve(&delivered, path, &mut |_| ()) {
                Found::At(_) => continue,
                Found::Missing(missing) if may_miss(&missing) => continue,
                Found::Missing(missing) => format!("there is no `/{missing}`"),
                Found::Loop => "round in circles".to_owned(),
            };
            let from = layer(&entry.from, &self.definition.components);
            dangling.push(Problem::Dangling { path: path.clone(), target: target.clone(), from, reason });
        }
        decision.problems.append(&mut dangling);
    }

    fn root(&self, entries: &BTreeMap<String, Entry>, decision: &Decision<'_>) -> Result<Digest, Error> {
        let mut tree = TreeBuilder::new(self.store);
        for path in decision.delivered.keys().filter(|path| !path.is_empty()) {
            match entries.get(path).map(|entry| &entry.what) {
                Some(What::Folder) => tree.mkdir(path)?,
                Some(What::File { content, executable }) => {
                    tree.blob(path, if *executable { 0o755 } else { 0o644 }, *content)?;
                }
                Some(What::Link(target)) => tree.symlink(path, target)?,
                // A tree holds no devices: the table has them.
                None => {}
            }
        }
        Ok(tree.finish()?)
    }

    fn log(
        &self,
        entries: &BTreeMap<String, Entry>,
        decision: &Decision<'_>,
        closure: Option<&Closure>,
    ) -> Vec<LogLine> {
        let names = &self.definition.components;
        let lines = decision.delivered.iter().map(|(path, (line, attributes))| {
            let entry = entries.get(path);
            let (size, sha256, target) = match entry.map(|entry| &entry.what) {
                Some(What::File { content, .. }) => (Some(content.size), Some(content.hex()), None),
                Some(What::Link(target)) => (None, None, Some(target.clone())),
                _ => (None, None, None),
            };
            let stage = match entry.map(|entry| &entry.from) {
                Some(From::Component(number)) => names[*number].clone(),
                _ => self.stage.to_owned(),
            };
            LogLine {
                path: format!("/{path}"),
                kind: attributes.kind.to_owned(),
                mode: format!("{:04o}", attributes.mode),
                owner: attributes.owner.name.clone(),
                group: attributes.group.name.clone(),
                uid: attributes.owner.number,
                gid: attributes.group.number,
                size,
                sha256,
                target,
                device: attributes.device.map(|(major, minor)| format!("{major}:{minor}")),
                capabilities: attributes.capabilities.as_ref().map(|(words, _)| words.clone()),
                stage,
                source: entry.map_or_else(|| line.place.clone(), |entry| place(&entry.from, names, path)),
                line: line.place.clone(),
                needed: closure.and_then(|closure| reason(closure, path)),
            }
        });
        lines.collect()
    }

    fn sizes(
        &self,
        entries: &BTreeMap<String, Entry>,
        decision: &Decision<'_>,
        closure: Option<&Closure>,
    ) -> Vec<ComponentSize> {
        let names = &self.definition.components;
        let mut sizes: BTreeMap<String, (usize, u64)> = names.iter().map(|name| (name.clone(), (0, 0))).collect();
        for path in decision.delivered.keys() {
            let Some(entry) = entries.get(path) else { continue };
            let size = sizes.entry(layer(&entry.from, names)).or_default();
            size.0 += 1;
            if let What::File { content, .. } = &entry.what {
                size.1 += content.size;
            }
        }
        let budget = |name: &String| self.definition.budgets.get(name).copied();
        let found = closure.map(|closure| between(entries, names, closure)).unwrap_or_default();
        let needs = |name: &String| found.get(name).map(|needs| needs.keys().cloned().collect()).unwrap_or_default();
        let size = |(name, (entries, bytes)): (String, (usize, u64))| ComponentSize {
            budget: budget(&name),
            needs: needs(&name),
            name,
            entries,
            bytes,
        };
        let mut sizes: Vec<ComponentSize> = sizes.into_iter().map(size).collect();
        sizes.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        sizes
    }

    /// How the files came to be, for the trace.
    fn made(&self, entries: &BTreeMap<String, Entry>, decision: &Decision<'_>) -> Vec<Made> {
        let definition = self.definition;
        let [manifest, pack_log, told, root] = COMPOSED;
        let mut made = Vec::new();
        let mut all = Vec::new();
        for (path, entry) in entries.iter().filter(|(path, _)| decision.delivered.contains_key(*path)) {
            if !matches!(entry.what, What::File { .. }) || entry.from == From::Made {
                continue;
            }
            let from = place(&entry.from, &definition.components, path);
            all.push(from.clone());
            made.push(Made { path: format!("{root}/{path}"), from: vec![from] });
        }
        let manifests = definition.manifests.iter().chain(definition.component_manifests.values());
        all.extend(manifests.map(|file| format!("/stage/{file}")));
        for path in [manifest, pack_log, told, &format!("{root}/{MANIFEST}"), &format!("{root}/{RELEASE}")] {
            made.push(Made { path: path.to_owned(), from: all.clone() });
        }
        made
    }
}

/// What is delivered, as links see it.
struct Delivered<'a, 'l> {
    entries: &'a BTreeMap<String, Entry>,
    decision: &'a Decision<'l>,
}

impl loader::Tree for Delivered<'_, '_> {
    fn kind(&self, path: &str) -> Option<loader::Kind<'_>> {
        self.decision.delivered.get(path)?;
        Some(self.entries.kind(path).unwrap_or(loader::Kind::Special))
    }
}

/// The first reason why a path is needed, in words.
fn reason(closure: &Closure, path: &str) -> Option<String> {
    let need = closure.needs.get(path)?.first()?;
    Some(if need.by.is_empty() { need.why.clone() } else { format!("by /{}: {}", need.by, need.why) })
}

/// One JSON object a line.
fn lines_of<T: Serialize>(items: &[T]) -> String {
    let line = |item| serde_json::to_string(item).expect("it is strings and numbers") + "\n";
    items.iter().map(line).collect()
}

fn pretty<T: Serialize>(item: &T) -> String {
    serde_json::to_string_pretty(item).expect("it is strings and numbers") + "\n"
}
