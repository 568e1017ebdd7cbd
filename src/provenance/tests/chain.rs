//! From a delivered file through several stages of a store.

use std::collections::BTreeMap;

use super::Hand;
use crate::digest::Digest;
use crate::digest::reapi::{ActionResult, ExecutedActionMetadata, OutputDirectory};
use crate::provenance::{Answer, Archive, Built, Class, Error, Question, Role, Stages, What, answer_schema, explain};
use crate::stage::{ActionInputs, InputRef, Layer, Limits, SourceInput, Stage, WinInput};
use crate::store::{Store, TreeBuilder};
use crate::trace::Ways;

const MADE: Ways = Ways::WRITTEN.and(Ways::CREATED);

/// `lib` makes a header and a start file of a source, `app` compiles against them, `image` packs what `app` left.
struct World {
    store: Store,
    stages: Vec<Stage>,
    built: BTreeMap<String, (ActionInputs, Digest, Digest)>,
    _folder: tempfile::TempDir,
}

fn stage(name: &str, inputs: &[InputRef]) -> Stage {
    Stage {
        on_demand: false,
        name: name.to_owned(),
        summary: "a stage".to_owned(),
        params: Vec::new(),
        tools: Vec::new(),
        target: Vec::new(),
        inputs: inputs.to_vec(),
        script: "build.sh".to_owned(),
        shell: Vec::new(),
        outputs: None,
        test: false,
        sources: BTreeMap::new(),
        env: BTreeMap::new(),
        wins: Vec::new(),
        level: crate::stage::Level::default(),
        images: std::collections::BTreeMap::new(),
        root: None,
        limits: Limits::default(),
    }
}

fn tree(store: &Store, files: &[(&str, &str)]) -> Digest {
    let mut tree = TreeBuilder::new(store);
    for (path, content) in files {
        match content.strip_prefix("-> ") {
            Some(target) => tree.symlink(path, target),
            None => tree.file(path, 0o644, &mut content.as_bytes()),
        }
        .expect("the tree can be made");
    }
    tree.finish().expect("the tree can be stored")
}

impl World {
    fn add(&mut self, stage: Stage, mut inputs: ActionInputs, output: Digest, trace: Option<&Hand>) {
        inputs.stage_dir = tree(&self.store, &[("build.sh", "make")]);
        let key = Digest::of(stage.name.as_bytes());
        let log = self.store.put_bytes(b"log").expect("the store takes it");
        let trace = trace.map(|hand| self.store.put_bytes(&hand.finish().encode()).expect("the store takes it"));
        let out = OutputDirectory { path: "out".to_owned(), root_directory_digest: Some(output.into()) };
        let result = ActionResult {
            output_directories: vec![out],
            exit_code: 0,
            stdout_digest: Some(log.into()),
            execution_metadata: trace.map(ExecutedActionMetadata::with_trace),
        };
        self.store.put_action(key, &result).expect("the store takes it");
        self.built.insert(stage.name.clone(), (inputs, key, output));
        self.stages.push(stage);
    }

    fn ask(&self, path: &str, stage: Option<&str>, depth: u32) -> Result<Answer, Error> {
        let built = |stage: &Stage| {
            let stage = self.stages.iter().find(|one| one.name == stage.name)?;
            let (inputs, action, output) = self.built.get(&stage.name)?.clone();
            let archive = Archive {
                name: "lib".to_owned(),
                version: "1".to_owned(),
                file: "lib-1.tar".to_owned(),
                digest: Digest::of(b"archive"),
            };
            Some(Built { stage, inputs, action, output, archives: vec![archive] })
        };
        let stages = Stages { store: &self.store, order: self.stages.iter().collect(), built: &built };
        let question =
            Question { asked: path.to_owned(), stage: stage.map(str::to_owned), path: path.to_owned(), depth };
        explain(&stages, &question)
    }
}

