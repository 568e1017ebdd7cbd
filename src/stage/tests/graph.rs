//! What a good project gives.

use std::time::{Duration, Instant};

use super::{Project, SEED};
use crate::stage::{FileKind, Graph, InputRef, ParamValues, StageFile};
use crate::sys::tests::alone;

fn names<'a>(stages: impl IntoIterator<Item = &'a crate::stage::Stage>) -> Vec<&'a str> {
    stages.into_iter().map(|stage| stage.name.as_str()).collect()
}

/// a <- b <- d, a <- c <- d, e alone; t tests d.
fn diamond() -> Project {
    let project = Project::new();
    project.stage("a", "").stage("b", "target = [\"stage:a\"]").stage("c", "inputs = [\"stage:a\"]");
    project.stage("d", "tools = []\n".replace("tools = []\n", "target = [\"stage:c\", \"stage:b\"]").as_str());
    project.stage("e", "[sources.gcc]").stage("t", "test = true\ninputs = [\"stage:d\"]\n[sources.musl]");
    project
}

#[test]
fn every_key_is_read() {
    let project = Project::full();
    let graph = project.graph();
    let stage = graph.stage("full").expect("the stage is there");
    let path = "dev".to_owned();
    let musl = InputRef::Stage { name: "musl".to_owned(), path };
    assert_eq!(stage.params, ["arch", "profile"]);
    assert_eq!(stage.tools[0], InputRef::Sysroot("seed".to_owned()));
    assert_eq!(stage.target, std::slice::from_ref(&musl));
    assert_eq!(stage.inputs[0].to_string(), "stage:rootfs");
    assert_eq!(stage.argv(), ["/bin/sh", "-e", "/stage/make.sh"]);
    assert_eq!(stage.outputs, Some(vec!["dev".to_owned(), "tools".to_owned()]));
    assert_eq!(stage.env["CFLAGS"], "-O2 --target=x86_64 ${HOME} {}");
    assert_eq!((stage.wins[0].path.as_str(), &stage.wins[0].input), ("usr/include/x86_64/*.h", &musl));
    assert!(stage.sources["gcc"].writable && stage.sources["gcc"].unpack && !stage.sources["musl"].unpack);
    assert_eq!(stage.sources["gcc"].inner.as_deref(), Some("gcc-12.2.0.tar.xz"));
    let limits = &stage.limits;
    assert_eq!((limits.time, limits.silence), (Duration::from_secs(5400), Duration::from_secs(90)));
    assert_eq!((limits.processes, limits.memory), (100, 2 << 30));
    assert_eq!((limits.scratch, limits.inodes), (512 << 20, 1000));
    let env = stage.environment(graph.params());
    assert_eq!((env["REPRO_ARCH"].as_str(), env["REPRO_PROFILE"].as_str()), ("x86_64", "default"));
    assert_eq!((env["TZ"].as_str(), env.len()), ("UTC", 10));
    assert_eq!(graph.sources()["musl"].file_name(), "musl_1.2.3.orig.tar.gz");
}

#[test]
fn defaults() {
    let project = Project::new();
    let graph = project.stage("a", "").graph();
    let stage = graph.stage("a").expect("the stage is there");
    assert_eq!(stage.argv(), ["/bin/sh", "-eu", "/stage/build.sh"]);
    assert_eq!(stage.limits, crate::stage::Limits::default());
    assert_eq!((stage.test, &stage.outputs), (false, &None));
    assert!(!stage.environment(graph.params()).keys().any(|name| name.starts_with("REPRO_")));
}

#[test]
fn order_needs_and_closure() {
    let project = diamond();
    let graph = project.graph();
    assert_eq!(names(graph.stages()), ["a", "b", "c", "d", "e", "t"]);
    assert_eq!(names(graph.order()), ["a", "b", "c", "d", "e", "t"]);
    assert_eq!(names(graph.needs("d")), ["b", "c"]);
    assert_eq!(names(graph.closure(&["d"]).expect("d is a stage")), ["a", "b", "c", "d"]);
    assert_eq!(graph.users()["a"], ["b", "c"]);
    assert_eq!(graph.default_targets(), ["t"]);
    // What a test tests is delivered, and neither the test nor what else is below it.
    assert_eq!(graph.products(&["t", "e", "d", "none"]).into_iter().collect::<Vec<_>>(), ["d", "e"]);
    assert_eq!(graph.delivered().into_iter().collect::<Vec<_>>(), ["d", "e"]);
    let closure = graph.closure(&["t"]).expect("t is a stage");
    assert_eq!(graph.sources_of(closure.iter().copied()).into_iter().collect::<Vec<_>>(), ["musl"]);
    assert_eq!(graph.sysroots_of(closure).into_iter().collect::<Vec<_>>(), ["seed"]);
    let unknown = graph.closure(&["dd"]).expect_err("dd is no stage");
    assert_eq!(
        (unknown.to_string(), unknown.hint()),
        ("find stage `dd`: there is no such stage".to_owned(), Some("did you mean `d`?".to_owned()))
    );
}

#[test]
fn without_tests_the_leaves_are_built() {
    let project = Project::new();
    project.stage("a", "").stage("b", "target = [\"stage:a\"]").stage("c", "");
    assert_eq!(project.graph().default_targets(), ["b", "c"]);
}

#[test]
fn renderings() {
    let project = diamond();
    let graph = project.graph();
    let text = [
        graph.to_tree(&["t", "e"]).expect("both are stages"),
        graph.to_dot(&["t"]).expect("t is a stage"),
        graph.to_json(&["b"]).expect("b is a stage"),
    ];
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_renderings", text.join("\n"));
    });
}

