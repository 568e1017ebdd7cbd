//! `stage.toml` and `sources.toml`: from text to types.

use std::collections::BTreeMap;
use std::ops::Range;

use super::level::Level;
use super::mistake::{Mistake, did_you_mean};
use super::model::{InputRef, Limits, SourceDef, SourceUse, Stage, Win};
use super::params::{self, ParamValues};
use super::parse_image::images;
use super::parse_root::root;
use super::parse_when;
use super::reader::{At, Doc, Fields};
use super::root::COMPOSED;
use super::values::{self, Wrong};

/// A stage with the places of what only the whole graph can check.
pub(super) struct Parsed {
    pub stage: Stage,
    /// References to other stages and sysroots.
    pub refs: Vec<At<InputRef>>,
    /// Names of sources.
    pub sources: Vec<At<String>>,
    /// Where `script` stands, if it does.
    pub script: Option<Range<usize>>,
    /// Why there is no such stage for the parameters' values, if there is none.
    pub excluded: Option<String>,
}

/// Keys of the tables, which the schema must have too.
pub(super) const STAGE: &[&str] = &[
    "schema",
    "summary",
    "params",
    "tools",
    "target",
    "inputs",
    "script",
    "shell",
    "outputs",
    "test",
    "sources",
    "env",
    "wins",
    "level",
    "image",
    "root",
    "limits",
    "only",
    "on-demand",
    "when",
];
pub(super) const SOURCE_USE: &[&str] = &["writable", "inner", "unpack"];
pub(super) const WIN: &[&str] = &["path", "input"];
pub(super) const LIMITS: &[&str] = &["time", "silence", "processes", "memory", "scratch", "inodes", "size"];
pub(super) const SOURCE_DEF: &[&str] = &["version", "license", "urls"];

/// Substitutes parameters and notes those that are unknown or not declared.
pub(super) struct Template<'p> {
    values: &'p ParamValues,
    declared: Vec<String>,
}

impl Template<'_> {
    fn expand(&self, doc: &Doc<'_>, text: &At<String>) -> Option<String> {
        let result = values::expand(&text.value, |name| match self.values.get(name) {
            None => Err(Wrong {
                message: format!("`{{{name}}}` is no parameter"),
                help: did_you_mean(name, params::names()),
            }),
            Some(_) if !self.declared.iter().any(|declared| declared == name) => Err(Wrong {
                message: format!("`{{{name}}}` is not among the stage's parameters"),
                help: Some(format!("add \"{name}\" to `params`")),
            }),
            Some(value) => Ok(value.to_owned()),
        });
        let result = doc.take(&text.span, result)?;
        if result.contains('\0') {
            doc.wrong(&text.span, "a string holds a NUL", None);
            return None;
        }
        Some(result)
    }

    pub(super) fn all(&self, doc: &Doc<'_>, list: Vec<At<String>>) -> Vec<At<String>> {
        let one = |item: At<String>| self.expand(doc, &item).map(|value| At { value, span: item.span });
        list.into_iter().filter_map(one).collect()
    }

    pub(super) fn get(&self, fields: &Fields<'_, '_>, key: &str) -> Option<At<String>> {
        let found = fields.string(key)?;
        Some(At { value: self.expand(fields.doc, &found)?, span: found.span })
    }
}

/// Reads one stage. Without a result the text was no TOML; with one, fields that were wrong have their defaults.
pub(super) fn stage(name: &str, file: &str, text: &str, values: &ParamValues) -> (Option<Parsed>, Vec<Mistake>) {
    let doc = Doc::new(file, text);
    let parsed = doc.parse().map(|mut table| {
        parse_when::select(&doc, &mut table, values);
        read_stage(name, &Fields::new(&doc, &table, 0..0), values)
    });
    (parsed, doc.finish())
}

