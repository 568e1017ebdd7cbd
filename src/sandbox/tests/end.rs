//! Nothing outlives a stage, and no stage outlives its caller.

use std::io::BufRead;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::*;
use crate::sys::tests::alone;

/// Set for the helper process, to the word that its stage's processes carry.
const HELD: &str = "REPRO_TEST_HELD";

fn word(name: &str) -> String {
    format!("repro-{name}-{}-{}", std::process::id(), rustix::process::geteuid().as_raw())
}

#[test]
fn stubborn_processes_are_gone() {
    // Daemons by double fork and setsid, deaf to every signal that can be ignored, holding the log.
    let word = word("stubborn");
    let script = format!(
        "
import os, signal, sys
for kind in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for s in range(1, 32):
                if s not in (9, 19):
                    signal.signal(s, signal.SIG_IGN)
            open('/out/%d' % kind, 'w')
            os.execvp('python3', ['python3', '-ISc', 'import time; time.sleep(1000)', '{word}'])
        os._exit(0)
while len(os.listdir('/out')) < 5:
    pass
"
    );
    let begin = Instant::now();
    let (finished, _) = Stage::python(&script).run();
    assert_eq!(finished.outcome, Outcome::Exited(0));
    assert_eq!(processes_with(&word), 0);
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn cancelling_stops_at_once() {
    let cancel = CancelToken::new().unwrap();
    assert!(!cancel.is_cancelled());
    let later = cancel.clone();
    let word = word("cancelled");
    let plan = Stage::of(&["/usr/bin/python3", "-ISc", "import time; print(1, flush=True); time.sleep(1000)", &word]);
    let (stands, standing) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        standing.recv().unwrap();
        let begin = Instant::now();
        later.cancel();
        begin
    });
    let mut log = |_: &[u8]| stands.send(()).unwrap();
    let io = RunIo { log: &mut log, jobserver: None, cancel: &cancel, tracing: Tracing::Off, terminal: None };
    let finished = plan.plan().run(&Launchers::new(), io).unwrap();
    drop(stands);
    let begin = thread.join().unwrap();
    assert_eq!(finished.outcome, Outcome::Cancelled);
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(processes_with(&word), 0);
    assert!(cancel.is_cancelled());
    // A cancelled token stops what starts later, too.
    match run(&plan.plan(), None, &cancel) {
        Ok((finished, _)) => assert_eq!(finished.outcome, Outcome::Cancelled),
        Err(error) => assert!(matches!(error, Error::CancelledEarly), "{error}"),
    }
}

/// Not a test by itself: what the helper process of the next one runs.
#[test]
fn held_stage() {
    let Some(word) = std::env::var_os(HELD) else { return };
    let script = "
import os, signal, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('stands', flush=True)
time.sleep(1000)
";
    let stage = Stage::of(&["/usr/bin/python3", "-ISc", script, &word.to_string_lossy()]);
    let cancel = CancelToken::new().unwrap();
    let mut log = |bytes: &[u8]| println!("{}", String::from_utf8_lossy(bytes));
    stage
        .plan()
        .run(
            &Launchers::new(),
            RunIo { log: &mut log, jobserver: None, cancel: &cancel, tracing: Tracing::Off, terminal: None },
        )
        .unwrap();
}

#[test]
fn nothing_outlives_a_killed_caller() {
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap().lines().count();
    let before = mounts();
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let word = format!("{}-{round}", word("held"));
        let mut helper = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox::tests::end::held_stage", "--nocapture"])
            .env(HELD, &word)
            // What the helper cannot remove any more goes with this.
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The first rounds kill it at some moment of the start, the others when the stage stands.
        if round < 2 {
            std::thread::sleep(Duration::from_millis(5 * round));
        } else {
            let mut lines = std::io::BufReader::new(helper.stdout.take().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().contains("stands")));
            assert_eq!(processes_with(&word), 2, "the stage has two processes");
        }
        helper.kill().unwrap();
        helper.wait().unwrap();
        assert!(within(Duration::from_secs(1), || processes_with(&word) == 0), "round {round}");
    }
    assert_eq!(mounts(), before);
}

#[test]
fn many_runs_leave_nothing_behind() {
    // Other tests have descriptors of their own.
    if !alone("sandbox::tests::end::many_runs_leave_nothing_behind") {
        return;
    }
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let stage = Stage::sh("true");
    stage.output();
    let before = count();
    for _ in 0..20 {
        stage.output();
    }
    assert_eq!(count(), before);
}

#[test]
fn stages_run_side_by_side() {
    std::thread::scope(|scope| {
        let run = |number: u32| {
            move || {
                let script = format!("echo {number} > /build/n; sleep 0.1; cat /build/n; ls /proc | grep -c '^[0-9]'");
                Stage::sh(&script).output()
            }
        };
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(run(number))).collect();
        for (number, thread) in threads.into_iter().enumerate() {
            assert!(thread.join().unwrap().starts_with(&format!("{number}\n")));
        }
    });
}
