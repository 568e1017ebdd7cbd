use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn node(name: &str, needs: &[usize], weight: u64) -> Node {
    Node { name: name.into(), needs: needs.to_vec(), weight }
}

#[derive(Default)]
struct Log {
    order: Mutex<Vec<usize>>,
    fails: Vec<usize>,
    skipped: Mutex<Vec<(usize, usize)>>,
    ready: AtomicUsize,
}

impl Work for Log {
    type Error = String;
    fn run(&self, index: usize, _: &CancelToken) -> Result<(), String> {
        self.order.lock().expect("unpoisoned").push(index);
        if self.fails.contains(&index) { Err(format!("node {index}")) } else { Ok(()) }
    }
    fn ready(&self, _: usize) {
        self.ready.fetch_add(1, Ordering::SeqCst);
    }
    fn skipped(&self, index: usize, because: usize) {
        self.skipped.lock().expect("unpoisoned").push((index, because));
    }
}

fn token() -> CancelToken {
    CancelToken::new().expect("descriptor")
}

#[test]
fn the_longest_chain_runs_first_and_needs_before_users() {
    // 0 is alone; 1 <- 2 <- 3 is a chain of 3; 4 is heavy; 5 joins all.
    let nodes = [
        node("alone", &[], 1),
        node("a", &[], 1),
        node("b", &[1], 1),
        node("c", &[2], 1),
        node("heavy", &[], 9),
        node("all", &[0, 3, 4, 4], 1),
    ];
    let log = Log::default();
    let report = run(&nodes, 1, &log, OnFailure::default(), &token()).expect("no circle");
    assert!(report.is_complete());
    assert_eq!(*log.order.lock().expect("unpoisoned"), [4, 1, 2, 0, 3, 5]);
    assert_eq!(log.ready.load(Ordering::SeqCst), 6);
}

#[test]
fn a_failure_skips_what_depends_on_it() {
    let nodes = [node("bad", &[], 5), node("user", &[0], 1), node("far", &[1], 1), node("other", &[], 1)];
    let log = Log { fails: vec![0], ..Log::default() };
    let report = run(&nodes, 2, &log, OnFailure::KeepGoing, &token()).expect("no circle");
    assert_eq!(
        report.outcomes,
        [
            Outcome::Failed("node 0".into()),
            Outcome::Skipped { because: 0 },
            Outcome::Skipped { because: 0 },
            Outcome::Done
        ]
    );
    assert_eq!(*log.skipped.lock().expect("unpoisoned"), [(1, 0), (2, 0)]);
    let log = Log { fails: vec![0], ..Log::default() };
    let report = run(&nodes, 1, &log, OnFailure::FinishRunning, &token()).expect("no circle");
    assert_eq!(report.outcomes[3], Outcome::NotStarted);
}

struct UntilCancelled;
impl Work for UntilCancelled {
    type Error = &'static str;
    fn run(&self, index: usize, cancel: &CancelToken) -> Result<(), &'static str> {
        if index == 0 {
            return Err("first");
        }
        let start = Instant::now();
        while !cancel.is_cancelled() {
            if start.elapsed() > Duration::from_secs(20) {
                return Ok(());
            }
            std::thread::yield_now();
        }
        Err("cancelled")
    }
}

#[test]
fn a_failure_can_stop_what_runs() {
    let nodes = [node("bad", &[], 1), node("long", &[], 9), node("never", &[1], 1)];
    let user = token();
    let report = run(&nodes, 2, &UntilCancelled, OnFailure::CancelRunning, &user).expect("no circle");
    assert_eq!(
        report.outcomes,
        [Outcome::Failed("first"), Outcome::Failed("cancelled"), Outcome::Skipped { because: 1 }]
    );
    assert!(!user.is_cancelled(), "the run's own stop must not reach the user's token");
}

#[test]
fn a_stopped_token_starts_nothing() {
    let user = token();
    user.cancel();
    let log = Log::default();
    let report = run(&[node("a", &[], 1)], 4, &log, OnFailure::default(), &user).expect("no circle");
    assert_eq!(report.outcomes, [Outcome::NotStarted]);
    assert!(run(&[], 4, &log, OnFailure::default(), &token()).expect("empty").is_complete());
}

#[test]
fn circles_and_strangers_are_named() {
    let nodes = [node("top", &[1], 1), node("a", &[2], 1), node("b", &[3], 1), node("c", &[1], 1), node("x", &[], 1)];
    let error = run(&nodes, 1, &Log::default(), OnFailure::default(), &token()).expect_err("a circle");
    let text = error.to_string();
    assert!(["`a`, `b`, `c`", "`b`, `c`, `a`", "`c`, `a`, `b`"].iter().any(|names| text.contains(names)), "{text}");
    let error = run(&[node("a", &[7], 1)], 1, &Log::default(), OnFailure::default(), &token()).expect_err("stranger");
    assert_eq!(error.to_string(), "order the graph: `a` needs node number 7, and there are 1");
}

struct Panics;
impl Work for Panics {
    type Error = ();
    fn run(&self, index: usize, cancel: &CancelToken) -> Result<(), ()> {
        assert!(index != 0, "on purpose");
        while !cancel.is_cancelled() {
            std::thread::yield_now();
        }
        Ok(())
    }
}

#[test]
fn a_panic_does_not_leave_workers_waiting() {
    let nodes = [node("panics", &[], 2), node("waits", &[], 1), node("third", &[0, 1], 1)];
    let user = token();
    let result = std::panic::catch_unwind(|| run(&nodes, 3, &Panics, OnFailure::default(), &user));
    assert!(result.is_err());
}

struct Nothing(AtomicUsize);
impl Work for Nothing {
    type Error = ();
    fn run(&self, _: usize, _: &CancelToken) -> Result<(), ()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The figure of RELIABILITY and PEERS: the queue itself must be lost in the noise of a sandbox (about 1 ms).
#[test]
fn ten_thousand_nodes_cost_little() {
    let nodes: Vec<Node> = (0..10_000)
        .map(|i: usize| {
            let needs = if i < 100 { vec![] } else { vec![i - 100, i - 1 - i % 7] };
            Node { name: String::new(), needs, weight: 1 }
        })
        .collect();
    let work = Nothing(AtomicUsize::new(0));
    // The best of three: the machine may be busy with other things.
    let best = (0..3)
        .map(|_| {
            let start = Instant::now();
            assert!(run(&nodes, 2, &work, OnFailure::default(), &token()).expect("no circle").is_complete());
            start.elapsed()
        })
        .min()
        .expect("three runs");
    assert_eq!(work.0.load(Ordering::Relaxed), 30_000);
    assert!(best < Duration::from_millis(200), "20 us a node at most, took {best:?} for 10,000");
}
