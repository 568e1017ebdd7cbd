//! `repro sbom`

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::build::Preview;
use crate::cli::attach::attach;
use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure};
use crate::fs;
use crate::image::oci::{Referrer, Subject};
use crate::provenance::Built;
use crate::report::count;
use crate::sbom::{self, Facts};
use crate::stage::Stage;

/// Say what a result holds and was made from: a software bill of materials.
///
/// Every upstream source with version, declared licence and SHA-256; every binary package that had a part in the build; the
/// stages as build steps. What of it is in the result, and what only helped to build it, is found by traces. Equal results are
/// described in equal bytes: the time is SOURCE_DATE_EPOCH, and identifiers follow from the content.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro sbom -o image.spdx.json
  repro sbom --format cyclonedx --files -o image.cdx.json
  repro sbom busybox --format spdx
  repro sbom rootfs --attach root.oci.tar
  repro sbom busybox --format omnibor -o .omnibor

OmniBOR is a folder: which files each file was made from, as a graph of hashes (gitoids), from traces.")]
pub struct Args {
    /// The stage [default: what the project delivers].
    pub stage: Option<String>,
    /// SPDX 2.3 or CycloneDX 1.7, both as JSON, or input manifests of OmniBOR 0.2.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "spdx")]
    pub format: Format,
    /// List the files of the result, too, each with its digests.
    #[arg(long)]
    pub files: bool,
    /// Write to this file, or for OmniBOR to this folder [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Add it to this OCI image layout, a folder or a tar, as what refers to the image (a referrer).
    #[arg(long, value_name = "LAYOUT")]
    pub attach: Option<PathBuf>,
}

/// Which form a bill of materials has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// SPDX 2.3.
    Spdx,
    /// CycloneDX 1.7.
    Cyclonedx,
    /// OmniBOR 0.2.
    Omnibor,
}

/// Runs it.
///
/// # Errors
/// The stage is unknown or not built, or the file cannot be written.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let stage = product(args.stage.as_deref(), &project)?;
    let previews = project.previews(&stage, context)?;
    let Project { graph, lockfile, store } = &project;
    let output = previews.last().and_then(|preview| preview.output);
    let output = output.ok_or_else(|| sbom::Error::NotBuilt { stage: stage.clone() })?;
    let made = made(&previews);
    let built = |stage: &Stage| made.get(stage.name.as_str()).cloned();
    let facts = Facts { graph, lockfile, store, built: &built };
    if args.format == Format::Omnibor {
        return omnibor(args, &facts, &stage, context);
    }
    let inventory = sbom::gather(&facts, &[stage.as_str()])?;
    let files = if args.files { sbom::delivered(store, output)? } else { Vec::new() };
    let (text, kind) = match args.format {
        Format::Cyclonedx => (sbom::cyclonedx(&inventory, &stage, &files)?, "application/vnd.cyclonedx+json"),
        _ => (sbom::spdx(&inventory, &stage, &files)?, "application/spdx+json"),
    };
    match &args.output {
        Some(path) => fs::replace(path, text.as_bytes())?,
        None if args.attach.is_none() => context.print(&text)?,
        None => {}
    }
    if let Some(layout) = &args.attach {
        let referrer = Referrer {
            subject: Subject::Whole,
            artifact_type: kind.to_owned(),
            media_type: kind.to_owned(),
            bytes: text.as_bytes(),
            annotations: BTreeMap::new(),
        };
        let attached = attach(layout, &[referrer], context)?;
        if context.globals.json {
            context
                .print_json(&json!({ "schema": 1, "subject": attached.subject, "referrers": attached.referrers }))?;
        }
    }
    Ok(ExitCode::Done)
}

/// Writes the input manifests.
fn omnibor(args: &Args, facts: &Facts<'_>, stage: &str, context: &Context) -> Result<ExitCode, Failure> {
    let usage = |message: &str| Failure::new(ExitCode::Usage, format!("cannot write input manifests: {message}"));
    let Some(folder) = args.output.as_ref().filter(|_| args.attach.is_none() && !args.files) else {
        return Err(usage("they are a folder of their own")
            .hint(Some("name it by `--output DIR`, without --files and --attach".into())));
    };
    let graph = sbom::omnibor(facts, stage)?;
    graph.write(folder)?;
    let (manifests, untraced) = (graph.manifests.len(), &graph.untraced);
    if context.globals.json {
        let folder = folder.display().to_string();
        context.print_json(&json!({ "schema": 1, "folder": folder, "manifests": manifests, "untraced": untraced }))?;
        return Ok(ExitCode::Done);
    }
    context.say(&format!("wrote {} to `{}`", count(manifests, "input manifest"), folder.display()));
    if !untraced.is_empty() {
        let names: Vec<&str> = untraced.iter().map(String::as_str).collect();
        context.say(&format!("not followed, without a trace: {}", names.join(", ")));
    }
    Ok(ExitCode::Done)
}

/// The stage that was named, or the one that the project delivers.
pub(super) fn product(named: Option<&str>, project: &Project) -> Result<String, Failure> {
    if let Some(name) = named {
        return Ok(project.stage(name)?.name.clone());
    }
    let products = project.graph.products(&project.graph.default_targets());
    let mut names = products.iter();
    match (names.next(), names.next()) {
        (Some(name), None) => Ok((*name).to_owned()),
        (None, _) => Err(Failure::new(ExitCode::Usage, "cannot choose a stage: there is none")),
        (Some(_), Some(_)) => {
            let names: Vec<&str> = products.iter().copied().collect();
            Err(Failure::new(ExitCode::Usage, "cannot choose a stage: the project delivers several")
                .hint(Some(format!("name one of {}", names.join(", ")))))
        }
    }
}

/// The stages as they are now, by name.
pub(super) fn made<'a>(previews: &[Preview<'a>]) -> BTreeMap<&'a str, Built<'a>> {
    let made = |one: &Preview<'a>| {
        let Preview { stage, inputs, key, output, .. } = one;
        let built = Built { stage, inputs: inputs.clone(), action: *key, output: (*output)?, archives: Vec::new() };
        Some((stage.name.as_str(), built))
    };
    previews.iter().filter_map(made).collect()
}
