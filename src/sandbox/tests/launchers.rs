//! One launcher for several stages: what they share, and that they share nothing that one of them could have changed.

use super::*;

/// Runs a stage and gives its output.
fn output(launchers: &Launchers, stage: &Stage) -> String {
    let mut log = Vec::new();
    let cancel = CancelToken::new().unwrap();
    let io = RunIo {
        log: &mut |b| log.extend_from_slice(b),
        jobserver: None,
        cancel: &cancel,
        tracing: Tracing::Off,
        terminal: None,
    };
    let finished = stage.plan().run(launchers, io).unwrap();
    assert_eq!(finished.outcome, Outcome::Exited(0), "{}", String::from_utf8_lossy(&log));
    String::from_utf8(log).unwrap()
}

/// What tells launchers apart.
const USER: &str = "readlink /proc/self/ns/user";

#[test]
fn stages_of_a_launcher_share_a_user_namespace_and_nothing_else() {
    let launchers = Launchers::new();
    let first = output(&launchers, &Stage::sh(USER));
    assert_eq!(output(&launchers, &Stage::sh(USER)), first);
    let others = "cd /proc/self/ns; readlink mnt pid net uts ipc cgroup";
    let (one, two) = (output(&launchers, &Stage::sh(others)), output(&launchers, &Stage::sh(others)));
    // The kernel may give a new namespace the number of one that is gone; six at once would be none made anew.
    assert_ne!(one, two);
    // Nothing that was written is still there.
    output(&launchers, &Stage::sh("echo a > /tmp/left; echo b > /dev/shm/left; echo c > /build/left"));
    output(&launchers, &Stage::sh("[ ! -e /tmp/left ]; [ ! -e /dev/shm/left ]; [ ! -e /build/left ]"));
    assert_eq!(output(&launchers, &Stage::sh(USER)), first);
    assert_eq!(launchers.idle(), 1);
}

#[test]
fn a_stage_finds_an_untouched_network() {
    let launchers = Launchers::new();
    let look = "import socket
print(open('/proc/self/net/snmp').read(), open('/proc/self/net/dev').read(), open('/proc/self/net/unix').read())";
    let talk = "import socket
server = socket.socket(); server.bind(('127.0.0.1', 4711)); server.listen()
client = socket.create_connection(('127.0.0.1', 4711))
taken, _ = server.accept()
taken.sendall(b'x' * 10000)
socket.socket(socket.AF_UNIX).bind('\\0abstract')
taken.close()";
    let before = output(&launchers, &Stage::python(look));
    // Twice: in the same namespace, the second would find the first one's connection in TIME_WAIT.
    output(&launchers, &Stage::python(talk));
    output(&launchers, &Stage::python(talk));
    assert_eq!(output(&launchers, &Stage::python(look)), before);
    assert_eq!(launchers.idle(), 1, "it was one launcher all the time");
}

#[test]
fn stages_with_other_limits_have_other_launchers() {
    let launchers = Launchers::new();
    let small = || Stage::sh(USER).limits(|limits| limits.memory = 512 << 20);
    let first = output(&launchers, &Stage::sh(USER));
    let second = output(&launchers, &small());
    assert_ne!(first, second);
    assert_eq!(output(&launchers, &small()), second);
    assert_eq!(output(&launchers, &Stage::sh(USER)), first);
    assert_eq!(launchers.idle(), 2);
    for number in 0..12 {
        output(&launchers, &Stage::sh("true").limits(|limits| limits.processes = 100 + number));
    }
    assert_eq!(launchers.idle(), 8, "not one for each limit there ever was");
}

#[test]
fn a_killed_launcher_takes_its_stage_along() {
    let launchers = Launchers::new();
    let stage = Stage::sh("echo up; sleep 1000");
    let cancel = CancelToken::new().unwrap();
    let mut up = false;
    let started = std::time::Instant::now();
    let error = stage.plan().run(
        &launchers,
        RunIo {
            log: &mut |_| {
                if !std::mem::replace(&mut up, true) {
                    kill_children();
                }
            },
            jobserver: None,
            cancel: &cancel,
            tracing: Tracing::Off,
            terminal: None,
        },
    );
    assert!(matches!(error, Err(Error::Lost { .. })), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(launchers.idle(), 0);
    // The next one gets a new launcher.
    assert!(output(&launchers, &Stage::sh(USER)).starts_with("user:"));
}

/// Kills the launchers that this thread has made.
fn kill_children() {
    let thread = rustix::thread::gettid().as_raw_nonzero();
    let children = std::fs::read_to_string(format!("/proc/self/task/{thread}/children")).unwrap();
    for child in children.split_whitespace() {
        let pid = rustix::process::Pid::from_raw(child.parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}
