//! Rules about what no stage can do where the sandbox holds and nothing is emulated: traces made by hand.

use std::collections::BTreeMap;

use super::*;
use crate::digest::Digest;
use crate::digest::reapi::{ActionResult, ExecutedActionMetadata, OutputDirectory};
use crate::provenance::{Built, Stages};
use crate::stage::{ActionInputs, Layer, Limits, SourceInput, Stage};
use crate::store::{Store, TreeBuilder};
use crate::trace::{Access, NAMELESS, PathEntry, Process, Program, ROOT, Trace, Ways};

const MADE: Ways = Ways::WRITTEN.and(Ways::CREATED);

/// The trace of one process that executed `/usr/bin/cc` and did this.
fn trace(acts: &[(&str, Ways)]) -> Trace {
    let root = PathEntry { parent: ROOT, name: Vec::new() };
    let mut trace = Trace { paths: vec![root.clone(), root], ..Trace::default() };
    let mut ids = BTreeMap::new();
    let mut id = |path: &str| {
        path.split('/').filter(|name| !name.is_empty()).fold(ROOT, |parent, name| {
            *ids.entry((parent, name.to_owned())).or_insert_with(|| {
                trace.paths.push(PathEntry { parent, name: name.as_bytes().to_vec() });
                trace.paths.len() as u32 - 1
            })
        })
    };
    let program = Program {
        order: 1,
        path: id("/usr/bin/cc"),
        directory: id("/build"),
        arguments: vec![b"cc".to_vec()],
        cut: false,
    };
    let mut accesses: Vec<Access> = [("/usr/bin/cc", Ways::EXECUTED)]
        .iter()
        .chain(acts)
        .map(|(path, ways)| {
            let written = ways.any(Ways::CHANGING).then_some((2, 2));
            Access { path: id(path), ways: *ways, read: None, written }
        })
        .collect();
    accesses.sort_by_key(|access| access.path);
    assert!(accesses.iter().all(|access| access.path > NAMELESS));
    trace.processes = vec![Process { start: 1, end: Some(3), programs: vec![program], accesses, ..Process::default() }];
    trace
}

/// The head of an ELF object for this machine (`e_machine`).
fn elf(machine: u8) -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(16, 0);
    head.extend([2, 0, machine, 0]);
    head
}

/// What the audit says of a stage with this trace; it sees `/usr/bin/cc`, `/usr/bin/arm` and a source.
fn judged(trace: Option<&Trace>, writable: bool) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store")).expect("a store");
    let tree = |files: &[(&str, Vec<u8>)]| {
        let mut tree = TreeBuilder::new(&store);
        for (path, bytes) in files {
            tree.file(path, 0o644, &mut bytes.as_slice()).expect("it can be made");
        }
        tree.finish().expect("it can be stored")
    };
    let tools = tree(&[("usr/bin/cc", elf(62)), ("usr/bin/arm", elf(183))]);
    let source = tree(&[("x.c", b"source".to_vec())]);
    let output = tree(&[("x", b"made".to_vec())]);
    let key = Digest::of(b"stage");
    let trace = trace.map(|trace| store.put_bytes(&trace.encode()).expect("it can be stored"));
    let result = ActionResult {
        output_directories: vec![OutputDirectory {
            path: "out".to_owned(),
            root_directory_digest: Some(output.into()),
        }],
        exit_code: 0,
        stdout_digest: Some(store.put_bytes(b"log").expect("it can be stored").into()),
        execution_metadata: trace.map(ExecutedActionMetadata::with_trace),
    };
    store.put_action(key, &result).expect("it can be stored");
    let stage = Stage {
        on_demand: false,
        name: "one".to_owned(),
        summary: String::new(),
        params: Vec::new(),
        tools: Vec::new(),
        target: Vec::new(),
        inputs: Vec::new(),
        script: "build.sh".to_owned(),
        shell: Vec::new(),
        outputs: None,
        test: false,
        sources: BTreeMap::new(),
        env: BTreeMap::new(),
        wins: Vec::new(),
        level: crate::stage::Level::default(),
        images: BTreeMap::new(),
        root: None,
        limits: Limits::default(),
    };
    let inputs = ActionInputs {
        tools: vec![Layer { label: "sysroot:seed".to_owned(), tree: tools }],
        target: Vec::new(),
        wins: Vec::new(),
        sources: vec![SourceInput { name: "x".to_owned(), tree: source, writable }],
        inputs: Vec::new(),
        stage_dir: tree(&[("build.sh", b"cc".to_vec())]),
        argv: Vec::new(),
        env: BTreeMap::new(),
        platform: BTreeMap::from([("arch".to_owned(), "x86_64".to_owned())]),
    };
    let built =
        |_: &Stage| Some(Built { stage: &stage, inputs: inputs.clone(), action: key, output, archives: Vec::new() });
    let stages = Stages { store: &store, order: vec![&stage], built: &built };
    let config = Config::default();
    let needles = Needles::new(&Surroundings::default(), &config.leaks);
    let options = Options {
        name: "one",
        stage: Some("one"),
        machine: None,
        config: &config,
        needles: &needles,
        list: false,
        cancel: None,
    };
    let subject = Subject::Tree { store: store.clone(), digest: output };
    let behind = Behind { stages: &stages, stage: "one", part: "" };
    lines(&audit_built(subject, &options, &behind).expect("it can be audited"))
}

#[test]
fn what_only_a_hole_or_an_emulator_allows() {
    let with = |acts: &[(&str, Ways)]| {
        let usual = [("/src/x/x.c", Ways::READ), ("/out/x", MADE), ("/build/x.o", MADE.and(Ways::READ))];
        trace(&[&usual, acts].concat())
    };
    assert_eq!(judged(Some(&with(&[("/proc/self/maps", Ways::READ), ("/none", Ways::ABSENT)])), false), [""; 0]);
    assert_eq!(judged(None, false), ["not-traced one:"]);
    assert_eq!(judged(Some(&with(&[("/etc/passwd", Ways::READ)])), false), ["undeclared-read one:/etc/passwd"]);
    assert_eq!(judged(Some(&with(&[("/usr/bin/arm", Ways::EXECUTED)])), false), ["foreign-execution one:/usr/bin/arm"]);
    let written = with(&[("/src/x/new", MADE)]);
    assert_eq!(judged(Some(&written), false), ["source-written one:src/x"]);
    assert_eq!(judged(Some(&written), true), [""; 0]);
    // Nothing of the source was used.
    assert_eq!(judged(Some(&trace(&[("/out/x", MADE)])), false), ["input-unused one:source:x"]);
}
