//! The audit: what a tree, an archive or a file would do, and tell, where it runs.
//!
//! An audit has two halves. First each file is looked at by itself (`scan`): it is read once, recognised by its bytes, and
//! becomes facts and findings; archives and compressed files are opened in turn. Then the files of a root are judged
//! together (`image`): which libraries the loader finds, where links lead, which interpreters are there.
//!
//! - [`rules`] is the catalogue: the only place where a rule has its name, severity, reason and cure.
//! - A [`Subject`] is what is audited: a tree of the store, a directory, any file. Nothing in it has to be made by `repro`.
//! - [`Surroundings`] are names and paths of the machine that builds, which must not be delivered.
//! - [`Config`] is the project's `audit.toml`: what it expects, and exceptions with their reasons.
//! - [`Report`] is the answer. Views of it are made by `report`.
//!
//! # What is promised
//! - **Nothing is executed, nothing is trusted.** Objects are read with `object` and `gimli`, archives with
//!   [`format`](crate::format). What cannot be read is a finding, never the end of the audit, unless it is the subject.
//! - **The same subject gives the same report**, whatever the number of threads: findings are sorted, files are put together
//!   by their paths.
//! - **Memory is bounded**: files up to 256 MiB are held whole, 512 MiB of them at once; larger ones are streamed, and a
//!   finding says that they were searched for leaks only. Facts are small: of a library's symbols their hashes are kept.
//!
//! # Limits
//! File systems in images (FAT, ISO 9660, ext4, squashfs) are searched as bytes and not opened. Extended attributes, and
//! with them capabilities of files, are not seen. Of what a program
//! passes to `dlopen`, only constants are seen. What stands in
//! debugging information of objects that are not linked yet is searched as bytes, without names of directories.
//!
//! What was made by stages that have a trace is judged by how it was made, too (`dynamic`): there a finding's [`Evidence`]
//! is a process, a command, a file that was read.

mod config;
mod dynamic;
mod elf;
mod error;
mod finding;
mod image;
mod leak;
mod listed;
mod nested;
mod oci;
mod origin;
mod report;
pub mod rules;
mod scan;
mod standard;
mod subject;
#[cfg(test)]
mod tests;
mod text;
mod tree;

use std::collections::BTreeSet;

pub use config::{Allow, Config, Exception, FILE, config_schema};
pub use dynamic::Behind;
pub use elf::Machine;
pub use error::Error;
pub use finding::{Evidence, Finding, Kind, Severity};
pub use leak::{Needles, Surroundings};
pub use listed::Listed;
pub use origin::{Flow, Node, Origin, Role, Step, Traced, Tree};
pub use report::{Counts, Report, SCHEMA, report_schema};
pub use rules::Rule;
pub use standard::{machine_of, standard};

use crate::container::Subject;
use crate::sys::CancelToken;
use tree::{Root, What};

/// What an audit is made with.
#[derive(Debug)]
pub struct Options<'a> {
    /// What is audited, in the user's words.
    pub name: &'a str,
    /// The stage whose output it is.
    pub stage: Option<&'a str>,
    /// The machine that everything has to be for, where the project's file does not say.
    pub machine: Option<Machine>,
    /// The project's file.
    pub config: &'a Config,
    /// What must not be in it: made once for many audits.
    pub needles: &'a Needles,
    /// Whether the report lists all files with their digests, as a page does.
    pub list: bool,
    /// Ends the audit early.
    pub cancel: Option<&'a CancelToken>,
}

/// Audits a subject with all rules.
///
/// # Errors
/// The subject itself cannot be read, or the audit was stopped.
pub fn audit(subject: Subject, options: &Options<'_>) -> Result<Report, Error> {
    audit_with(subject, options, Vec::new())
}

/// Audits what a stage left, with how it was made.
///
/// # Errors
/// The output, a trace or an input of a stage cannot be read.
pub fn audit_built(subject: Subject, options: &Options<'_>, behind: &Behind<'_>) -> Result<Report, Error> {
    audit_with(subject, options, dynamic::judge(behind)?)
}

fn audit_with(subject: Subject, options: &Options<'_>, mut found: Vec<Finding>) -> Result<Report, Error> {
    let Options { name, stage, machine, config, needles, list, cancel } = options;
    let scanner = scan::Scanner { needles, compilers: &config.compilers, list: *list, cancel: *cancel };
    let root = subject::collect(&scanner, subject)?;
    if scanner.is_cancelled() {
        return Err(Error::Cancelled { name: (*name).to_owned() });
    }
    let mut counts = Counts::default();
    take(&root, &mut BTreeSet::new(), &mut found, &mut counts);
    let mut files = Vec::new();
    if *list {
        listed::list(&root, &mut files);
    }
    let mut judge = image::Judge { needles, machine: config.machine.or(*machine), found, outside: BTreeSet::new() };
    for root in oci::images(&root)?.unwrap_or_else(|| vec![root]) {
        judge.subject(&root);
    }
    let image::Judge { found, outside, .. } = judge;
    let mut report = Report::new(name, *stage, config, found, counts);
    report.outside = outside.into_iter().collect();
    report.files = files;
    Ok(report)
}

/// The findings and counts of all files, also of those in archives; each content once.
fn take(root: &Root, seen: &mut BTreeSet<*const tree::Scanned>, found: &mut Vec<Finding>, counts: &mut Counts) {
    for node in root.nodes.values() {
        let file = match &node.what {
            What::File(file) => file,
            What::Symlink(_) => {
                counts.links += 1;
                continue;
            }
            What::Directory | What::Special => continue,
        };
        if !seen.insert(std::sync::Arc::as_ptr(file)) {
            continue;
        }
        counts.files += file.files;
        counts.bytes += file.bytes;
        counts.objects += u64::from(file.elf.is_some());
        counts.scripts += u64::from(file.script.is_some());
        counts.archives += file.roots.len() as u64;
        found.extend(file.findings.iter().cloned());
        for root in &file.roots {
            take(root, seen, found, counts);
        }
    }
}
