//! Everything has to be for one machine.

use std::collections::BTreeMap;

use super::{files, objects};
use crate::audit::elf::Machine;
use crate::audit::finding::{Evidence, Finding};
use crate::audit::rules;
use crate::audit::tree::Root;

/// The machine of most objects of a root: of those that run, if there are any.
pub(super) fn usual(root: &Root) -> Option<Machine> {
    let mut running: BTreeMap<Machine, usize> = BTreeMap::new();
    let mut all = running.clone();
    for (_, _, elf) in objects(root).filter(|(_, _, elf)| !elf.machine.is_bpf()) {
        *all.entry(elf.machine).or_default() += 1;
        if !elf.is_relocatable() {
            *running.entry(elf.machine).or_default() += 1;
        }
    }
    let counts = if running.is_empty() { all } else { running };
    // Of equally many, the first.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(machine, _)| machine)
}

pub(super) fn check(root: &Root, machine: Option<Machine>, found: &mut Vec<Finding>) {
    let Some(machine) = machine else { return };
    for (_, node, file) in files(root) {
        let Some(elf) = file.elf.as_ref().filter(|elf| elf.machine != machine && !elf.machine.is_bpf()) else {
            continue;
        };
        let finding = Finding::new(
            &rules::WRONG_MACHINE,
            &node.object,
            format!("it is for {}, the system is for {machine}", elf.machine),
        );
        found.push(finding.because(Evidence::value("ELF header", elf.machine.to_string())));
    }
}
