//! A process that copies files, and may have copied very many: what it read, by name.

use std::collections::BTreeMap;

use super::class::Class;
use super::index::{Index, Touch};
use crate::trace::{PathId, Ways};

/// What a copying process did, sorted once for all the files that it wrote.
#[derive(Debug)]
pub(super) struct Copier {
    /// What it read as data, by the last part of its path.
    data: BTreeMap<Vec<u8>, Vec<Touch>>,
    others: Vec<(Touch, Class)>,
    /// What was executed.
    pub(super) tools: Vec<Touch>,
}

impl Copier {
    pub(super) fn new(index: &Index, process: u32) -> Self {
        let judge = index.judge(process);
        let mut this = Self { data: BTreeMap::new(), others: Vec::new(), tools: Vec::new() };
        for touch in index.touches(process) {
            if touch.any(Ways::EXECUTED.and(Ways::LOADER)) {
                this.tools.push(*touch);
            }
            match judge.class(index, *touch) {
                Some(Class::Data) => {
                    this.data.entry(index.names.name(touch.path).to_vec()).or_default().push(*touch);
                }
                Some(class) => this.others.push((*touch, class)),
                None => {}
            }
        }
        this
    }

    /// What it read of which it may have made a file of this name: data whose path is most like it, or, when none is,
    /// all data; and what it read otherwise.
    pub(super) fn reads(&self, index: &Index, name: PathId) -> Vec<(Touch, Class)> {
        let same = self.data.get(index.names.name(name)).map_or(&[][..], Vec::as_slice);
        let shared = |touch: &Touch| index.names.shared_end(touch.path, name);
        let most = same.iter().map(shared).max().unwrap_or(0);
        let data: Vec<Touch> = match most {
            0 => self.data.values().flatten().copied().collect(),
            most => same.iter().filter(|touch| shared(touch) == most).copied().collect(),
        };
        let mut reads: Vec<(Touch, Class)> = data.into_iter().map(|touch| (touch, Class::Data)).collect();
        reads.extend(&self.others);
        reads.sort_unstable_by_key(|(touch, _)| touch.path);
        reads
    }
}
