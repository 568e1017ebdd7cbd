//! A real compilation with this host's compiler, in a sandbox on its `/usr`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::provenance::class::Class;
use crate::provenance::index::Index;
use crate::sandbox::tests::host;
use crate::sandbox::{CancelToken, Launchers, Limits, Outcome, RunIo, StagePlan};
use crate::trace::Recorder;

/// The trace of a script, which sees these files in `/src/p`.
fn traced(script: &str, files: &[(&str, &str)]) -> Index {
    let root = host::links();
    let source = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, content) in files {
        std::fs::write(source.path().join(name), content).expect("the folder is new");
    }
    let limits = Limits { scratch: 1 << 30, inodes: 100_000, time: Duration::from_secs(300), ..Limits::default() };
    let stage = StagePlan {
        sources: vec![("p".to_owned(), source.path().to_owned(), false)],
        ..host::stage(root.path(), &["/bin/sh", "-euc", script], limits)
    };
    let plan = host::plan(&stage);
    let cancel = CancelToken::new().expect("descriptors are free");
    let recorder = Recorder::start();
    let recording = recorder.begin("test", &plan).expect("there is room for one more");
    let mut log = Vec::new();
    let finished = plan.run(
        &Launchers::new(),
        RunIo {
            log: &mut |bytes| log.extend_from_slice(bytes),
            jobserver: None,
            cancel: &cancel,
            tracing: recording.tracing(),
            terminal: None,
        },
    );
    let finished = finished.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
    assert_eq!(finished.outcome, Outcome::Exited(0), "{}", String::from_utf8_lossy(&log));
    Index::new(&recording.finish().expect("it was recorded").encode()).expect("it is a trace")
}

fn reached(index: &mut Index, path: &str) -> BTreeMap<String, Class> {
    index.reach(path).into_iter().map(|reach| (reach.path, reach.class)).collect()
}

#[test]
fn a_program_is_made_of_its_sources_headers_start_files_and_libraries() {
    if !std::path::Path::new("/usr/bin/gcc").exists() {
        eprintln!("SKIPPED: this host has no compiler");
        assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
        return;
    }
    let script = "
        version=$(cat /src/p/VERSION)
        sed -e 's/@V@/1/' /src/p/config.in >config.h
        gcc -pipe -I. -c /src/p/a.c -o a.o
        gcc -I. -DV=$version -c /src/p/b.c
        cp b.o kept.o; mv kept.o moved.o; ln moved.o linked.o
        ar rc lib.a linked.o
        gcc -o unstripped a.o lib.a
        cat unstripped | cat >program
        mkdir -p /out/bin; install -m 755 program /out/bin/program
        grep b /src/p/unused >/out/unused
        exec cp /src/p/a.c /out/copy";
    let mut index = traced(
        script,
        &[
            ("VERSION", "3\n"),
            ("config.in", "#define N @V@\n"),
            (
                "a.c",
                "#include <stdio.h>\n#include \"config.h\"\nint b(void);\nint main(void) { return puts(\"\") + b() + N; }\n",
            ),
            ("b.c", "#include \"b.h\"\nint b(void) { return B + V; }\n"),
            ("b.h", "#define B 1\n"),
            ("unused", "b\n"),
        ],
    );
    let found = reached(&mut index, "/out/bin/program");
    for name in ["/src/p/a.c", "/src/p/b.c", "/src/p/b.h", "/src/p/config.in", "/usr/include/stdio.h"] {
        assert_eq!(found.get(name), Some(&Class::Data), "{name}: {found:?}");
    }
    let class_of = |end: &str| {
        let found: Vec<&Class> = found.iter().filter(|(path, _)| path.ends_with(end)).map(|(_, class)| class).collect();
        assert!(!found.is_empty(), "no path ends with `{end}`");
        found.into_iter().min().copied()
    };
    for end in ["crt1.o", "/crti.o", "/libgcc.a"] {
        assert_eq!(class_of(end), Some(Class::Data), "{end}: {found:?}");
    }
    for end in ["/cc1", "-linux-gnu-as", "/sed", "/install"] {
        assert_eq!(class_of(end), Some(Class::Tool), "{end}: {found:?}");
    }
    assert_eq!(found.get("/src/p/VERSION"), Some(&Class::Control), "{found:?}");
    assert!(!found.contains_key("/src/p/unused"), "{found:?}");
    let data = |index: &mut Index, path: &str| -> Vec<String> {
        let own = |path: &String| path.starts_with("/build/") || path.starts_with("/out/");
        let found = reached(index, path).into_iter();
        found.filter(|(path, class)| *class == Class::Data && !own(path)).map(|(path, _)| path).collect()
    };
    assert_eq!(data(&mut index, "/out/unused"), ["/src/p/unused"]);
    assert_eq!(data(&mut index, "/out/copy"), ["/src/p/a.c"]);
}
