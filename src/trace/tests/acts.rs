//! Every way in which a process can get at a file or become another program.

use super::*;

const W: Ways = Ways::WRITTEN;

/// How many processes `acts.c` kills.
const KILLED: usize = 50;

#[test]
fn a_script_and_what_it_runs() {
    let t = sh("echo one > a; cat a > b; mv b c; ln c d; ln -s d e; cat e >/dev/null; rm c\n\
         mkdir f; cd f; cat ../a > g; chmod 755 g; ls /build >/dev/null; cat /absent 2>/dev/null || true\n\
         [ -e /nothing/here ] || true; printf '#!/bin/sh\\ncat /build/a\\n' > s; chmod +x s; ./s | cat > piped");
    t.has("/build/a", &[W, Ways::CREATED, Ways::READ]);
    t.has("/build/b", &[W, Ways::CREATED, Ways::MOVED_FROM, Ways::REMOVED]);
    t.has("/build/c", &[Ways::MOVED_TO, Ways::MOVED_FROM, Ways::REMOVED]);
    t.has("/build/d", &[Ways::MOVED_TO, Ways::READ]);
    t.has("/build/e", &[Ways::CREATED, Ways::FOLLOWED]);
    assert!(!t.all("/build/e").any(Ways::READ), "the link itself is not read");
    t.has("/build/f", &[Ways::CREATED, Ways::ENTERED]);
    t.has("/build/f/g", &[W, Ways::CREATED, Ways::CHANGED]);
    t.has("/build", &[Ways::LISTED]);
    t.has("/absent", &[Ways::ABSENT]);
    t.has("/nothing/here", &[Ways::ABSENT]);
    t.has("/build/f/s", &[Ways::EXECUTED, Ways::READ]);
    t.has("/usr/bin/dash", &[Ways::EXECUTED, Ways::LOADER]);
    t.has("/bin", &[Ways::FOLLOWED]);
    t.has("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", &[Ways::LOADER]);
    t.has("/build/f/piped", &[W, Ways::STANDARD]);
    let moves: Vec<_> =
        t.trace.moves.iter().map(|one| (one.kind, t.trace.path(one.from), t.trace.path(one.to))).collect();
    assert_eq!(moves[0], (MoveKind::Rename, b"/build/b".to_vec(), b"/build/c".to_vec()));
    assert_eq!(moves[1], (MoveKind::Link, b"/build/c".to_vec(), b"/build/d".to_vec()));
    // The script's output and the input of what follows are one pipe.
    let pipes = |process: &Process, way: Ways| {
        let nameless = |access: &&Access| t.trace.paths[access.path as usize].parent == NAMELESS;
        let found = process.accesses.iter().filter(|access| access.ways.any(way)).filter(nameless);
        found.map(|access| access.path).collect::<Vec<_>>()
    };
    let written = pipes(t.named("./s")[0], W);
    let readers = t.trace.processes.iter().flat_map(|process| pipes(process, Ways::READ));
    assert_eq!(readers.filter(|pipe| written.contains(pipe)).count(), 1);
    // The first process is the stage's program, from the working directory, with its arguments.
    let first = &t.trace.processes[0];
    assert_eq!(first.parent, 0);
    assert_eq!(first.exit, Exit::Code(0));
    assert_eq!(first.programs[0].arguments[0], b"/bin/sh");
    assert_eq!(t.trace.path(first.programs[0].path), b"/usr/bin/dash");
    assert_eq!(t.trace.path(first.programs[0].directory), b"/build");
    assert_eq!(t.trace.calls.get(&CallKind::Unread), None);
}

#[test]
fn whatever_a_program_can_do() {
    if !Path::new("/usr/bin/gcc").exists() {
        return skipped("programs of all kinds", "there is no C compiler");
    }
    for flags in ["", "-static"] {
        let source = include_str!("acts.c");
        let script = format!(
            "cat > acts.c <<'END'\n{source}\nEND\ngcc -w {flags} -pthread -DKILLED={KILLED} -o acts acts.c; code=0; ./acts || code=$?; [ $code = 5 ]"
        );
        observed_all(&sh(&script));
    }
}

