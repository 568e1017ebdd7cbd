//! Runs a job that states images: they are written in this process.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use super::error::Error;
use super::job::{Done, Io, Job};
use super::log::Log;
use super::tracer::Tracer;
use crate::image::{Format, Recipe, VERSION};
use crate::pack::Packer;
use crate::stage::WRITER;
use crate::store::{ImportRules, Store};

/// Threads that compress one image: the job has one core's token.
const THREADS: usize = 1;

/// The images that a job states, by the names of their files; none if it runs a script.
///
/// # Errors
/// It was made by another version of `repro`.
pub(super) fn recipes(job: &Job<'_>) -> Result<Option<BTreeMap<String, Recipe>>, Error> {
    let other = || Error::Writer { stage: job.stage.to_owned() };
    match job.inputs.argv.as_slice() {
        [program, version, recipes] if program == WRITER && version == VERSION => {
            serde_json::from_str(recipes).map(Some).map_err(|_| other())
        }
        [program, ..] if program == WRITER => Err(other()),
        _ => Ok(None),
    }
}

/// Writes the images of a job.
pub(super) fn run(
    store: &Store,
    job: &Job<'_>,
    recipes: &BTreeMap<String, Recipe>,
    io: &mut Io<'_>,
) -> Result<Done, Error> {
    let _slot = (io.slot)()?;
    (io.started)();
    let mut log = Log::begin(job.log, io.line)?;
    let stage = || job.stage.to_owned();
    let time = job.inputs.env.get("SOURCE_DATE_EPOCH").cloned().unwrap_or_default();
    let time = time.parse().map_err(|_| Error::Time { stage: stage(), text: time })?;
    let inputs = job.inputs.inputs.iter().map(|layer| (layer.label.clone(), layer.tree)).collect();
    let scratch = store.scratch(job.stage)?;
    let packer = Packer { store, inputs: &inputs, time, folder: scratch.dir(), threads: THREADS, cancel: io.cancel };
    let others: Vec<&str> =
        recipes.iter().filter(|(_, recipe)| recipe.format != Format::Sums).map(|(name, _)| name.as_str()).collect();
    let mut trace = Tracer::new(WRITER);
    for (name, recipe) in order(recipes) {
        if io.cancel.is_cancelled() {
            return Err(Error::Cancelled { stage: stage() });
        }
        let failed = |source| match source {
            crate::pack::Error::Cancelled => Error::Cancelled { stage: stage() },
            source => Error::Pack { stage: stage(), file: name.clone(), source },
        };
        let written = packer.write(name, recipe, &others).map_err(failed)?;
        log.take(format!("{name}: {}, {} bytes\n", recipe.format, written.size).as_bytes());
        trace.made(&[recipe.format.name(), name], &written.read, name);
    }
    let told = log.finish()?;
    let output = store.import(scratch.dir().as_fd(), Path::new("/out"), &ImportRules::default())?;
    let log = told.store(store)?;
    let trace = Some(store.put_bytes(&trace.finish().encode())?);
    Ok(Done { output, log, trace, build: None, cached: false, cpu: Duration::ZERO })
}

/// Images by name, but those that become parts of others before these, and sums last.
fn order(recipes: &BTreeMap<String, Recipe>) -> Vec<(&String, &Recipe)> {
    let mut order: Vec<(&String, &Recipe)> = recipes.iter().collect();
    order.sort_by_key(|(_, recipe)| (recipe.format == Format::Sums, recipe.parts().next().is_some()));
    order
}