fn read_stage(name: &str, fields: &Fields<'_, '_>, values: &ParamValues) -> Parsed {
    let doc = fields.doc;
    fields.only(STAGE);
    fields.schema();
    let summary = fields.required("summary", "summary = \"what the stage makes\"").map(|found| found.value);
    let template = Template { values, declared: declared(fields, values) };
    let mut refs = Vec::new();
    let mut layers = |key: &str| -> Vec<At<InputRef>> {
        let list = template.all(doc, fields.set(key));
        let list: Vec<_> = list
            .into_iter()
            .filter_map(|At { value, span }| doc.take(&span, values::input_ref(&value)).map(|value| At { value, span }))
            .collect();
        refs.extend(list.iter().cloned());
        list
    };
    let (tools, target, mut inputs) = (layers("tools"), layers("target"), layers("inputs"));
    inputs.sort_by(|a, b| a.value.name().cmp(b.value.name()));
    for pair in inputs.windows(2).filter(|pair| pair[0].value.name() == pair[1].value.name()) {
        let message =
            format!("`{}` and `{}` would both be at `/in/{}`", pair[0].value, pair[1].value, pair[0].value.name());
        doc.wrong(&pair[1].span, message, Some("take the whole tree once".to_owned()));
    }
    let images = images(fields, &template, &inputs);
    let root = root(fields, &template, &inputs);
    if tools.is_empty() && !fields.has("tools") && !fields.has("image") && !fields.has("root") {
        fields.missing("tools", "tools = [\"sysroot:NAME\"]");
    }
    let script = template.get(fields, "script");
    let script_span = script.as_ref().map(|script| script.span.clone());
    let script = script.filter(|script| doc.take(&script.span, values::relative_path(&script.value)).is_some());
    let stage = Stage {
        name: name.to_owned(),
        summary: summary.unwrap_or_default(),
        script: script.map_or_else(|| "build.sh".to_owned(), |script| script.value),
        shell: shell(fields, &template),
        outputs: match (&root, images.is_empty()) {
            (Some(_), _) => Some(COMPOSED.map(str::to_owned).to_vec()),
            (None, false) => Some(images.keys().cloned().collect()),
            (None, true) => outputs(fields, &template),
        },
        images,
        root,
        test: fields.boolean("test").unwrap_or(false),
        on_demand: fields.boolean("on-demand").unwrap_or(false),
        env: environment(fields, &template),
        wins: wins(fields, &template, &tools, &target),
        level: level(fields),
        limits: limits(fields),
        sources: BTreeMap::new(),
        tools: tools.into_iter().map(|layer| layer.value).collect(),
        target: target.into_iter().map(|layer| layer.value).collect(),
        inputs: inputs.into_iter().map(|layer| layer.value).collect(),
        params: template.declared.clone(),
    };
    let excluded = parse_when::excluded(fields, values);
    let mut parsed = Parsed { stage, refs, sources: Vec::new(), script: script_span, excluded };
    if let Some(table) = fields.table("sources") {
        for key in table.keys("") {
            if let Some(entry) = table.table(&key.value) {
                parsed.stage.sources.insert(key.value.clone(), source_use(&entry, &template));
                parsed.sources.push(key);
            }
        }
    }
    parsed
}

fn declared(fields: &Fields<'_, '_>, values: &ParamValues) -> Vec<String> {
    let mut declared = Vec::new();
    for item in fields.set("params") {
        if values.get(&item.value).is_some() {
            declared.push(item.value);
        } else {
            let help = did_you_mean(&item.value, params::names())
                .unwrap_or_else(|| format!("parameters are: {}", params::names().collect::<Vec<_>>().join(", ")));
            let message = format!("there is no parameter `{}`", item.value.escape_debug());
            fields.doc.wrong(&item.span, message, Some(help));
        }
    }
    declared.sort();
    declared
}

fn shell(fields: &Fields<'_, '_>, template: &Template<'_>) -> Vec<String> {
    let list = template.all(fields.doc, fields.strings("shell"));
    if !fields.has("shell") {
        return vec!["/bin/sh".to_owned(), "-eu".to_owned()];
    }
    match list.first() {
        Some(program) if !program.value.starts_with('/') => fields.doc.wrong(
            &program.span,
            format!("`{}` is no absolute path", program.value.escape_debug()),
            Some("name the program by its path inside the stage, such as `/bin/sh`".to_owned()),
        ),
        None => {
            fields.doc.wrong(&fields.span, "`shell` names no program", Some("leave it out for /bin/sh -eu".to_owned()))
        }
        _ => {}
    }
    list.into_iter().map(|item| item.value).collect()
}

fn outputs(fields: &Fields<'_, '_>, template: &Template<'_>) -> Option<Vec<String>> {
    if !fields.has("outputs") {
        return None;
    }
    let mut names = Vec::new();
    for item in template.all(fields.doc, fields.set("outputs")) {
        let result = values::relative_path(&item.value).and_then(|()| {
            if item.value.contains('/') {
                return Wrong::new(format!("`{}` is not at the top of /out", item.value), Some("name its first part"));
            }
            Ok(())
        });
        if fields.doc.take(&item.span, result).is_some() {
            names.push(item.value);
        }
    }
    names.sort();
    Some(names)
}

fn environment(fields: &Fields<'_, '_>, template: &Template<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let Some(table) = fields.table("env") else { return env };
    for key in table.keys("") {
        let result = values::variable(&key.value).and_then(|()| match key.value.as_str() {
            "MAKEFLAGS" => Wrong::new("`MAKEFLAGS` is not for stages to set", Some("make finds the jobserver in it")),
            name if name.starts_with("REPRO_") => {
                Wrong::new(format!("`{name}` is not for stages to set"), Some("it comes from the stage's `params`"))
            }
            _ => Ok(()),
        });
        if fields.doc.take(&key.span, result).is_some()
            && let Some(value) = template.get(&table, &key.value)
        {
            env.insert(key.value, value.value);
        }
    }
    env
}

