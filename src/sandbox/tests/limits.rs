//! What happens at each limit.

use std::time::Instant;

use super::*;

/// The stage's outcome, which must come at most a second after the limit.
fn stopped(stage: &Stage, limit: Duration) -> Outcome {
    let begin = Instant::now();
    let (finished, _) = stage.run();
    let took = begin.elapsed();
    assert!(took >= limit && took < limit + Duration::from_secs(1), "took {took:?}");
    finished.outcome
}

const SHORT: Duration = Duration::from_millis(400);

#[test]
fn a_busy_stage_runs_out_of_time() {
    let stage = Stage::sh("while :; do echo busy; sleep 0.01; done").limits(|l| l.time = SHORT);
    assert_eq!(stopped(&stage, SHORT), Outcome::TimedOut);
}

#[test]
fn a_silent_stage_is_noticed() {
    let stage = Stage::sh("sleep 100").limits(|l| l.silence = SHORT);
    assert_eq!(stopped(&stage, SHORT), Outcome::Silent);
}

#[test]
fn a_stopped_stage_runs_out_of_time() {
    let stage = Stage::sh("kill -STOP $$").limits(|l| l.time = SHORT);
    assert_eq!(stopped(&stage, SHORT), Outcome::TimedOut);
}

#[test]
fn results_survive_being_stopped() {
    // It says too much once there is something to survive; a limit of time might come before.
    let stage = Stage::sh("echo half > /build/h; echo too much; sleep 100").limits(|l| l.log = 1);
    let (finished, _) = stage.run();
    assert_eq!(finished.outcome, Outcome::LogTooBig);
    assert_eq!(read_at(&finished.build, "h"), "half\n");
}

#[test]
fn the_log_ends_at_its_limit() {
    let (finished, log) = Stage::sh("yes").limits(|l| l.log = 1 << 20).run();
    assert_eq!(finished.outcome, Outcome::LogTooBig);
    assert_eq!(log.len(), 1 << 20);
}

#[test]
fn a_fork_bomb_is_small() {
    let script = "
import os, signal
n = 0
try:
    while n < 500:
        if os.fork() == 0:
            signal.pause()
        n += 1
except OSError as e:
    print(n, e.strerror)
";
    let stage = Stage::python(script).limits(|l| l.processes = 50);
    let limited = !is_root() || doctor::probe().iter().any(|f| f.name == "control groups" && f.works());
    if !limited {
        skipped("the limit of processes as root", "no control group can be made");
        return;
    }
    let (finished, log) = stage.run();
    assert_eq!(finished.outcome, Outcome::Exited(0));
    assert_eq!(log, "48 Resource temporarily unavailable\n");
}

#[test]
fn one_process_stays_within_memory() {
    let script = "
try:
    x = bytearray(300 << 20)
except MemoryError:
    print('refused')
";
    assert_eq!(Stage::python(script).limits(|l| l.memory = 200 << 20).output(), "refused\n");
}

#[test]
fn all_processes_stay_within_memory() {
    if !doctor::probe().iter().any(|f| f.name == "control groups" && f.to_string().contains("memory at")) {
        skipped("the limit of memory for all processes", "no control group with the memory controller can be made");
        return;
    }
    let script = "
import os, sys
for _ in range(4):
    if os.fork() == 0:
        x = bytearray(100 << 20)
        for i in range(0, len(x), 4096):
            x[i] = 1
        import signal
        signal.pause()
statuses = [os.wait()[1]]
print(statuses)
sys.exit(1)
";
    let stage = Stage::python(script).limits(|l| {
        l.memory = 150 << 20;
        l.scratch = 16 << 20;
    });
    let (finished, log) = stage.run();
    assert_eq!((finished.outcome, log.as_str()), (Outcome::OutOfMemory, "[9]\n"));
}

#[test]
fn scratch_space_has_a_size() {
    let script = "head -c 64M /dev/zero > /build/x 2>/dev/null || stat -c %s /build/x";
    let stage = Stage::sh(script).limits(|l| l.scratch = 16 << 20);
    let size: u64 = stage.output().trim().parse().unwrap();
    assert!(size > 15 << 20 && size <= 16 << 20, "{size}");
}

#[test]
fn scratch_space_has_so_many_files() {
    let script = "i=0; while [ $i -lt 2000 ] && { : > /out/$i; } 2>/dev/null; do i=$((i+1)); done; echo $i";
    let stage = Stage::of(&["/bin/bash", "-c", script]).limits(|l| l.inodes = 500);
    let count: u64 = stage.output().trim().parse().unwrap();
    assert!((400..500).contains(&count), "{count}");
}
