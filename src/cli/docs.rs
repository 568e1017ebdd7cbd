//! The reference in Markdown: the long help of every command, as the program prints it.

use clap::{Command, CommandFactory};

use super::args::Cli;

/// Columns of the help texts.
const COLUMNS: usize = 100;

/// The text of `docs/reference.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# The `repro` command\n\nThis page is the program's own help, in one piece. It is generated: change the definitions in \
         `src/cli`, then run\n`REPRO_UPDATE_DOCS=1 cargo test --test cli`.\n",
    );
    let mut command = Cli::command().term_width(COLUMNS).max_term_width(COLUMNS);
    command.build();
    section(&mut command, "repro", &mut text);
    text
}

fn section(command: &mut Command, name: &str, text: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim()));
    let children: Vec<String> = command.get_subcommands().map(|child| child.get_name().to_owned()).collect();
    for child in children.iter().filter(|child| *child != "help") {
        if let Some(command) = command.find_subcommand_mut(child) {
            section(command, &format!("{name} {child}"), text);
        }
    }
}
