//! Rules on files that a test can write by itself; objects of compilers are judged by `tests/cli/audit.rs`.

mod config;
mod guards;
mod images;
mod modes;
mod views;

use std::path::Path;

use super::*;

/// The findings of a folder, as `rule object`.
fn judged(folder: &Path) -> Vec<String> {
    lines(&report(folder, &Config::default()))
}

fn lines(report: &Report) -> Vec<String> {
    report.findings.iter().map(|finding| format!("{} {}", finding.rule.id, finding.object)).collect()
}

fn report(path: &Path, config: &Config) -> Report {
    let needles = Needles::new(&Surroundings::default(), &config.leaks);
    let options =
        Options { name: "subject", stage: None, machine: None, config, needles: &needles, list: false, cancel: None };
    audit(Subject::open(path).expect("the subject is there"), &options).expect("it can be audited")
}

fn write(folder: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("folders can be made");
    std::fs::write(path, bytes).expect("files can be written");
}
