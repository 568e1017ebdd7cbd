//! `repro attest`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::attest::{self, Check, Facts, PAYLOAD_TYPE, PREDICATE_TYPE, Run, SecretKey, Trust};
use crate::cli::attach::attach;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::fs;
use crate::image::oci::{Referrer, Subject};
use crate::report::{check_text, count};

/// State what stages are made from and what they left, so that others can check it.
///
/// Writes for each stage an in-toto statement with a SLSA provenance predicate: the output tree and the files at the top of
/// it with their SHA-256, and all sources, packages, stage folders and trees below it in the graph. It is signed in a DSSE
/// envelope, one a line. Nothing of this machine and no time is in it. The stages have to be built; `repro verify --against
/// FILE` compares a build with such statements.
///
/// With --check, says what a file states and whether somebody trusted signed all of it; the answer is no (1) when not.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro attest --new-key alice            makes alice and alice.pub, as `openssl genpkey -algorithm ed25519` does
  repro attest image --key alice -o image.intoto.jsonl
  repro attest image --key alice --builder https://builds.example/alice
  repro attest rootfs --key alice --attach root.oci.tar
  repro attest --check image.intoto.jsonl --trust alice.pub
  repro verify --against image.intoto.jsonl --trust alice.pub

snapshots/statement.schema.json is the form of a statement, snapshots/attest-check.schema.json that of --check --json.")]
pub struct Args {
    /// The stages.
    #[arg(value_name = "STAGE", required_unless_present_any = ["new_key", "check"])]
    pub stages: Vec<String>,
    /// Sign with this ed25519 key (PKCS#8 in PEM); may be given several times.
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// Who builds, as a URI [default: the hash of the first key].
    #[arg(long, value_name = "URI")]
    pub builder: Option<String>,
    /// Say when the build ended, such as 2026-01-31T12:00:00Z [default: nothing is said of time].
    #[arg(long, value_name = "TIME")]
    pub finished_on: Option<String>,
    /// Write a bare statement without a key; with --check, want no signature.
    #[arg(long)]
    pub unsigned: bool,
    /// Write to this file [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Add each statement to this OCI image layout, a folder or a tar, as what refers to the image (a referrer).
    #[arg(long, value_name = "LAYOUT")]
    pub attach: Option<PathBuf>,
    /// Make a key in this new file, and its public half in FILE.pub.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stages", "key", "builder", "finished_on", "unsigned", "output", "attach", "check"])]
    pub new_key: Option<PathBuf>,
    /// Check what this file states.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stages", "key", "builder", "finished_on", "output", "attach"])]
    pub check: Option<PathBuf>,
    /// Trust this public key, under this name [default: the file's]; may be given several times.
    #[arg(long, value_name = "[NAME=]KEY", requires = "check", conflicts_with = "unsigned")]
    pub trust: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// A stage is not built, a key or statement cannot be used, or a file exists.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.new_key {
        return new_key(path, context);
    }
    if let Some(path) = &args.check {
        return check(path, args, context);
    }
    let keys = args.key.iter().map(|path| SecretKey::load(path)).collect::<Result<Vec<_>, _>>()?;
    match (keys.is_empty(), args.unsigned) {
        (true, false) => {
            let failure = Failure::new(ExitCode::Usage, "cannot make a statement: there is no key to sign with");
            return Err(failure.hint(Some("name one with `--key FILE`; `--unsigned` writes bare statements".into())));
        }
        (false, true) => return Err(Failure::new(ExitCode::Usage, "cannot sign a statement and leave it unsigned")),
        _ => {}
    }
    let builder = args.builder.clone().or_else(|| keys.first().map(|key| key.public().uri()));
    let run = Run::new(builder.ok_or(attest::Error::NoBuilder)?, args.finished_on.clone())?;
    let project = Project::load(context)?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut stages: Vec<&str> = Vec::new();
    for stage in &args.stages {
        if stages.contains(&stage.as_str()) {
            continue;
        }
        let previews = project.previews(stage, context)?;
        let Project { graph, lockfile, store } = &project;
        let statement = attest::describe(&Facts { graph, lockfile, store, previews: &previews }, &run)?;
        lines.push(attest::seal(&statement, &keys));
        stages.push(stage);
    }
    if let Some(layout) = &args.attach {
        attach(layout, &referrers(&lines, args.unsigned), context)?;
    }
    let text = lines.concat();
    let Some(path) = &args.output else {
        if args.attach.is_none() {
            context.print(&String::from_utf8_lossy(&text))?;
        }
        return Ok(ExitCode::Done);
    };
    fs::replace(path, &text)?;
    if context.globals.json {
        let keys: Vec<String> = keys.iter().map(|key| key.public().id()).collect();
        context
            .print_json(&json!({ "schema": 1, "file": path.display().to_string(), "stages": stages, "keys": keys }))?;
    } else {
        context.say(&format!("wrote {} to `{}`", count(stages.len(), "statement"), path.display()));
    }
    Ok(ExitCode::Done)
}

/// The lines of a bundle as artifacts of their own.
fn referrers(lines: &[Vec<u8>], bare: bool) -> Vec<Referrer<'_>> {
    let media_type = if bare { PAYLOAD_TYPE } else { "application/vnd.dsse.envelope.v1+json" };
    let annotations = BTreeMap::from([("in-toto.io/predicate-type".to_owned(), PREDICATE_TYPE.to_owned())]);
    let mut referrers = Vec::new();
    for line in lines {
        referrers.push(Referrer {
            subject: Subject::Whole,
            artifact_type: PAYLOAD_TYPE.to_owned(),
            media_type: media_type.to_owned(),
            bytes: line.trim_ascii_end(),
            annotations: annotations.clone(),
        });
    }
    referrers
}

fn new_key(path: &Path, context: &Context) -> Result<ExitCode, Failure> {
    let (key, public) = attest::new_key(path)?;
    if context.globals.json {
        let (path, public) = (path.display().to_string(), public.display().to_string());
        context.print_json(&json!({ "schema": 1, "key": path, "public": public, "id": key.id() }))?;
    } else {
        context.print(&format!("{}\n", key.id()))?;
        context.say(&format!("wrote the key to `{}`, to be kept secret, and `{}`", path.display(), public.display()));
    }
    Ok(ExitCode::Done)
}

fn check(path: &Path, args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let trust = Trust::load(&args.trust)?;
    let file = path.display().to_string();
    if trust.is_empty() && !args.unsigned {
        return Err(attest::Error::NobodyTrusted { place: format!("`{file}`") }.into());
    }
    let check = Check::new(&file, attest::read_path(path)?, &trust, args.unsigned)?;
    if context.globals.json {
        context.print_json(&check)?;
    } else {
        context.print(&check_text(&check, context.palette(Stream::Out)))?;
    }
    Ok(if check.good { ExitCode::Done } else { ExitCode::No })
}
