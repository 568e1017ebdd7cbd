//! `repro doctor`

use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::report::{Palette, Role, Table};
use crate::sandbox::{Feature, Status, probe};
use crate::trace::{self, Recorder};

/// Check whether this host can give the isolation that builds need.
///
/// The answer is yes (0), or no (4) with what is missing and how to get it.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// A feature is missing.
pub fn run(_args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut features = probe();
    features.push(recording());
    let good = features.iter().all(|feature| feature.works() || !feature.required);
    if context.globals.json {
        context.print_json(&serde_json::json!({ "schema": 1, "good": good, "features": features }))?;
    } else {
        context.print(&text(&features, context.palette(Stream::Out)))?;
    }
    if good {
        context.say("this host can give the promised isolation");
        return Ok(ExitCode::Done);
    }
    let missing = features.iter().filter(|feature| feature.required && !feature.works()).map(|feature| feature.name);
    let missing: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
    let message = format!("cannot isolate stages on this host: {} missing", missing.join(", "));
    Err(Failure::new(ExitCode::Host, message))
}

/// Whether stages are recorded inside the kernel. They are recorded in any case.
fn recording() -> Feature {
    let recorder = Recorder::start();
    let status = match recorder.refused() {
        None => Status::Works { detail: None },
        Some(refused) => Status::Missing { reason: refused.to_string() },
    };
    let cure = recorder.refused().and_then(trace::Error::hint).map(|hint| {
        format!("a tracer in each sandbox does it instead, which takes longer, and stages cannot trace (strace, gdb); {hint}")
    });
    let needed_for = "telling what stages do at the least cost";
    Feature { name: "recording inside the kernel", needed_for, required: false, status, cure }
}

fn text(features: &[Feature], palette: Palette) -> String {
    let mut table = Table::new(palette, &["", "feature", "for", ""]);
    let mut cures = String::new();
    for feature in features {
        let (word, role, note) = match &feature.status {
            Status::Works { detail } => ("works", Role::Good, detail.clone().unwrap_or_default()),
            Status::Missing { reason } if feature.required => ("missing", Role::Bad, reason.clone()),
            Status::Missing { reason } => ("without", Role::Warn, reason.clone()),
        };
        table.row([palette.paint(role, word).as_str(), feature.name, feature.needed_for, &note]);
        if let Some(cure) = feature.cure.as_ref().filter(|_| !feature.works()) {
            cures.push_str(&format!("\n{} {}: {cure}\n", palette.paint(Role::Hint, "hint:"), feature.name));
        }
    }
    format!("{}{cures}", table.text())
}
