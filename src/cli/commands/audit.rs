//! `repro audit`

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::why;
use crate::audit::{self, Behind, Config, Machine, Needles, Options, Origin, Report, Step, rules};
use crate::build::Preview;
use crate::cli::named::Named;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::container::Subject;
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
struct Target<'p> {
    name: String,
    machine: Option<Machine>,
    subject: Subject,
    made: Option<Made<'p>>,
}

/// How a target was made.
struct Made<'p> {
    project: &'p Project,
    stage: &'p str,
    /// The folder of the stage's output that is audited; empty for all of it.
    part: String,
    /// The stage, after all that it needs.
    previews: Vec<Preview<'p>>,
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
    let needles = Needles::new(&context.surroundings(), &config.leaks);
    let project;
    let targets = match named(args, context)? {
        Audited::Other(target) => vec![target],
        Audited::Stage { name, part } => {
            project = Project::load(context)?;
            vec![stage(&project, name, part, context)?]
        }
        Audited::Products => {
            project = Project::load(context)?;
            let products = project.graph.products(&project.graph.default_targets());
            products.into_iter().map(|name| stage(&project, name, "", context)).collect::<Result<_, _>>()?
        }
    };
    if targets.len() > 1 && (args.html.is_some() || args.sarif.is_some()) {
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        return Err(Failure::new(ExitCode::Usage, "cannot write several reports to one file")
            .hint(Some(format!("name one of {}", names.join(", ")))));
    }
    let mut clean = true;
    for Target { name, machine, subject, made } in targets {
        let (stage, cancel) = (made.as_ref().map(|made| made.stage), Some(&context.cancel));
        let list = args.html.is_some();
        let options = Options { name: &name, stage, machine, config: &config, needles: &needles, list, cancel };
        let mut provenance = Err(unmade(&subject));
        let report = match &made {
            Some(made) => {
                let page = args.html.is_some().then_some(&mut provenance);
                made.audit(subject, &options, page, context)
            }
            None => audit::audit(subject, &options).map_err(Failure::from),
        };
        if let Some(signal) = context.cancel.signal() {
            return Err(Failure::quiet(ExitCode::Signal(signal)));
        }
        let report = report?;
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

impl Made<'_> {
    /// Audits what the stage left, with how it and all that it came from was made; for a page also file by file.
    fn audit(
        &self,
        subject: Subject,
        options: &Options<'_>,
        page: Option<&mut Result<Provenance, &'static str>>,
        context: &Context,
    ) -> Result<Report, Failure> {
        let Self { project, stage, part, previews } = self;
        let place: BTreeMap<&str, &Preview<'_>> = previews.iter().map(|one| (one.stage.name.as_str(), one)).collect();
        let for_page = page.is_some();
        let built = |stage: &Stage| {
            let Preview { stage, inputs, key, output, .. } = place.get(stage.name.as_str())?;
            let archives = if for_page { why::archives(project, stage, inputs) } else { Vec::new() };
            Some(Built { stage, inputs: inputs.clone(), action: *key, output: (*output)?, archives })
        };
        let order = previews.iter().map(|preview| preview.stage).collect();
        let stages = Stages { store: &project.store, order, built: &built };
        let mut report = audit::audit_built(subject, options, &Behind { stages: &stages, stage, part })?;
        let steps: Vec<Step<'_>> = previews
            .iter()
            .map(|one| Step { stage: one.stage, inputs: &one.inputs, key: one.key, output: one.output })
            .collect();
        report.origin = Some(Origin::new(&project.store, &steps)?);
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

/// What is to be audited.
enum Audited<'a> {
    /// What the project delivers.
    Products,
    /// The output of a stage, or a folder of it.
    Stage { name: &'a str, part: &'a str },
    /// Anything else.
    Other(Target<'static>),
}

fn named<'a>(args: &'a Args, context: &Context) -> Result<Audited<'a>, Failure> {
    let Some(word) = &args.subject else { return Ok(Audited::Products) };
    let subject = match Named::of(word, context) {
        Named::Stage { name, part } => return Ok(Audited::Stage { name, part }),
        Named::Tree(digest) => Subject::Tree { store: context.open_store()?, digest },
        Named::Path(path) => Subject::open(path)?,
    };
    Ok(Audited::Other(Target { name: word.clone(), machine: None, subject, made: None }))
}

/// The output of a stage as it is now, or a part of it.
fn stage<'p>(project: &'p Project, name: &str, part: &str, context: &Context) -> Result<Target<'p>, Failure> {
    let previews = project.previews(name, context)?;
    let preview = previews.last().expect("the stage itself comes last");
    let missing = |what: &str| Failure::new(ExitCode::Usage, format!("cannot audit `{name}`: {what}"));
    let output =
        preview.output.ok_or_else(|| missing("it is not built").hint(Some(format!("run `repro build {name}`"))))?;
    let digest = project.store.subtree(output, part)?.ok_or_else(|| missing(&format!("its output has no `{part}`")))?;
    let machine = audit::machine_of(preview.stage, project.graph.params());
    let label = if part.is_empty() { name.to_owned() } else { format!("{name}/{part}") };
    let subject = Subject::Tree { store: project.store.clone(), digest };
    let made = Made { project, stage: &preview.stage.name, part: part.to_owned(), previews };
    Ok(Target { name: label, machine, subject, made: Some(made) })
}