#[test]
fn combinations_of_parameters() {
    let all: Vec<String> = ParamValues::all().iter().map(ParamValues::label).collect();
    assert_eq!((all.len(), all[0].as_str()), (24, "x86_64-musl-release-default"));
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 24);
}

#[test]
fn parameters_are_checked() {
    let values = ParamValues::parse(&["profile=minimal"]).expect("minimal is a profile");
    assert_eq!((values.get("profile"), values.label().as_str()), (Some("minimal"), "x86_64-musl-release-minimal"));
    for (setting, message, hint) in [
        ("profile", "no `=`", "write it as"),
        ("profil=default", "there is no such parameter", "did you mean `profile`?"),
        ("profile=minimum", "it takes default or minimal or devel", "did you mean `minimal`?"),
    ] {
        let error = ParamValues::parse(&[setting]).expect_err("the setting is wrong");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error:?}");
    }
}

#[test]
fn sysroots_take_over_what_they_extend() {
    let project = Project::new();
    project.stage("a", "");
    project.write(
        "sysroots/imaging.toml",
        "schema = 1\nsummary = \"s\"\nextends = [\"seed\"]\npackages = [\"gcc-12\", \"xorriso\"]\n\
         links = [{ path = \"usr/bin/cc\", to = \"other\" }]\ndirs = [\"mnt\"]\n",
    );
    let graph = project.graph();
    let (seed, imaging) = (&graph.sysroots()["seed"], &graph.sysroots()["imaging"]);
    assert_eq!((imaging.archive.as_str(), imaging.summary.as_str()), ("debian", "s"));
    assert_eq!(imaging.packages, ["gcc-12", "g++-12", "xorriso"]);
    assert_eq!(imaging.dirs, ["tmp", "mnt"]);
    assert_eq!((imaging.links.len(), imaging.links[0].to.as_str()), (1, "other"));
    assert_eq!((imaging.files.as_slice(), imaging.files[1].mode), (seed.files.as_slice(), 0o755));
    assert!(imaging.exclude.is_empty() && imaging.wins.is_empty());
    assert!(SEED.contains("exclude") && seed.exclude == ["dpkg"]);
    assert_eq!(graph.archives()["debian"].suite, "bookworm");
}

#[test]
fn the_files_of_a_stage() {
    let project = Project::new();
    project.stage("a", "").write("stages/a/patches/b.patch", "").write("stages/a/patches/stage.toml", "");
    let folder = project.path().join("stages/a");
    std::fs::create_dir(folder.join("empty")).expect("a folder can be made");
    std::os::unix::fs::symlink("../outside", folder.join("link")).expect("a link can be made");
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(folder.join("build.sh"), mode).expect("the mode can be set");
    let file = |path: &str, mode| StageFile { path: path.to_owned(), kind: FileKind::File { mode } };
    let link = FileKind::Symlink { target: "../outside".to_owned() };
    assert_eq!(
        project.graph().stage_tree_files("a").expect("the folder can be read"),
        [
            file("build.sh", 0o755),
            StageFile { path: "link".to_owned(), kind: link },
            file("patches/b.patch", 0o644),
            file("patches/stage.toml", 0o644)
        ]
    );
    let fifo = std::ffi::CString::new(folder.join("fifo").display().to_string()).expect("no NUL");
    nix::unistd::mkfifo(fifo.as_c_str(), nix::sys::stat::Mode::S_IRUSR).expect("a fifo can be made");
    assert!(project.mistakes().contains("neither a file, a directory nor a symbolic link"));
}

/// A project of `count` stages, each taking the outputs of up to three before it.
fn many(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Project {
    let project = Project::new();
    for at in 0..count {
        let needs: Vec<String> = needs(at).into_iter().map(|need| format!("\"stage:s{need:05}\"")).collect();
        project
            .stage(&format!("s{at:05}"), &format!("target = [{}]\n[env]\nA = \"1\"\n[sources.gcc]", needs.join(", ")));
    }
    project
}

fn timed(project: &Project) -> (Result<Graph, crate::stage::Mistakes>, Duration) {
    let start = Instant::now();
    let result = project.load();
    (result, start.elapsed())
}

/// Processor time of this process so far.
fn processor() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("it is always known").into()
}

/// The machine may be busy: processor time is compared, of a process that does nothing else, and as a ratio only.
#[test]
fn ten_thousand_stages_load_without_quadratic_steps() {
    if !alone("stage::tests::graph::ten_thousand_stages_load_without_quadratic_steps") {
        return;
    }
    let needs = |at: usize| [1, 7, 100].iter().filter_map(|back| at.checked_sub(*back)).collect();
    let (small, large) = (many(2_500, needs), many(10_000, needs));
    let mut times = Vec::new();
    for project in [&small, &large] {
        let once = || {
            let before = processor();
            drop(project.graph());
            processor() - before
        };
        times.push((0..3).map(|_| once()).min().expect("three runs"));
    }
    let graph = large.graph();
    assert_eq!(graph.order().count(), 10_000);
    assert_eq!(graph.closure(&["s09999"]).expect("it is a stage").len(), 10_000);
    // Four times as many: linear gives a ratio of 4, quadratic 16.
    assert!(times[1] < times[0] * 9, "{times:?}");
}

#[test]
fn ten_thousand_mistakes_and_one_large_knot_are_no_trouble() {
    let ring = many(4_000, |at| vec![(at + 1) % 4_000]);
    let (result, time) = timed(&ring);
    let mistakes = result.expect_err("the ring is a cycle").list;
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].message.matches("->").count(), 4_000);
    assert!(time < Duration::from_secs(20), "{time:?}");
    let unknown = many(4_000, |at| vec![50_000 + at]);
    let (result, time) = timed(&unknown);
    assert_eq!(result.expect_err("no name is known").list.len(), 4_000);
    assert!(time < Duration::from_secs(20), "{time:?}");
}
