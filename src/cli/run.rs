//! From arguments to an exit code.

use clap::Parser;

use super::args::{Cli, Command};
use super::commands;
use super::context::Context;
use super::exit::ExitCode;
use super::failure::Failure;
use super::terminal::Stream;
use super::{output, panics, signals};
use crate::schedule::CancelToken;

/// The whole program.
pub fn main() -> std::process::ExitCode {
    panics::install();
    // What panicked was told by the hook, with a request to report it.
    std::panic::catch_unwind(start).unwrap_or(ExitCode::Bug).into()
}

fn start() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let palette = Stream::Err.palette(&cli.globals);
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            output::say(&failure.render(palette));
            failure.code
        }
    }
}

/// Help, version, and what is wrong with the arguments: clap's own words.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        output::say(&text.to_string());
        return ExitCode::Usage;
    }
    match output::print(&text.to_string()) {
        Ok(()) => ExitCode::Done,
        Err(failure) => failure.code,
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let cancel = CancelToken::new()?;
    signals::listen(&cancel)?;
    let context = Context::new(cli.globals, cancel)?;
    let result = match &cli.command {
        Command::Init(args) => commands::init::run(args, &context),
        Command::New(args) => commands::new::run(args, &context),
        Command::Build(args) => commands::build::run(args, &context),
        Command::Lock(args) => commands::lock::run(args, &context),
        Command::Fetch(args) => commands::fetch::run(args, &context),
        Command::Plan(args) => commands::plan::run(args, &context),
        Command::Why(args) => commands::why::run(args, &context),
        Command::Graph(args) => commands::graph::run(args, &context),
        Command::Image(args) => commands::image::run(args, &context),
        Command::Closure(args) => commands::closure::run(args, &context),
        Command::Audit(args) => commands::audit::run(args, &context),
        Command::Check(args) => commands::check::run(args, &context),
        Command::Verify(args) => commands::verify::run(args, &context),
        Command::Attest(args) => commands::attest::run(args, &context),
        Command::Sbom(args) => commands::sbom::run(args, &context),
        Command::Seeds(args) => commands::seeds::run(args, &context),
        Command::Size(args) => commands::size::run(args, &context),
        Command::Log(args) => commands::log::run(args, &context),
        Command::Trace(args) => commands::trace::run(args, &context),
        Command::Run(args) => commands::run::run(args, &context),
        Command::Shell(args) => commands::shell::run(args, &context),
        Command::Unpack(args) => commands::unpack::run(args, &context),
        Command::Store(args) => commands::store::run(args, &context),
        Command::Doctor(args) => commands::doctor::run(args, &context),
        Command::Man(args) => commands::man::run(args, &context),
        Command::Completions(args) => commands::completions::run(args, &context),
    };
    // Whatever a stopped command says, it was the signal that ended it.
    match context.cancel.signal() {
        Some(signal) => Err(Failure::quiet(ExitCode::Signal(signal))),
        None => result,
    }
}
