//! From a project's folder to a [`Graph`], or to all its mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::files::{self, FileKind, FilesError};
use super::graph::{Graph, Parts};
use super::mistake::{Mistake, Mistakes, did_you_mean};
use super::model::{InputRef, SourceDef};
use super::order;
use super::params::ParamValues;
use super::parse::{self, Parsed};
use super::parse_sysroot::{self, Read};
use super::sysroot::{ArchiveDef, SysrootDef};
use super::values;

/// More readers than this do not help: the files are small and in the page cache.
const READERS: usize = 8;

/// Hints for unknown names are looked for this often; each costs a walk over all names.
const SUGGESTIONS: usize = 200;

impl Graph {
    /// Reads `stages/` and `sysroots/` of the project at `root`.
    ///
    /// # Errors
    /// Everything that is wrong in any file, in one list.
    pub fn load(root: &Path, params: &ParamValues) -> Result<Self, Mistakes> {
        let mut mistakes = Vec::new();
        let names = stage_names(root, &mut mistakes);
        let (stages, excluded) = present(read_stages(root, &names, params, &mut mistakes));
        if params.folder().is_none() {
            mistakes.extend(in_the_way(&stages));
        }
        let sources = one_file(root, "stages/sources.toml", parse::sources, &mut mistakes);
        let (sysroots, archives, known) = sysroots(root, &mut mistakes);
        let names: BTreeSet<String> = names.into_iter().collect();
        let scope =
            Scope { stages: &stages, names: &names, excluded: &excluded, sysroots: &known, sources: sources.as_ref() };
        scope.check(&mut mistakes);
        let needs = needs(&stages);
        let order = match order::topological(&needs) {
            Ok(order) => order,
            Err(cycles) => {
                mistakes.extend(cycles.iter().map(|cycle| cycle_mistake(cycle, &stages)));
                Vec::new()
            }
        };
        if !mistakes.is_empty() {
            return Err(Mistakes::new(mistakes));
        }
        let stages = stages.into_iter().map(|(_, _, parsed)| parsed.stage).collect();
        let (sources, archives) = (sources.unwrap_or_default(), archives.unwrap_or_default());
        let params = params.clone();
        let root = root.to_owned();
        Ok(Self::from_parts(Parts { root, params, stages, excluded, needs, order, sources, sysroots, archives }))
    }
}

/// The stages that there are for the parameters' values, and why there are no others.
fn present(read: Vec<Read<Parsed>>) -> (Vec<Read<Parsed>>, BTreeMap<String, String>) {
    let mut excluded = BTreeMap::new();
    let mut stages = read;
    stages.retain_mut(|(_, _, parsed)| {
        let reason = parsed.excluded.take();
        let there = reason.is_none();
        excluded.extend(reason.map(|reason| (parsed.stage.name.clone(), reason)));
        there
    });
    (stages, excluded)
}

/// Stages whose results would stand in `out/` where those of other values of the parameters have their folder.
fn in_the_way(stages: &[Read<Parsed>]) -> Vec<Mistake> {
    let folders: BTreeSet<String> = ParamValues::all().iter().filter_map(ParamValues::folder).collect();
    let mistake = |(file, _, parsed): &Read<Parsed>| {
        let name = &parsed.stage.name;
        let help =
            || Some(format!("give its folder another name; `out/{name}` is for what is built with other parameters"));
        folders.contains(name).then(|| Mistake::whole(file, format!("no stage can be called `{name}`"), help()))
    };
    stages.iter().filter_map(mistake).collect()
}

/// A mistake for an error of the file system; its text names the path.
fn unreadable(file: &str, error: &FilesError) -> Mistake {
    let reason = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    Mistake::whole(file, format!("cannot {error}{reason}"), error.hint())
}

