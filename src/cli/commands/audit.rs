//! `repro audit`

use std::path::{Path, PathBuf};

use super::why;
use crate::audit::{self, Behind, Config, Machine, Options, Origin, Report, Step, Subject, rules};
use crate::build::Preview;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::digest::Digest;
use crate::fs;
use crate::provenance::{self, Built, Stages};
use crate::report::{Provenance, audit_html, audit_sarif, audit_text, rule_text, rules_text};
use crate::stage::Stage;

/// Judge what is delivered: search paths, dependencies, leaks, links, modes.
///
/// Audits the output of a stage, or anything else: a directory, an archive (tar, cpio, deb, zip), an OCI image layout, an
/// ELF object. Without a name, the default targets. What stages left is judged by their traces, too: which headers, start
/// files and libraries went into it, through how many stages. Exceptions stand in audit.toml, each with its reason. The answer is no
/// (exit code 1) when something of severity error is found.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro audit                        what the project delivers
  repro audit rootfs
  repro audit package.deb --html report.html
  repro audit --explain elf-rpath-empty")]
pub struct Args {
    /// A stage, a part of its output (`musl/run`), a tree of the store, or a path.
    #[arg(value_name = "STAGE|PATH")]
    pub subject: Option<String>,
    /// Write the report as SARIF 2.1.0 to this file.
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// Write the report as one page of HTML to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Show one rule: what it forbids, why, and the cure.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["subject", "rules"])]
    pub explain: Option<String>,
    /// List all rules.
    #[arg(long, conflicts_with = "subject")]
    pub rules: bool,
}

/// Something to audit.
struct Target {
    name: String,
    stage: Option<String>,
    machine: Option<Machine>,
    subject: Subject,
    part: String,
    origin: Option<Origin>,
}

/// Runs it.
///
/// # Errors
/// There is no such thing, it cannot be read, or `audit.toml` is wrong.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if let Some(name) = &args.explain {
        context.print(&rule_text(rules::find(name)?, context.palette(Stream::Out)))?;
        return Ok(ExitCode::Done);
    }
    if args.rules {
        context.print(&rules_text(context.palette(Stream::Out)))?;
        return Ok(ExitCode::Done);
    }
    let config = Config::load(&context.project)?;
    let around = context.surroundings();
    let targets = targets(args, context)?;
    if targets.len() > 1 && (args.html.is_some() || args.sarif.is_some()) {
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        return Err(Failure::new(ExitCode::Usage, "cannot write several reports to one file")
            .hint(Some(format!("name one of {}", names.join(", ")))));
    }
    let mut clean = true;
    for target in targets {
        let Target { name, stage, machine, subject, part, origin } = target;
        let cancel = Some(&context.cancel);
        let options =
            Options { name: &name, stage: stage.as_deref(), machine, config: &config, around: &around, cancel };
        let mut provenance = Err(unmade(&subject));
        let report = match &stage {
            Some(stage) => {
                let page = args.html.is_some().then_some(&mut provenance);
                built(subject, &options, (stage, &part), page, context)
            }
            None => audit::audit(subject, &options).map_err(Failure::from),
        };
        if let Some(signal) = context.cancel.signal() {
            return Err(Failure::quiet(ExitCode::Signal(signal)));
        }
        let mut report = report?;
        report.origin = origin;
        clean &= report.is_clean();
        show(args, context, &report, provenance.as_ref().map_err(|reason| *reason))?;
    }
    Ok(if clean { ExitCode::Done } else { ExitCode::No })
}

/// Why nothing is known of how something was made.
fn unmade(subject: &Subject) -> &'static str {
    match subject {
        Subject::Tree { .. } => "a tree that is named by its digest does not tell which stage left it; name the stage",
        Subject::Folder(_) => "it is a directory, and not what a stage of a project left; name the stage",
        Subject::File { .. } => "it is a file that was not made here, and not what a stage of a project left",
    }
}

