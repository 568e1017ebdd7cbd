//! A statement on a stage, from the resolved graph below it.

use std::collections::BTreeSet;

use super::dsse::Envelope;
use super::error::Error;
use super::json;
use super::key::SecretKey;
use super::statement::{
    BUILD_TYPE, BuildDefinition, Builder, External, Internal, Metadata, PAYLOAD_TYPE, PREDICATE_TYPE, Provenance,
    Resource, RunDetails, STATEMENT_TYPE, Statement,
};
use crate::build::Preview;
use crate::fetch::Pin;
use crate::lockfile::Lockfile;
use crate::stage::{Graph, InputRef};
use crate::store::{self, Store};

/// What a statement is made from.
pub struct Facts<'a> {
    /// The definitions.
    pub graph: &'a Graph,
    /// The pins.
    pub lockfile: &'a Lockfile,
    /// Where the output is.
    pub store: &'a Store,
    /// The stage and all that it needs, each after all that it needs itself; the stage comes last.
    pub previews: &'a [Preview<'a>],
}

/// What the user says of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Who builds: a URI.
    pub builder: String,
    /// When the build ended, if that is to be told: `2026-01-31T12:00:00Z`.
    pub finished_on: Option<String>,
}

impl Run {
    /// Checks what the user says.
    ///
    /// # Errors
    /// The builder is no URI, or the time is none.
    pub fn new(builder: String, finished_on: Option<String>) -> Result<Self, Error> {
        let (scheme, rest) = builder.split_once(':').unwrap_or_default();
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_uri = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(letter)
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        if !is_uri {
            return Err(Error::Builder { id: builder });
        }
        match finished_on {
            Some(text) if !is_time(&text) => Err(Error::Time { text }),
            finished_on => Ok(Self { builder, finished_on }),
        }
    }
}