/// Names of the stages' folders, sorted.
fn stage_names(root: &Path, mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let entries = match files::entries(&root.join("stages")) {
        Ok(entries) => entries,
        Err(error) => {
            let mut mistake = unreadable("stages", &error);
            mistake.help = Some("a project has a folder `stages`; name another project with -C DIR".to_owned());
            mistakes.push(mistake);
            return Vec::new();
        }
    };
    let mut names = Vec::new();
    for (name, path, file_type) in entries.into_iter().filter(|(_, _, file_type)| !file_type.is_file()) {
        let file = format!("stages/{}", path.file_name().unwrap_or_default().to_string_lossy());
        match name {
            Some(name) if name.starts_with('.') => {}
            Some(name) if file_type.is_dir() => match values::name(&name) {
                Ok(()) => names.push(name),
                Err(wrong) => mistakes.push(Mistake::whole(&file, wrong.message, wrong.help)),
            },
            Some(_) => {
                mistakes.push(Mistake::whole(&file, "not a folder", Some("a stage is a plain folder".to_owned())))
            }
            None => mistakes.push(unreadable(&file, &FilesError::Name { path })),
        }
    }
    names
}

/// A definition file's text, or a mistake; none without a mistake if there is no such file.
fn text(root: &Path, file: &str, mistakes: &mut Vec<Mistake>) -> Option<String> {
    let bytes = files::definition(&root.join(file)).map_err(|error| mistakes.push(unreadable(file, &error))).ok()??;
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            mistakes.push(Mistake::at(file, &text, &(at..at + 1), "not UTF-8", None));
            None
        }
    }
}

/// Reads all stages with a few threads. The result is in the order of `names`, whatever the threads do.
fn read_stages(root: &Path, names: &[String], params: &ParamValues, mistakes: &mut Vec<Mistake>) -> Vec<Read<Parsed>> {
    let next = AtomicUsize::new(0);
    let collected = Mutex::new((Vec::with_capacity(names.len()), Vec::new()));
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS).min(names.len());
    let read = || {
        let (mut stages, mut wrong) = (Vec::new(), Vec::new());
        while let Some((at, name)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, names.get(at)?)))
        {
            if let Some(stage) = read_stage(root, name, params, &mut wrong) {
                stages.push((at, stage));
            }
        }
        let mut all = collected.lock().expect("no reader panics while it holds the lock");
        all.0.append(&mut stages);
        all.1.append(&mut wrong);
    };
    std::thread::scope(|scope| {
        (1..readers).for_each(|_| drop(scope.spawn(read)));
        read();
    });
    let (mut stages, mut wrong) = collected.into_inner().expect("no reader panics while it holds the lock");
    mistakes.append(&mut wrong);
    stages.sort_unstable_by_key(|(at, _)| *at);
    stages.into_iter().map(|(_, stage)| stage).collect()
}