fn source_use(fields: &Fields<'_, '_>, template: &Template<'_>) -> SourceUse {
    fields.only(SOURCE_USE);
    let unpack = fields.boolean("unpack").unwrap_or(true);
    let inner = template.get(fields, "inner").and_then(|inner| {
        fields.doc.take(&inner.span, values::relative_path(&inner.value))?;
        if !unpack {
            let help = Some("drop one of `inner` and `unpack`".to_owned());
            fields.doc.wrong(&inner.span, "`inner` means nothing when `unpack` is false", help);
        }
        Some(inner.value)
    });
    SourceUse { writable: fields.boolean("writable").unwrap_or(false), inner, unpack }
}

fn wins(fields: &Fields<'_, '_>, template: &Template<'_>, tools: &[At<InputRef>], target: &[At<InputRef>]) -> Vec<Win> {
    let mut wins = Vec::new();
    for entry in fields.tables("wins") {
        entry.only(WIN);
        for (key, example) in [("path", "path = \"usr/include/**\""), ("input", "input = \"stage:NAME\"")] {
            if !entry.has(key) {
                entry.missing(key, example);
            }
        }
        let path =
            template.get(&entry, "path").filter(|at| entry.doc.take(&at.span, values::glob(&at.value)).is_some());
        let input = template.get(&entry, "input").and_then(|at| {
            let input = entry.doc.take(&at.span, values::input_ref(&at.value))?;
            if tools.iter().chain(target).any(|layer| layer.value == input) {
                return Some(input);
            }
            let layers: Vec<String> = tools.iter().chain(target).map(|layer| layer.value.to_string()).collect();
            let help = did_you_mean(&at.value, layers.iter().map(String::as_str));
            entry.doc.wrong(&at.span, format!("`{input}` is not among `tools` and `target`"), help);
            None
        });
        if let (Some(path), Some(input)) = (path, input) {
            wins.push(Win { path: path.value, input });
        }
    }
    wins
}

fn level(fields: &Fields<'_, '_>) -> Level {
    let Some(found) = fields.string("level") else { return Level::default() };
    let result = Level::parse(&found.value).ok_or_else(|| {
        let names = Level::ALL.map(Level::name);
        Wrong {
            message: format!("`{}` is no level", found.value),
            help: Some(format!("levels are {}", names.join(", "))),
        }
    });
    fields.doc.take(&found.span, result).unwrap_or_default()
}

fn limits(fields: &Fields<'_, '_>) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = fields.table("limits") else { return limits };
    table.only(LIMITS);
    for (key, place) in [("time", &mut limits.time), ("silence", &mut limits.silence)] {
        if let Some(found) = table.string(key)
            && let Some(value) = table.doc.take(&found.span, values::duration(&found.value))
        {
            *place = value;
        }
    }
    for (key, place) in [("memory", &mut limits.memory), ("scratch", &mut limits.scratch)] {
        if let Some(found) = table.string(key)
            && let Some(value) = table.doc.take(&found.span, values::size(&found.value))
        {
            *place = value;
        }
    }
    if let Some(found) = table.string("size") {
        limits.size = table.doc.take(&found.span, values::size(&found.value));
    }
    for (key, place) in [("processes", &mut limits.processes), ("inodes", &mut limits.inodes)] {
        if let Some(found) = table.integer(key) {
            *place = found.value;
        }
    }
    limits
}

/// Reads `stages/sources.toml`. Without a result the text was no TOML.
pub(super) fn sources(file: &str, text: &str) -> (Option<BTreeMap<String, SourceDef>>, Vec<Mistake>) {
    let doc = Doc::new(file, text);
    let sources = doc.parse().map(|table| read_sources(&Fields::new(&doc, &table, 0..0)));
    (sources, doc.finish())
}

fn read_sources(fields: &Fields<'_, '_>) -> BTreeMap<String, SourceDef> {
    let doc = fields.doc;
    let mut sources = BTreeMap::new();
    if fields.has("schema") {
        fields.schema();
    }
    for key in fields.keys("schema") {
        doc.take(&key.span, values::name(&key.value));
        let Some(entry) = fields.table(&key.value) else { continue };
        entry.only(SOURCE_DEF);
        let text = |field: &str, example| entry.required(field, example).map_or_else(String::new, |at| at.value);
        let urls = entry.set("urls");
        for url in &urls {
            doc.take(&url.span, values::url(&url.value));
        }
        if !entry.has("urls") || entry.is_empty_list("urls") {
            entry.missing("urls", "urls = [\"mirror://NAME/path\"]");
        }
        let definition = SourceDef {
            name: key.value.clone(),
            version: text("version", "version = \"1.0\""),
            license: text("license", "license = \"MIT\""),
            urls: urls.into_iter().map(|url| url.value).collect(),
        };
        sources.insert(key.value, definition);
    }
    sources
}