fn inputs(tools: &[(&str, Digest)], target: &[(&str, Digest)], inputs: &[(&str, Digest)]) -> ActionInputs {
    let layers = |layers: &[(&str, Digest)]| -> Vec<Layer> {
        layers.iter().map(|(label, tree)| Layer { label: (*label).to_owned(), tree: *tree }).collect()
    };
    ActionInputs {
        tools: layers(tools),
        target: layers(target),
        wins: Vec::new(),
        sources: Vec::new(),
        inputs: layers(inputs),
        stage_dir: Digest::of(b""),
        argv: Vec::new(),
        env: BTreeMap::new(),
        platform: BTreeMap::new(),
    }
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let store = Store::open(&folder.path().join("store")).expect("a store can be made");
    let mut world = World { store, stages: Vec::new(), built: BTreeMap::new(), _folder: folder };
    let seed = tree(
        &world.store,
        &[
            ("usr/bin/cc1", "compiler"),
            ("usr/include/a.h", "of the seed"),
            ("usr/include/sys/b.h", "b"),
            ("usr/bin/cp", "cp"),
        ],
    );
    let newer = tree(&world.store, &[("usr/bin/cc1", "newer compiler")]);

    let source = tree(&world.store, &[("include/a.h", "the header"), ("crt1.c", "start")]);
    let dev = [("dev/usr/include/a.h", "the header"), ("dev/usr/lib/crt1.o", "compiled"), ("run/x", "")];
    let lib = tree(&world.store, &dev);
    let mut hand = Hand::default();
    let cp = hand.process(0, "/usr/bin/cp /src/lib/include/a.h /out/dev/usr/include/a.h");
    hand.has(cp, "/src/lib/include/a.h", Ways::READ);
    hand.has(cp, "/out/dev/usr/include/a.h", MADE);
    let cc1 = hand.process(0, "/usr/bin/cc1 crt1.c");
    hand.has(cc1, "/src/lib/crt1.c", Ways::READ);
    hand.has(cc1, "/src/lib/include/a.h", Ways::READ);
    hand.has(cc1, "/out/dev/usr/lib/crt1.o", MADE);
    let source = SourceInput { name: "lib".to_owned(), tree: source, writable: false };
    let seen = ActionInputs { sources: vec![source], ..inputs(&[("sysroot:seed", seed)], &[], &[]) };
    world.add(stage("lib", &[]), seen, lib, Some(&hand));

    let dev = world.store.subtree(lib, "dev").expect("it can be read").expect("it is there");
    let app = tree(&world.store, &[("bin/app", "the program"), ("bin/other", "another")]);
    let mut hand = Hand::default();
    let cc1 = hand.process(0, "/usr/bin/cc1 -I /target/usr/include -I/usr/include app.c");
    hand.has(cc1, "/target/usr/local/include/a.h", Ways::LOOKED.and(Ways::ABSENT));
    hand.has(cc1, "/target/usr/include/a.h", Ways::READ);
    hand.has(cc1, "/target/usr/local/include/b.h", Ways::LOOKED.and(Ways::ABSENT));
    hand.has(cc1, "/target/usr/include/sys/b.h", Ways::LOOKED.and(Ways::ABSENT));
    hand.has(cc1, "/usr/include/sys/b.h", Ways::READ);
    hand.has(cc1, "/target/usr/lib/crt1.o", Ways::READ);
    hand.has(cc1, "/stage/build.sh", Ways::READ);
    hand.has(cc1, "/usr/share/vanished", Ways::READ);
    hand.has(cc1, "/out/bin/app", MADE);
    let mut seen = inputs(&[("sysroot:seed", seed), ("stage:cc", newer)], &[("stage:lib/dev", dev)], &[]);
    seen.wins = vec![WinInput { path: "usr/bin/*".to_owned(), layer: "stage:cc".to_owned() }];
    world.add(stage("app", &[]), seen, app, Some(&hand));

    let root =
        [("root/bin/app", "the program"), ("root/bin/sh", "-> app"), ("root/usr/bin", "-> ../bin"), ("empty/x", "")];
    let image = tree(&world.store, &root);
    let mut hand = Hand::default();
    let python = hand.process(0, "/usr/bin/python3 /stage/pack.py");
    hand.has(python, "/in/app/bin/app", Ways::READ);
    hand.has(python, "/in/app/bin/other", Ways::READ);
    hand.has(python, "/build/root/bin/app", MADE);
    hand.pause();
    let mv = hand.process(0, "/usr/bin/mv /build/root /out/root");
    hand.has(mv, "/build/root/bin/app", Ways::READ);
    hand.has(mv, "/out/root/bin/app", MADE);
    let part = InputRef::Stage { name: "app".to_owned(), path: String::new() };
    world.add(stage("image", &[part]), inputs(&[], &[], &[("app", app)]), image, Some(&hand));
    world
}