fn read_stage(root: &Path, name: &str, params: &ParamValues, mistakes: &mut Vec<Mistake>) -> Option<Read<Parsed>> {
    let folder = format!("stages/{name}");
    let file = format!("{folder}/stage.toml");
    let before = mistakes.len();
    let Some(text) = text(root, &file, mistakes) else {
        if mistakes.len() == before {
            let help = Some("add it, or take the folder away".to_owned());
            mistakes.push(Mistake::whole(&folder, "a stage's folder without `stage.toml`", help));
        }
        return None;
    };
    let (parsed, wrong) = parse::stage(name, &file, &text, params);
    mistakes.extend(wrong);
    let files = match files::stage_tree_files(&root.join(&folder)) {
        Ok(files) => files,
        Err(error) => {
            mistakes.push(unreadable(&folder, &error));
            return parsed.map(|parsed| (file, text, parsed));
        }
    };
    let parsed = parsed?;
    if !parsed.stage.images.is_empty() {
        return Some((file, text, parsed));
    }
    if let Some(root) = &parsed.stage.root {
        let there = |name: &str| {
            files
                .iter()
                .any(|file| file.path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        for (key, name) in root.takes().into_iter().filter(|(_, name)| !there(name)) {
            let help = did_you_mean(name, files.iter().map(|file| file.path.as_str()));
            mistakes.push(Mistake::whole(&file, format!("`{name}` of `{key}` is not in the stage's folder"), help));
        }
        return Some((file, text, parsed));
    }
    let script = &parsed.stage.script;
    let there = files.binary_search_by(|entry| entry.path.as_str().cmp(script)).is_ok();
    if !there {
        let plain = files.iter().filter(|entry| matches!(entry.kind, FileKind::File { .. }));
        let help = did_you_mean(script, plain.map(|entry| entry.path.as_str()))
            .unwrap_or_else(|| format!("write `{folder}/{script}`, or name another file by `script`"));
        let message = format!("script `{script}` is not in the stage's folder");
        mistakes.push(match &parsed.script {
            Some(span) => Mistake::at(&file, &text, span, message, Some(help)),
            None => Mistake::whole(&file, message, Some(help)),
        });
    }
    Some((file, text, parsed))
}

/// From the name of a file and its text to what it defines.
type Parse<T> = fn(&str, &str) -> (Option<T>, Vec<Mistake>);

/// Reads a file that may be missing.
fn one_file<T>(root: &Path, file: &str, parse: Parse<T>, mistakes: &mut Vec<Mistake>) -> Option<T>
where
    T: Default,
{
    let before = mistakes.len();
    let Some(text) = text(root, file, mistakes) else {
        // A file that is not there defines nothing; of one that cannot be read nobody knows what it defines.
        return (mistakes.len() == before).then(T::default);
    };
    let (parsed, wrong) = parse(file, &text);
    mistakes.extend(wrong);
    parsed
}

type Sysroots = (BTreeMap<String, SysrootDef>, Option<BTreeMap<String, ArchiveDef>>, BTreeSet<String>);

/// All sysroot definitions, the archives, and the names of all definition files.
fn sysroots(root: &Path, mistakes: &mut Vec<Mistake>) -> Sysroots {
    let archives = one_file(root, "sysroots/archives.toml", parse_sysroot::archives, mistakes);
    let folder = root.join("sysroots");
    let entries = if folder.exists() { files::entries(&folder) } else { Ok(Vec::new()) };
    let entries = entries.unwrap_or_else(|error| {
        mistakes.push(unreadable("sysroots", &error));
        Vec::new()
    });
    let mut parsed = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (name, _, _) in entries {
        let Some(name) = name.as_deref().and_then(|name| name.strip_suffix(".toml")) else { continue };
        if name == "archives" {
            continue;
        }
        let file = format!("sysroots/{name}.toml");
        if let Err(wrong) = values::name(name) {
            mistakes.push(Mistake::whole(&file, wrong.message, wrong.help));
            continue;
        }
        known.insert(name.to_owned());
        let Some(text) = text(root, &file, mistakes) else { continue };
        let (one, wrong) = parse_sysroot::sysroot(name, &file, &text);
        mistakes.extend(wrong);
        if let Some(one) = one {
            parsed.insert(name.to_owned(), (file, text, one));
        }
    }
    (parse_sysroot::resolve(&parsed, &known, archives.as_ref(), mistakes), archives, known)
}

/// What names can refer to.
struct Scope<'a> {
    /// The stages that were read, sorted by name.
    stages: &'a [Read<Parsed>],
    /// All stages.
    names: &'a BTreeSet<String>,
    /// Why there are stages that are not there.
    excluded: &'a BTreeMap<String, String>,
    sysroots: &'a BTreeSet<String>,
    /// None if the file could not be read: then no name is wrong.
    sources: Option<&'a BTreeMap<String, SourceDef>>,
}

impl Scope<'_> {
    fn check(&self, mistakes: &mut Vec<Mistake>) {
        let mut searches = 0;
        let mut suggest = |word: &str, names: &mut dyn Iterator<Item = &str>| {
            searches += 1;
            if searches > SUGGESTIONS { None } else { did_you_mean(word, names) }
        };
        for (file, text, parsed) in self.stages {
            for at in &parsed.refs {
                let wrong = match &at.value {
                    InputRef::Sysroot(name) if !self.sysroots.contains(name) => Some((
                        format!("there is no sysroot `{name}`"),
                        suggest(name, &mut self.sysroots.iter().map(String::as_str)).or_else(|| {
                            self.names.contains(name).then(|| format!("`{name}` is a stage: `stage:{name}`"))
                        }),
                    )),
                    InputRef::Stage { name, .. } if !self.names.contains(name) => Some((
                        format!("there is no stage `{name}`"),
                        suggest(name, &mut self.names.iter().map(String::as_str)).or_else(|| {
                            self.sysroots.contains(name).then(|| format!("`{name}` is a sysroot: `sysroot:{name}`"))
                        }),
                    )),
                    InputRef::Stage { name, .. } if self.excluded.contains_key(name) => Some((
                        format!("there is no stage `{name}` here: {}", self.excluded[name]),
                        Some("take it in `[when.PARAMETER.VALUE]`".to_owned()),
                    )),
                    InputRef::Stage { name, path } => self.output(name, path),
                    InputRef::Sysroot(_) => None,
                };
                if let Some((message, help)) = wrong {
                    mistakes.push(Mistake::at(file, text, &at.span, message, help));
                }
            }
            let Some(sources) = self.sources else { continue };
            for at in parsed.sources.iter().filter(|at| !sources.contains_key(&at.value)) {
                let message = format!("there is no source `{}`", at.value.escape_debug());
                let help = suggest(&at.value, &mut sources.keys().map(String::as_str))
                    .or_else(|| Some("sources are defined in `stages/sources.toml`".to_owned()));
                mistakes.push(Mistake::at(file, text, &at.span, message, help));
            }
        }
    }

    /// What is wrong with taking `path` of the output of stage `name`.
    fn output(&self, name: &str, path: &str) -> Option<(String, Option<String>)> {
        let at = self.stages.binary_search_by(|(_, _, parsed)| parsed.stage.name.as_str().cmp(name)).ok()?;
        let stage = &self.stages[at].2.stage;
        if stage.test {
            let help = "take out `test = true` there, or this input here".to_owned();
            return Some((format!("stage `{name}` is a test, nothing may depend on it"), Some(help)));
        }
        let outputs = stage.outputs.as_ref().filter(|_| !path.is_empty())?;
        let first = path.split('/').next().unwrap_or(path);
        if outputs.iter().any(|output| output == first) {
            return None;
        }
        let help = did_you_mean(first, outputs.iter().map(String::as_str))
            .unwrap_or_else(|| format!("its outputs are: {}", outputs.join(", ")));
        Some((format!("stage `{name}` has no output `{first}`"), Some(help)))
    }
}