/// Audits what a stage left, with how it and all that it came from was made; for a page also file by file.
fn built(
    subject: Subject,
    options: &Options<'_>,
    (stage, part): (&str, &str),
    page: Option<&mut Result<Provenance, &'static str>>,
    context: &Context,
) -> Result<Report, Failure> {
    let project = Project::load(context)?;
    let built = |stage: &Stage| {
        let Preview { inputs, key, output, .. } = project.preview(&stage.name, context).ok()?;
        let stage = project.graph.stage(&stage.name)?;
        let archives = why::archives(&project, stage, &inputs);
        Some(Built { stage, inputs, action: key, output: output?, archives })
    };
    let stages = Stages { store: &project.store, order: project.graph.closure(&[stage])?, built: &built };
    let report = audit::audit_built(subject, options, &Behind { stages: &stages, stage, part })?;
    if let Some(page) = page {
        let mut known = Provenance::new(stage, part);
        let left = provenance::explain_each(&stages, stage, part, &mut |made| {
            !context.cancel.is_cancelled() && known.add(&made)
        })?;
        known.finish(left);
        *page = Ok(known);
    }
    Ok(report)
}

fn show(args: &Args, context: &Context, report: &Report, provenance: Result<&Provenance, &str>) -> Result<(), Failure> {
    if let Some(path) = &args.html {
        fs::replace(path, audit_html(report, provenance).as_bytes())?;
    }
    if let Some(path) = &args.sarif {
        let text = serde_json::to_string_pretty(&audit_sarif(report)).expect("the keys of a report are strings");
        fs::replace(path, format!("{text}\n").as_bytes())?;
    }
    if context.globals.json {
        return context.print_json(report);
    }
    context.print(&audit_text(report, context.palette(Stream::Out), context.globals.verbose > 0))
}

fn targets(args: &Args, context: &Context) -> Result<Vec<Target>, Failure> {
    let Some(name) = &args.subject else {
        let project = Project::load(context)?;
        let products = project.graph.products(&project.graph.default_targets());
        return products.into_iter().map(|name| stage(&project, name, "", context)).collect();
    };
    if let Ok(digest) = name.parse::<Digest>() {
        let subject = Subject::Tree { store: context.open_store()?, digest };
        return Ok(vec![Target {
            name: name.clone(),
            stage: None,
            machine: None,
            subject,
            part: String::new(),
            origin: None,
        }]);
    }
    let (first, rest) = name.split_once('/').unwrap_or((name, ""));
    let is_stage = fs::exists(&context.project.join("stages").join(first).join("stage.toml")).unwrap_or(false);
    let plain = !first.is_empty() && first != "." && first != "..";
    if plain && is_stage && (rest.is_empty() || !fs::exists(Path::new(name)).unwrap_or(true)) {
        return Ok(vec![stage(&Project::load(context)?, first, rest, context)?]);
    }
    let subject = Subject::open(Path::new(name))?;
    Ok(vec![Target { name: name.clone(), stage: None, machine: None, subject, part: String::new(), origin: None }])
}

/// The output of a stage as it is now, or a part of it.
fn stage(project: &Project, name: &str, part: &str, context: &Context) -> Result<Target, Failure> {
    let previews = project.previews(name, context)?;
    let preview = previews.last().expect("the stage itself comes last");
    let missing = |what: &str| Failure::new(ExitCode::Usage, format!("cannot audit `{name}`: {what}"));
    let output =
        preview.output.ok_or_else(|| missing("it is not built").hint(Some(format!("run `repro build {name}`"))))?;
    let digest = project.store.subtree(output, part)?.ok_or_else(|| missing(&format!("its output has no `{part}`")))?;
    let machine = audit::machine_of(preview.stage, project.graph.params());
    let label = if part.is_empty() { name.to_owned() } else { format!("{name}/{part}") };
    let subject = Subject::Tree { store: project.store.clone(), digest };
    let steps: Vec<Step<'_>> = previews
        .iter()
        .map(|one| Step { stage: one.stage, inputs: &one.inputs, key: one.key, output: one.output })
        .collect();
    let origin = Some(Origin::new(&project.store, &steps)?);
    Ok(Target { name: label, stage: Some(name.to_owned()), machine, subject, part: part.to_owned(), origin })
}
