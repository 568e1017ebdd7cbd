//! Stages of this project, as a build would run them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use repro::build::Resolver;
use repro::digest::Digest;
use repro::exec::{Local, Prepared};
use repro::lockfile::Lockfile;
use repro::stage::{Graph, ParamValues};
use repro::store::Store;

/// The store that `REPRO_STORE` names, or the user's.
pub fn store() -> Store {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    let folder = std::env::var_os("REPRO_STORE").map_or_else(|| home.join(".cache/repro"), PathBuf::from);
    Store::open(&folder).expect("the store can be opened")
}

/// All that a stage sees, laid out. What it needs must have been built, and is what the lockfile says.
pub fn prepared(store: &Store, name: &str) -> Prepared {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let graph = Graph::load(root, &ParamValues::default()).expect("the stages are right");
    let lockfile = Lockfile::load(&root.join("lockfile.json")).expect("the lockfile is right");
    let closure = graph.closure(&[name]).expect("there is such a stage");
    let outputs: BTreeMap<String, Digest> = closure
        .into_iter()
        .filter_map(|stage| {
            let output = lockfile.known_output(&stage.name, &graph.target(stage))?;
            Some((stage.name.clone(), output.tree))
        })
        .collect();
    let stage = graph.find(name).expect("there is such a stage");
    let resolver = Resolver::new(store, &graph, &lockfile);
    let (inputs, _) = resolver.inputs(stage, &|need| outputs[need]).expect("its inputs are in the store");
    Local::new(store).prepare(name, &inputs, &stage.limits).expect("its inputs can be laid out")
}

/// The words of the command line that are no options of the test runner: how many rounds, and which stages.
pub fn words(default: &[&str]) -> (usize, Vec<String>) {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rounds: Option<usize> = words.first().and_then(|word| word.parse().ok());
    let named = words.get(usize::from(rounds.is_some())..).unwrap_or_default();
    let default = || default.iter().map(|&name| name.to_owned()).collect();
    (rounds.unwrap_or(3), if named.is_empty() { default() } else { named.to_vec() })
}