fn observed_all(t: &Traced) {
    for index in 0..8 {
        t.has(&format!("/build/dir/thread{index}"), &[W, Ways::CREATED]);
    }
    for name in ["by-descriptor", "over-a-boundary", "at-the-end", "after-chdir", "after-fchdir", "of-child"] {
        t.has(&format!("/build/dir/{name}"), &[W, Ways::CREATED]);
    }
    t.has("/build/dir/through-proc", &[W]);
    assert!(t.of(b"/build/dir/\xff\xfe", |_| true).any(W));
    assert_eq!(t.trace.calls.get(&CallKind::Unread), Some(&1), "the path that lies nowhere");
    let of_program: Vec<_> = t.named("./acts");
    assert_eq!(of_program.len(), 1);
    let parent = of_program[0];
    let number = t.trace.processes.iter().position(|process| process == parent).unwrap() as u32 + 1;
    assert_eq!(parent.exit, Exit::Code(5));
    assert!(t.of(b"/usr/bin/absent-program", |process| process == parent).any(Ways::ABSENT));
    for name in ["vforked", "spawned", "by-descriptor", "below"] {
        let found = t.named(name);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].parent, number, "{name}");
        assert_eq!(t.trace.path(found[0].programs.last().unwrap().path), b"/usr/bin/true", "{name}");
        assert_eq!(found[0].exit, Exit::Code(0), "{name}");
    }
    let of = |path: &str| {
        let has = |process: &&Process| {
            process.accesses.iter().any(|a| t.trace.path(a.path) == path.as_bytes() && a.ways.any(W))
        };
        t.trace.processes.iter().find(has).unwrap_or_else(|| panic!("nobody wrote {path}"))
    };
    assert_eq!((of("/build/dir/of-child").exit, of("/build/dir/of-child").parent), (Exit::Code(7), number));
    let orphan = of("/build/of-orphan");
    assert_eq!(orphan.exit, Exit::Code(3));
    assert_eq!(t.trace.processes[orphan.parent as usize - 1].parent, number, "its parent had ended");
    let killed = t.trace.processes.iter().filter(|process| {
        process.accesses.iter().any(|a| t.trace.path(a.path) == b"/build/until-killed" && a.ways.any(Ways::ABSENT))
    });
    assert!(killed.clone().all(|process| process.exit == Exit::Signal(9) && process.end.is_some()));
    assert_eq!(killed.count(), KILLED);
    t.has("/build/of-parent", &[W, Ways::MOVED_FROM]);
    t.has("/build/renamed", &[Ways::MOVED_TO, Ways::READ, W]);
    t.has("/build/symbolic", &[Ways::CREATED, Ways::FOLLOWED]);
    t.has("/build/dir/linked", &[Ways::MOVED_TO, Ways::REMOVED]);
    t.has("/build/moved/after-chdir", &[Ways::READ]);
    t.has("/build/gone", &[Ways::CREATED, Ways::ENTERED, Ways::REMOVED]);
    t.has("/build/gone/in-nothing", &[Ways::ABSENT]);
}

#[test]
fn ten_thousand_quick_processes() {
    let t = sh("i=0; while [ $i -lt 10000 ]; do (:); i=$((i+1)); done; (exit 9) || true");
    assert_eq!(t.trace.processes.len(), 10_002);
    assert!(t.trace.processes[1..].iter().all(|process| process.parent == 1 && process.end.is_some()));
    assert_eq!(t.trace.processes.last().unwrap().exit, Exit::Code(9));
    // A few bytes for a process, however little it did.
    assert!(t.trace.encode().len() < 100_000, "{}", t.trace.encode().len());
}

#[test]
fn arguments_that_are_long_or_many() {
    let t = sh("true $(seq 1 3000); true $(head -c 20000 /dev/zero | tr '\\0' x); true $(seq 1 40000) || true\n\
         /usr/bin/true $(seq 1 3000); /usr/bin/true $(head -c 20000 /dev/zero | tr '\\0' x)\n\
         /usr/bin/true $(seq 1 30000)");
    let programs: Vec<&Program> = t.named("/usr/bin/true").into_iter().flat_map(|process| &process.programs).collect();
    assert_eq!(programs.len(), 3);
    assert_eq!(programs[0].arguments.len(), 3001);
    assert_eq!(programs[0].arguments[3000], b"3000");
    assert_eq!(programs[1].arguments[1].len(), 20_000);
    assert!(!programs[0].cut && !programs[1].cut && programs[2].cut);
}

#[test]
fn the_same_stage_gives_the_same_trace() {
    let once = || {
        let t = sh(
            "cat /etc/none 2>/dev/null || true; echo x > a; cp a b; for i in 1 2 3; do cat b >> c; done; sort c | uniq > d",
        );
        let mut files: BTreeMap<Vec<u8>, Ways> = BTreeMap::new();
        for access in t.trace.processes.iter().flat_map(|process| &process.accesses) {
            let path = t.trace.path(access.path);
            let ways = files.entry(path).or_default();
            *ways = ways.and(access.ways);
        }
        (t.trace.processes.len(), files)
    };
    assert_eq!(once(), once());
}

#[test]
fn a_trace_with_a_hole_is_no_trace() {
    if !host::is_root() {
        return host::skipped("losing events", "a tracer loses none");
    }
    let recorder = Recorder::small();
    let script = "i=0; while [ $i -lt 2000 ]; do [ -e /nothing/$i ] || i=$((i+1)); done; echo done";
    let (observed, finished, log) = recorded(&recorder, &["/bin/sh", "-euc", script], &[]);
    assert_eq!((finished.outcome, log.as_str()), (Outcome::Exited(0), "done\n"), "the stage itself is not concerned");
    let error = observed.expect_err("the ring holds some hundred events");
    assert!(error.to_string().contains("events were lost"), "{error}");
    // The next one is whole.
    let (observed, ..) = recorded(&recorder, &["/usr/bin/true"], &[]);
    assert_eq!(observed.map(|(trace, _)| trace.processes.len()).expect("few events fit"), 1);
}

#[test]
fn stages_are_told_apart() {
    let scripts: Vec<String> =
        (0..8).map(|number| format!("for i in 1 2 3 4 5; do cat /own/{number} || true; done 2>/dev/null")).collect();
    std::thread::scope(|scope| {
        let run = |script: &'static str| scope.spawn(move || sh(script));
        let threads: Vec<_> = scripts.iter().map(|script| run(script.clone().leak())).collect();
        for (number, thread) in threads.into_iter().enumerate() {
            let t = thread.join().expect("no test panics");
            for other in 0..8 {
                let seen = t.all(&format!("/own/{other}")).any(Ways::ABSENT);
                assert_eq!(seen, other == number, "{number} {other}");
            }
        }
    });
}