/// For each stage the numbers of the stages that it needs, sorted, each once.
fn needs(stages: &[Read<Parsed>]) -> Vec<Vec<usize>> {
    let number = |name: &str| stages.binary_search_by(|(_, _, parsed)| parsed.stage.name.as_str().cmp(name)).ok();
    let of = |parsed: &Parsed| {
        let mut list: Vec<usize> = parsed.refs.iter().filter_map(|at| number(at.value.stage()?)).collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    stages.iter().map(|(_, _, parsed)| of(parsed)).collect()
}

fn cycle_mistake(cycle: &[usize], stages: &[Read<Parsed>]) -> Mistake {
    let name = |node: &usize| stages[*node].2.stage.name.as_str();
    let (file, text, parsed) = &stages[cycle[0]];
    let next = name(&cycle[1 % cycle.len()]);
    let span = parsed.refs.iter().find(|at| at.value.stage() == Some(next)).map_or(0..0, |at| at.span.clone());
    let message = if cycle.len() == 1 {
        format!("stage `{next}` needs itself")
    } else {
        let way: Vec<String> = cycle.iter().chain([&cycle[0]]).map(|node| format!("`{}`", name(node))).collect();
        format!("stages need each other: {}", way.join(" -> "))
    };
    Mistake::at(file, text, &span, message, Some("take one of these inputs out".to_owned()))
}