#[test]
fn a_copied_file_is_followed_to_those_who_made_it() {
    let world = world();
    let answer = world.ask("/usr/bin/sh", None, 1).expect("there is an answer");
    assert_eq!((answer.stage.as_str(), answer.path.as_str()), ("image", "root/bin/app"));
    let links: Vec<&str> = answer.links.iter().map(|link| link.target.as_str()).collect();
    assert_eq!(links, ["../bin", "app"]);
    let names: Vec<&str> = answer.stages.iter().map(|made| made.stage.as_str()).collect();
    assert_eq!(names, ["image", "app"]);
    let [image, app] = answer.stages.as_slice() else { panic!("{answer:?}") };
    let [copied] = image.copies.as_slice() else { panic!("{image:?}") };
    assert_eq!((copied.of.input.as_str(), copied.of.place.as_str()), ("stage:app", "bin/app"));
    assert_eq!(
        copied.by.iter().map(|by| by.arguments[0].as_str()).collect::<Vec<_>>(),
        ["/usr/bin/mv", "/usr/bin/python3"]
    );
    // What else was read by the same process is not in it: the content says so.
    assert!(image.files.is_empty() && image.inputs.is_empty());
    let inputs: Vec<_> =
        app.inputs.iter().map(|it| (it.class, it.what, it.role, it.input.as_str(), it.path.as_str())).collect();
    assert_eq!(
        inputs,
        [
            (Class::Data, What::Header, Role::Target, "stage:lib/dev", "/target/usr/include/a.h"),
            (Class::Data, What::Header, Role::Tools, "sysroot:seed", "/usr/include/sys/b.h"),
            (Class::Data, What::StartFile, Role::Target, "stage:lib/dev", "/target/usr/lib/crt1.o"),
            (Class::Data, What::Other, Role::Stage, "stage", "/stage/build.sh"),
            // Two layers have it, and a rule says which one counts.
            (Class::Tool, What::Compiler, Role::Tools, "stage:cc", "/usr/bin/cc1"),
        ]
    );
    assert_eq!(app.inputs[0].digest, Digest::of(b"the header"));
    let search = app.inputs[0].search.as_ref().expect("there was a choice");
    assert_eq!(search.absent, ["/target/usr/local/include"]);
    let lost: Vec<_> = search.lost.iter().map(|lost| (lost.path.as_str(), lost.input.as_str(), lost.digest)).collect();
    assert_eq!(lost, [("/usr/include/a.h", "sysroot:seed", Digest::of(b"of the seed"))]);
    // Only what was asked for by the same name.
    let search = app.inputs[1].search.as_ref().expect("it was looked for");
    assert_eq!((search.absent.as_slice(), search.lost.len()), (&["/target/usr/include".to_owned()][..], 0));
    assert_eq!(app.unknown, ["/usr/share/vanished"]);
    // `cc` is a stage that the question does not know.
    let beyond: Vec<_> = answer.beyond.iter().map(|it| (it.stage.as_str(), it.files, it.untraced)).collect();
    assert_eq!(beyond, [("lib", 2, false)]);
    let value = serde_json::to_value(&answer).expect("an answer is JSON");
    let validator = jsonschema::validator_for(&answer_schema().to_value()).expect("the schema is one");
    assert!(validator.is_valid(&value), "{value}");
}

