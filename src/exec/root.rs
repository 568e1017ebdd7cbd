//! Runs a job that states a root file system: it is composed in this process.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::Error;
use super::job::{Done, Io, Job};
use super::log::Log;
use super::tracer::Tracer;
use crate::rootfs::{self, Composer, Report};
use crate::stage::{COMPOSER, COMPOSER_VERSION, RootDef, RootSource};
use crate::store::Store;

/// What a job states.
pub(super) struct Stated {
    definition: RootDef,
    sources: Vec<RootSource>,
}

/// The root file system that a job states; none if it runs a script or states images.
///
/// # Errors
/// It was made by another version of `repro`.
pub(super) fn stated(job: &Job<'_>) -> Result<Option<Stated>, Error> {
    let other = |_| Error::Writer { stage: job.stage.to_owned() };
    match job.inputs.argv.as_slice() {
        [program, version, definition, sources] if program == COMPOSER && version == COMPOSER_VERSION => {
            let definition = serde_json::from_str(definition).map_err(other)?;
            Ok(Some(Stated { definition, sources: serde_json::from_str(sources).map_err(other)? }))
        }
        [program, ..] if program == COMPOSER => Err(Error::Writer { stage: job.stage.to_owned() }),
        _ => Ok(None),
    }
}

/// Composes the root of a job.
pub(super) fn run(store: &Store, job: &Job<'_>, stated: &Stated, io: &mut Io<'_>) -> Result<Done, Error> {
    let _slot = (io.slot)()?;
    (io.started)();
    let mut log = Log::begin(job.log, io.line)?;
    let inputs = job.inputs.inputs.iter().map(|layer| (layer.label.clone(), layer.tree)).collect();
    let params: BTreeMap<String, String> = job.inputs.env.iter().filter_map(parameter).collect();
    let composer = Composer {
        store,
        stage: job.stage,
        definition: &stated.definition,
        inputs: &inputs,
        folder: job.inputs.stage_dir,
        params: &params,
        sources: &stated.sources,
        cancel: io.cancel,
    };
    let composed = composer.compose().map_err(|source| match source {
        rootfs::Error::Cancelled => Error::Cancelled { stage: job.stage.to_owned() },
        source => Error::Root { stage: job.stage.to_owned(), source },
    })?;
    log.take(told(&composed.report).as_bytes());
    let log = log.finish()?.store(store)?;
    let mut trace = Tracer::new(COMPOSER);
    for made in &composed.made {
        trace.made(&[&made.path], &made.from, &made.path);
    }
    let trace = Some(store.put_bytes(&trace.finish().encode())?);
    Ok(Done { output: composed.output, log, trace, build: None, cached: false, cpu: Duration::ZERO })
}

/// A declared parameter, of its variable.
fn parameter((name, value): (&String, &String)) -> Option<(String, String)> {
    Some((name.strip_prefix("REPRO_")?.to_ascii_lowercase(), value.clone()))
}

/// What the log says of a root: its size, and all that was hidden or left out.
fn told(report: &Report) -> String {
    let mut text =
        format!("{} paths, {} bytes in files, Merkle root {}\n", report.entries, report.bytes, report.merkle_root);
    for hidden in &report.shadowed {
        text.push_str(&format!("shadowed: {} of {} by that of {}\n", hidden.path, hidden.hidden, hidden.by));
    }
    for left in &report.undelivered {
        text.push_str(&format!("not delivered: {} of {}: {}\n", left.path, left.from, left.reason));
    }
    for unneeded in report.closure.iter().flat_map(|closure| &closure.superfluous) {
        text.push_str(&format!("superfluous: {} of {}: {}\n", unneeded.path, unneeded.from, unneeded.reason));
    }
    text
}
