//! A new stage.

use super::draft::Draft;
use super::error::Error;
use super::kind::Kind;
use super::shelf;
use crate::stage::{self, Graph, SourceDef};

/// What is known of a new stage.
#[derive(Debug, Clone)]
pub struct NewStage<'a> {
    /// Its name.
    pub name: &'a str,
    /// By which template.
    pub kind: Kind,
    /// One line for people; something that says the least without.
    pub summary: Option<&'a str>,
    /// The source; called like the stage without.
    pub source: Option<&'a str>,
    /// What is to be added as that source: version, licence, places. Nothing is added without places.
    pub version: Option<&'a str>,
    /// The licence, an SPDX expression.
    pub license: Option<&'a str>,
    /// The places.
    pub urls: &'a [String],
    /// Of what stage images are.
    pub of: Option<&'a str>,
}

/// A stage by a template, with all that it refers to and `graph` has not.
///
/// # Errors
/// There is such a stage or source, a name cannot be one, or something is missing.
pub fn stage(new: &NewStage<'_>, graph: &Graph) -> Result<Draft, Error> {
    let NewStage { name, kind, .. } = *new;
    stage::check_name(name).map_err(|reason| Error::Name { reason })?;
    let folder = format!("stages/{name}");
    if graph.stage(name).is_some() {
        return Err(Error::There { path: folder });
    }
    let mut draft = Draft::default();
    let mut words = vec![("name", name.to_owned())];
    let summary = new.summary.map_or_else(|| format!("{name}, by the template `{kind}`"), str::to_owned);
    words.push(("summary", quoted(&summary)));
    if kind == Kind::Image {
        words.extend(subject(new, graph)?);
    } else {
        let source = new.source.unwrap_or(name);
        add_source(&mut draft, new, source, graph)?;
        words.push(("deliver", shelf::DELIVER.trim_end().to_owned()));
        words.push(("source", source.to_owned()));
        words.push(("source-key", stage::toml_key(source)));
    }
    let template = format!("stage/{kind}/");
    for (path, text) in shelf::TEMPLATES.iter().filter(|(path, _)| path.starts_with(&template)) {
        let text = fill(text, &words);
        if path.ends_with("/stage.toml") {
            draft.closure(name, &text, Some(graph))?;
        }
        draft.file(format!("{folder}/{}", &path[template.len()..]), text);
    }
    Ok(draft)
}

/// Adds the source that was stated, or says that there is none.
fn add_source(draft: &mut Draft, new: &NewStage<'_>, name: &str, graph: &Graph) -> Result<(), Error> {
    let is_there = graph.sources().contains_key(name);
    if new.urls.is_empty() {
        return match is_there || shelf::source(name).is_some() {
            true => Ok(()),
            false => Err(Error::NoSource { stage: new.name.to_owned(), name: name.to_owned() }),
        };
    }
    if is_there {
        return Err(Error::SourceThere { name: name.to_owned() });
    }
    let source = SourceDef {
        name: name.to_owned(),
        version: new.version.unwrap_or_default().to_owned(),
        license: new.license.unwrap_or_default().to_owned(),
        urls: new.urls.to_vec(),
    };
    stage::sources_of(&source.to_toml())?;
    draft.source(&source);
    Ok(())
}

/// What images are of: a tree, with its table of owners where the stage says that it leaves one.
fn subject(new: &NewStage<'_>, graph: &Graph) -> Result<[(&'static str, String); 3], Error> {
    let of = new.of.ok_or_else(|| Error::NoSubject { stage: new.name.to_owned() })?;
    let stage = graph.find(of)?;
    let outputs = stage.outputs.as_deref().unwrap_or_default();
    let has = |output: &str| outputs.iter().any(|name| name == output);
    let tree = match has("root") && has("manifest") {
        true => format!("root = \"{of}/root\"\ntable = \"{of}/manifest\""),
        false => format!("root = \"{of}\""),
    };
    let params: Vec<String> = stage.params.iter().map(|name| quoted(name)).collect();
    let params = if params.is_empty() { String::new() } else { format!("params = [{}]\n", params.join(", ")) };
    Ok([("of", of.to_owned()), ("tree", tree), ("params", params)])
}

/// Puts words for their names between two `@`.
fn fill(text: &str, words: &[(&str, String)]) -> String {
    words.iter().fold(text.to_owned(), |text, (name, word)| text.replace(&format!("@{name}@"), word))
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
