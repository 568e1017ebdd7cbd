use super::*;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

fn token() -> CancelToken {
    CancelToken::new().expect("descriptor")
}

/// The sum that must always hold.
fn balanced(broker: &Broker, jobs: usize) -> (usize, usize, usize) {
    let (running, lent, free) = broker.accounts();
    assert_eq!(running + lent + free, jobs, "running {running}, lent {lent}, free {free}");
    (running, lent, free)
}

fn within(time: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < time {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    holds()
}

/// A makefile whose `count` targets each note when they begin and end. None ends before `together` have begun, so that
/// their number does not depend on how fast make starts them; the patience is for a budget that does not allow as many.
fn makefile(dir: &Path, count: usize, together: usize) {
    let targets: Vec<String> = (0..count).map(|i| format!("t{i}")).collect();
    let text = format!(
        "all: {0}\n{0}:\n\t@echo + >> log; n=0; \\\n\
         \twhile [ $$(grep -c + log) -lt {together} ] && [ $$n -lt 400 ]; do sleep 0.05; n=$$((n+1)); done; \\\n\
         \tsleep 0.1; echo - >> log\n.PHONY: all {0}\n",
        targets.join(" ")
    );
    fs::write(dir.join("Makefile"), text).expect("write a makefile");
}

/// Real make with the slot's pipe at descriptors 3 and 4, as in a sandbox.
fn make(slot: &Slot, dir: &Path) -> Child {
    let (read, write) = slot.fds().expect("descriptors");
    Command::new("sh")
        .args(["-c", "exec make all 3<&0 4>&1 </dev/null >/dev/null"])
        .env("MAKEFLAGS", "-j --jobserver-auth=3,4")
        .current_dir(dir)
        .stdin(read)
        .stdout(write)
        .stderr(Stdio::inherit())
        .spawn()
        .expect("make is installed")
}

/// The most targets that ran at one time.
fn peak(dir: &Path) -> usize {
    let log = fs::read_to_string(dir.join("log")).expect("targets wrote their log");
    let (mut now, mut most) = (0_usize, 0);
    for line in log.lines() {
        now = if line == "+" { now + 1 } else { now - 1 };
        most = most.max(now);
    }
    most
}

#[test]
fn make_uses_all_tokens_and_no_more() {
    for jobs in [1, 3] {
        let dir = tempfile::tempdir().expect("temp dir");
        makefile(dir.path(), 7, jobs);
        let broker = Broker::new(jobs).expect("broker");
        let slot = broker.slot(&token()).expect("a token is free");
        assert!(make(&slot, dir.path()).wait().expect("make ran").success());
        assert_eq!(peak(dir.path()), jobs);
        balanced(&broker, jobs);
        drop(slot);
        assert_eq!(balanced(&broker, jobs), (0, 0, jobs));
    }
}

#[test]
fn two_makes_share_the_budget_and_the_last_one_gets_it_all() {
    let (a, b) = (tempfile::tempdir().expect("temp dir"), tempfile::tempdir().expect("temp dir"));
    makefile(a.path(), 2, 1);
    makefile(b.path(), 16, 4);
    let broker = Broker::new(4).expect("broker");
    let (first, second) = (broker.slot(&token()).expect("slot"), broker.slot(&token()).expect("slot"));
    let (mut one, mut two) = (make(&first, a.path()), make(&second, b.path()));
    assert!(one.wait().expect("make ran").success());
    drop(first);
    balanced(&broker, 4);
    assert!(two.wait().expect("make ran").success());
    assert_eq!(peak(b.path()), 4);
}

#[test]
fn a_new_stage_takes_an_idle_token_or_waits() {
    let broker = Broker::new(2).expect("broker");
    let first = broker.slot(&token()).expect("slot");
    assert_eq!(balanced(&broker, 2), (1, 1, 0));
    let second = broker.slot(&token()).expect("the idle token");
    assert_eq!(balanced(&broker, 2), (2, 0, 0));
    std::thread::scope(|scope| {
        let third = scope.spawn(|| broker.slot(&token()).map(|_| ()));
        std::thread::sleep(Duration::from_millis(120));
        assert!(!third.is_finished(), "no token was free");
        drop(second);
        third.join().expect("no panic").expect("the token of the one that ended");
    });
    drop(first);
    assert_eq!(balanced(&broker, 2), (0, 0, 2));
}

#[test]
fn a_waiting_stage_gets_what_make_gives_back() {
    let broker = Broker::new(2).expect("broker");
    let first = broker.slot(&token()).expect("slot");
    let (read, write) = first.fds().expect("descriptors");
    let mut byte = [0];
    assert_eq!(rustix::io::read(&read, &mut byte).expect("one token"), 1);
    std::thread::scope(|scope| {
        let second = scope.spawn(|| broker.slot(&token()));
        std::thread::sleep(Duration::from_millis(60));
        assert!(!second.is_finished(), "the token is in use");
        let start = Instant::now();
        rustix::io::write(&write, &byte).expect("give it back");
        let slot = second.join().expect("no panic").expect("slot");
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(balanced(&broker, 2), (2, 0, 0));
        drop(slot);
    });
}

#[test]
fn idle_tokens_move_to_the_hungry() {
    let broker = Broker::new(4).expect("broker");
    let (idle, hungry) = (broker.slot(&token()).expect("slot"), broker.slot(&token()).expect("slot"));
    assert_eq!(balanced(&broker, 4), (2, 2, 0));
    // One takes all it can get, as a parallel make does; the other takes none.
    let (read, _write) = hungry.fds().expect("descriptors");
    let mut byte = [0];
    let mut got = 0;
    let start = Instant::now();
    while got < 2 && start.elapsed() < Duration::from_secs(5) {
        got += rustix::io::read(&read, &mut byte).expect("blocks until a token comes");
    }
    assert_eq!(got, 2);
    balanced(&broker, 4);
    drop(idle);
}

#[test]
fn a_thief_keeps_nothing() {
    let broker = Broker::new(3).expect("broker");
    let thief = broker.slot(&token()).expect("slot");
    let (read, _write) = thief.fds().expect("descriptors");
    let mut bytes = [0; 8];
    assert_eq!(rustix::io::read(&read, &mut bytes).expect("both tokens"), 2);
    drop(thief);
    assert_eq!(balanced(&broker, 3), (0, 0, 3));
    let slots: Vec<Slot> = (0..3).map(|_| broker.slot(&token()).expect("all tokens are back")).collect();
    assert_eq!(balanced(&broker, 3), (3, 0, 0));
    drop(slots);
}

#[test]
fn a_forger_makes_nobody_rich() {
    let broker = Broker::new(2).expect("broker");
    let (forger, honest) = (broker.slot(&token()).expect("slot"), broker.slot(&token()).expect("slot"));
    let (_read, write) = forger.fds().expect("descriptors");
    rustix::io::write(&write, &[b'+'; 1000]).expect("a pipe takes 1,000 bytes");
    let (honest_read, _) = honest.fds().expect("descriptors");
    let moved = |fd: &OwnedFd| rustix::io::ioctl_fionread(fd).expect("a pipe") > 0;
    assert!(!within(Duration::from_millis(300), || moved(&honest_read)), "an invented token reached another stage");
    assert_eq!(balanced(&broker, 2), (2, 0, 0));
    assert!(within(Duration::from_secs(5), || rustix::io::ioctl_fionread(&write).expect("a pipe") == 0));
    assert!(matches!(
        {
            let stop = token();
            stop.cancel();
            broker.slot(&stop)
        },
        Err(Error::Cancelled)
    ));
}

#[test]
fn a_full_or_blocked_pipe_never_blocks_the_broker() {
    let broker = Broker::new(4).expect("broker");
    let hostile = broker.slot(&token()).expect("slot");
    let (_read, write) = hostile.fds().expect("descriptors");
    // A shared flag of the stage's own description: the broker has others.
    rustix::io::ioctl_fionbio(&write, true).expect("a pipe");
    while rustix::io::write(&write, &[b'x'; 4096]).is_ok() {}
    let start = Instant::now();
    let others: Vec<Slot> = (0..3).map(|_| broker.slot(&token()).expect("slot")).collect();
    drop(others);
    balanced(&broker, 4);
    drop(hostile);
    assert_eq!(balanced(&broker, 4), (0, 0, 4));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_cancelled_wait_ends_soon() {
    let broker = Broker::new(1).expect("broker");
    let _only = broker.slot(&token()).expect("slot");
    let stop = token();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| broker.slot(&stop).map(|_| ()));
        std::thread::sleep(Duration::from_millis(20));
        stop.cancel();
        assert!(matches!(waiting.join().expect("no panic"), Err(Error::Cancelled)));
    });
    assert_eq!(balanced(&broker, 1), (1, 0, 0));
}