/// The statement on the last of `facts.previews`.
///
/// # Errors
/// The stage has no result here, or a pin is missing.
pub fn describe(facts: &Facts<'_>, run: &Run) -> Result<Statement, Error> {
    let subject = facts.previews.last().expect("the closure of a stage holds the stage");
    let name = &subject.stage.name;
    let output = subject.output.ok_or_else(|| Error::NotBuilt { stage: name.clone() })?;
    let mut subjects = vec![Resource::tree(name, output)];
    for file in &facts.store.directory(output)?.files {
        let content = file.content().map_err(|reason| store::Error::NotDirectory { digest: output, reason })?;
        subjects.push(Resource::new(format!("{name}/{}", file.name), content));
    }
    let mut dependencies = Dependencies { facts, list: Vec::new(), seen: BTreeSet::new() };
    for preview in facts.previews {
        dependencies.add(preview)?;
        if preview.stage.name != *name
            && let Some(tree) = preview.output
        {
            let mut left = Resource::tree(format!("stage:{}", preview.stage.name), tree);
            left.annotations.action = Some(preview.key);
            dependencies.push(left);
        }
    }
    let definition = BuildDefinition {
        build_type: BUILD_TYPE.to_owned(),
        external_parameters: External { stage: name.clone(), target: facts.graph.target(subject.stage) },
        internal_parameters: Internal { action: subject.key, inputs: subject.inputs.clone() },
        resolved_dependencies: dependencies.list,
    };
    let builder = Builder {
        id: run.builder.clone(),
        version: [("repro".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
    };
    let metadata = run.finished_on.clone().map(|time| Metadata { finished_on: Some(time) });
    Ok(Statement {
        kind: STATEMENT_TYPE.to_owned(),
        subject: subjects,
        predicate_type: PREDICATE_TYPE.to_owned(),
        predicate: Provenance { build_definition: definition, run_details: RunDetails { builder, metadata } },
    })
}

/// One line of a bundle: the statement in an envelope that each of `keys` signed, or bare without any key.
pub fn seal(statement: &Statement, keys: &[SecretKey]) -> Vec<u8> {
    let payload = json::canonical(statement);
    let mut line = if keys.is_empty() { payload } else { Envelope::sign(PAYLOAD_TYPE, payload, keys).to_json() };
    line.push(b'\n');
    line
}

/// Dependencies in the order of the graph: a reader who looks for the first that differs finds a cause.
struct Dependencies<'a> {
    facts: &'a Facts<'a>,
    list: Vec<Resource>,
    seen: BTreeSet<(String, String)>,
}

impl Dependencies<'_> {
    fn push(&mut self, resource: Resource) {
        if self.seen.insert((resource.name.clone(), resource.sha256().to_owned())) {
            self.list.push(resource);
        }
    }

    /// All that a stage itself takes.
    fn add(&mut self, preview: &Preview<'_>) -> Result<(), Error> {
        let (stage, inputs) = (preview.stage, &preview.inputs);
        let taken = [(&stage.tools, &inputs.tools), (&stage.target, &inputs.target), (&stage.inputs, &inputs.inputs)];
        // The action knows a tree below `/in` by its name there; the definition knows what it is.
        let taken = taken.into_iter().flat_map(|(references, layers)| references.iter().zip(layers));
        for (reference, layer) in taken {
            if let InputRef::Sysroot(name) = reference {
                self.packages(&stage.name, name)?;
            }
            self.push(Resource::tree(reference.to_string(), layer.tree));
        }
        for source in &inputs.sources {
            self.source(&stage.name, &source.name)?;
            self.push(Resource::tree(format!("source-tree:{}", source.name), source.tree));
        }
        self.push(Resource::tree(format!("folder:{}", stage.name), inputs.stage_dir));
        Ok(())
    }

    fn packages(&mut self, stage: &str, sysroot: &str) -> Result<(), Error> {
        let Facts { graph, lockfile, .. } = self.facts;
        let unpinned = || Error::Unpinned { stage: stage.to_owned(), what: format!("sysroot `{sysroot}`") };
        let pin = lockfile.sysroots.get(sysroot).ok_or_else(unpinned)?;
        let archive = graph.sysroots().get(sysroot).and_then(|sysroot| graph.archives().get(&sysroot.archive));
        let base = &archive.ok_or_else(unpinned)?.base;
        for package in &pin.packages {
            let mut resource = Resource::new(format!("package:{sysroot}/{}", package.name), package.digest);
            resource.uri = Pin::of_package(base, package).urls.into_iter().next();
            resource.annotations.version = Some(package.version.clone());
            self.push(resource);
        }
        Ok(())
    }

    fn source(&mut self, stage: &str, name: &str) -> Result<(), Error> {
        let Facts { graph, lockfile, .. } = self.facts;
        let unpinned = || Error::Unpinned { stage: stage.to_owned(), what: format!("source `{name}`") };
        let pin = lockfile.sources.get(name).ok_or_else(unpinned)?;
        let mut resource = Resource::new(format!("source:{name}"), pin.digest);
        resource.uri = pin.urls.first().cloned();
        resource.annotations.places = if pin.urls.len() > 1 { pin.urls.clone() } else { Vec::new() };
        resource.annotations.version = graph.sources().get(name).map(|source| source.version.clone());
        self.push(resource);
        Ok(())
    }
}

/// `YYYY-MM-DDThh:mm:ssZ`, RFC 3339 in UTC.
fn is_time(text: &str) -> bool {
    let form = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(byte, form): (u8, &u8)| if *form == b'd' { byte.is_ascii_digit() } else { byte == *form };
    if text.len() != form.len() || !text.bytes().zip(form).all(fits) {
        return false;
    }
    let number = |at: usize| text[at..at + 2].parse::<u8>().unwrap_or(u8::MAX);
    (1..=12).contains(&number(5))
        && (1..=31).contains(&number(8))
        && number(11) < 24
        && number(14) < 60
        && number(17) <= 60
}