#[test]
fn deeper_questions_reach_the_sources() {
    let answer = world().ask("/bin/app", None, 2).expect("there is an answer");
    let lib = answer.stages.last().expect("it has stages");
    assert_eq!((lib.stage.as_str(), lib.depth), ("lib", 2));
    assert_eq!(
        lib.copies.iter().map(|it| (it.path.as_str(), it.of.input.as_str())).collect::<Vec<_>>(),
        [("dev/usr/include/a.h", "source:lib")]
    );
    assert_eq!(lib.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["dev/usr/lib/crt1.o"]);
    let data: Vec<&str> = lib.inputs.iter().filter(|it| it.class == Class::Data).map(|it| it.place.as_str()).collect();
    assert_eq!(data, ["crt1.c", "include/a.h"]);
    assert_eq!(lib.archives.iter().map(|archive| archive.file.as_str()).collect::<Vec<_>>(), ["lib-1.tar"]);
    assert!(answer.beyond.is_empty() && answer.stages[1].archives.is_empty());
}

#[test]
fn a_stage_can_be_named_and_what_is_missing_is_said() {
    let mut world = world();
    let answer = world.ask("/bin/app", Some("app"), 1).expect("there is an answer");
    assert_eq!((answer.stage.as_str(), answer.stages.len()), ("app", 1));
    let failure = |result: Result<Answer, Error>| result.expect_err("there is none");
    assert!(matches!(failure(world.ask("/bin/none", Some("app"), 1)), Error::NoFile { .. }));
    assert!(matches!(failure(world.ask("/none", None, 1)), Error::NoFile { similar: None, .. }));
    let hint = failure(world.ask("/usr/local/app", None, 1)).hint();
    assert_eq!(hint.as_deref(), Some("there is `image:/root/bin/app`"));
    assert!(matches!(failure(world.ask("/usr/bin", None, 1)), Error::NotAFile { what: "a folder", .. }));
    assert!(matches!(failure(world.ask("/x", Some("never"), 1)), Error::NotBuilt { .. }));
    // An empty file is like any other empty one: it is no copy of it.
    let answer = world.ask("/empty/x", Some("image"), 1).expect("there is an answer");
    assert!(answer.stages[0].copies.is_empty() && answer.stages[0].processes.is_empty());
    // Built anew, with another result, since the image took it.
    let other = tree(&world.store, &[("bin/app", "another program")]);
    let before = world.built["app"].clone();
    world.built.insert("app".to_owned(), (before.0.clone(), before.1, other));
    assert!(matches!(failure(world.ask("/bin/app", None, 1)), Error::Changed { .. }));
    // Without a trace.
    let key = Digest::of(b"untraced");
    let stage = world.stages.iter().position(|stage| stage.name == "app").expect("it is there");
    let stage = world.stages.remove(stage);
    world.add(stage, before.0, before.2, None);
    assert_ne!(key, world.built["app"].1);
    let error = failure(world.ask("/bin/app", Some("app"), 1));
    assert_eq!(error.hint().as_deref(), Some("`repro trace app` makes one"));
}

/// Set `REPRO_BLESS=1` to write the file instead of comparing it.
#[test]
fn the_checked_in_schema_is_in_step() {
    let path = format!("{}/snapshots/why.schema.json", env!("CARGO_MANIFEST_DIR"));
    let text = format!("{}\n", serde_json::to_string_pretty(&answer_schema().to_value()).expect("a schema is JSON"));
    if std::env::var_os("REPRO_BLESS").is_some() {
        std::fs::write(&path, &text).expect("the schema can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, text, "{path} is out of step: run this test with REPRO_BLESS=1");
}
