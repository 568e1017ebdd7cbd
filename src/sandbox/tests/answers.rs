//! What a supervised stage is told.

use super::*;
use crate::sandbox::{Answers, Clock, Order, Random, Source, Variation};

/// Runs under these answers, as root with all privileges or not: nobody needs any.
fn told(answers: &Answers, stage: &Stage) -> String {
    let mut plan = stage.plan();
    Variation { answers: Some(answers.clone()), ..Variation::default() }.apply(&mut plan);
    let (finished, log) = run(&plan, None, &CancelToken::new().unwrap()).unwrap();
    assert_eq!(finished.outcome, Outcome::Exited(0), "{log}");
    log
}

fn python(answers: &Answers, script: &str) -> String {
    told(answers, &Stage::python(script))
}

const ALL: &str = "
import os, time, random, ctypes, threading, subprocess, sys, stat
libc = ctypes.CDLL(None)
os.makedirs('/build/d/sub')
names = ['e%d' % n for n in range(300)]
for name in sorted(names, key=lambda n: hash(n)):
    open('/build/d/' + name, 'w').write('x' * 1000)
print(time.time(), time.time_ns(), time.clock_gettime(time.CLOCK_TAI))
print(os.urandom(8).hex(), open('/dev/urandom', 'rb').read(8).hex(), open('/dev/random', 'rb').read(8).hex())
print(random.random(), hash('a string'))
print(os.listdir('/build/d'))
with os.scandir('/build/d') as d:
    print(sum(e.inode() for e in d if e.name == 'e7') == os.stat('/build/d/e7').st_ino)
for path in ['/', '/build', '/build/d', '/build/d/sub', '/build/d/e7', '/usr/bin', sys.executable]:
    s = os.stat(path)
    print(path, s.st_dev, s.st_ino, s.st_nlink, s.st_blocks, s.st_blksize, int(s.st_mtime), int(s.st_ctime))
print(os.uname().release, os.uname().version, os.uname().nodename)
print(os.cpu_count(), os.sched_getaffinity(0), libc.sched_getcpu())
print(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE'))
print(subprocess.check_output([sys.executable, '-c', 'import time, os; print(time.time(), os.urandom(4).hex())']))
";

#[test]
fn a_pinned_stage_is_told_the_same_each_time() {
    let pinned = Answers::pinned(Source::ALL);
    let first = python(&pinned, ALL);
    assert_eq!(python(&pinned, ALL), first);
    assert!(first.starts_with("315619201.0"), "{first}");
    assert!(first.contains("6.6.0 #1 repro repro\n2 {0, 1} 0\n4294967296\n"), "{first}");
    assert!(first.contains("\nTrue\n"), "{first}");
    assert_ne!(python(&Answers::default(), ALL), first);
}

#[test]
fn each_source_alone_is_answered_and_no_other() {
    let scripts = [
        (Source::Clock, "import time; print(time.time())"),
        (Source::Random, "import os; print(os.urandom(8), open('/dev/urandom', 'rb').read(8), hash('x'))"),
        (Source::Kernel, "import os; print(os.uname().release)"),
        (Source::Processors, "import os; print(os.sched_getaffinity(0) == {0, 1} and 'same')"),
        (Source::Memory, "import os; print(os.sysconf('SC_PHYS_PAGES'), os.getloadavg() if False else '')"),
        (Source::Stat, "import os; open('f', 'w'); print(os.stat('f').st_mtime)"),
    ];
    for (source, script) in scripts {
        let pinned = Answers::pinned([source]);
        assert_eq!(python(&pinned, script), python(&pinned, script), "{}", source.name());
    }
    let order = "import os\nfor n in range(50): open('f%d' % (n * 7 % 50), 'w')\nprint(os.listdir('.'))";
    let sorted = python(&Answers::pinned([Source::Order]), order);
    let mut names: Vec<String> = (0..50).map(|n| format!("'f{n}'")).collect();
    names.sort();
    assert_eq!(sorted, format!("[{}]\n", names.join(", ")));
    // What is pinned alone leaves the others real.
    let other = "import os, time; print(os.urandom(8)); print(time.time() > 1e9)";
    let clockless = Answers::pinned(Source::ALL.into_iter().filter(|source| *source != Source::Clock));
    assert!(python(&clockless, other).ends_with("True\n"));
    let random = Answers::pinned([Source::Clock]);
    assert_ne!(python(&random, other), python(&random, other));
    assert!(python(&random, other).ends_with("False\n"));
}

#[test]
fn a_clock_goes_on_and_waiting_for_it_ends() {
    let script = "
import time, threading, queue
begin = time.time()
while time.time() < begin + 0.01: pass
print(time.time() - begin > 0.01)
slow = time.monotonic()
try: queue.Queue().get(timeout=0.2)
except queue.Empty: print('empty')
lock = threading.Lock(); lock.acquire()
print(lock.acquire(timeout=0.2), 0.3 < time.monotonic() - slow < 30)
";
    for clock in [Clock::Fixed, Clock::Ahead(400 * 86_400), Clock::Real] {
        assert_eq!(python(&Answers { clock, ..Answers::default() }, script), "True\nempty\nFalse True\n", "{clock:?}");
    }
}

#[test]
fn deadlines_of_a_shown_time_of_day_are_waited_for() {
    // pthread_cond_timedwait(3) and clock_nanosleep(2) by the time of day.
    let script = "
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
class T(ctypes.Structure): _fields_ = [('s', ctypes.c_long), ('n', ctypes.c_long)]
mutex, cond = (ctypes.c_char * 64)(), (ctypes.c_char * 64)()
libc.pthread_mutex_init(mutex, None); libc.pthread_cond_init(cond, None); libc.pthread_mutex_lock(mutex)
def until(seconds):
    now = time.time_ns() + int(seconds * 1e9)
    return T(now // 10**9, now % 10**9)
for wait in [lambda t: libc.pthread_cond_timedwait(cond, mutex, ctypes.byref(t)), lambda t: libc.clock_nanosleep(0, 1, ctypes.byref(t), None)]:
    begin = time.monotonic()
    t = until(0.2); before = (t.s, t.n)
    wait(t)
    print(0.19 < time.monotonic() - begin < 30, before == (t.s, t.n))
";
    for clock in [Clock::Fixed, Clock::Ahead(400 * 86_400), Clock::Real] {
        assert_eq!(python(&Answers { clock, ..Answers::default() }, script), "True True\nTrue True\n", "{clock:?}");
    }
}

#[test]
fn times_of_files_go_with_the_clock_and_keep_their_order() {
    let script = "
import os, time
open('a', 'w'); time.sleep(0.05); open('b', 'w'); os.utime('a', (5, 5)) if False else None
a, b = os.stat('a').st_mtime_ns, os.stat('b').st_mtime_ns
print(a < b, abs(time.time() - b / 1e9) < 60, int(os.stat('/tmp').st_mtime))
os.utime('a', (1234, 1234)); print(os.stat('a').st_mtime)
";
    let expected = "True True 315532800\n1234.0\n";
    for clock in [Clock::Real, Clock::Ahead(400 * 86_400), Clock::Fixed] {
        let stat = clock == Clock::Fixed;
        assert_eq!(python(&Answers { clock, stat, ..Answers::default() }, script), expected, "{clock:?}");
    }
}

#[test]
fn directories_are_read_whole_however_they_are_read() {
    let script = "
import os, ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.c_void_p
libc.readdir.argtypes = libc.rewinddir.argtypes = libc.telldir.argtypes = [ctypes.c_void_p]
libc.telldir.restype = ctypes.c_long
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
os.mkdir('d')
for n in range(3000): open('d/a rather long name of a file %d' % n, 'w')
name = lambda e: ctypes.string_at(e + 19).decode()
d = libc.opendir(b'd')
def rest():
    out = []
    while True:
        e = libc.readdir(d)
        if not e: return out
        out.append(name(e))
all = rest()
print(len(all), len(set(all)), all[:2], sorted(all) == sorted(os.listdir('d') + ['.', '..']))
libc.rewinddir(d); print(rest() == all)
libc.rewinddir(d)
for n in range(1700): libc.readdir(d)
place = libc.telldir(d); tail = rest(); libc.seekdir(d, place); print(rest() == tail == all[1700:])
# Removing while reading.
for n, name in enumerate(os.listdir('d')): os.unlink('d/' + name)
os.rmdir('d')
fd = os.open('/build', os.O_RDONLY)
buf = ctypes.create_string_buffer(8)
print(libc.syscall(217, fd, buf, 8), ctypes.get_errno(), libc.syscall(217, 99, buf, 8), ctypes.get_errno())
file = os.open('/build/f', os.O_RDWR | os.O_CREAT)
print(libc.syscall(217, file, buf, 8), ctypes.get_errno(), libc.syscall(217, fd, None, 4096), ctypes.get_errno())
";
    for order in [Order::Real, Order::Sorted, Order::Shuffled(5)] {
        let log = python(&Answers { order, ..Answers::default() }, script);
        let expected = "3002 3002 ['.', '..'] True\nTrue\nTrue\n-1 22 -1 9\n-1 20 -1 14\n";
        match order {
            Order::Real => assert!(log.ends_with(expected.split_once('\n').unwrap().1), "{log}"),
            _ => assert_eq!(log, expected, "{order:?}"),
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused_as_by_the_kernel() {
    let script = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for call, arguments in [(228, (0, 8)), (96, (8, 0)), (201, (8,)), (318, (8, 16, 0)), (63, (8,)), (99, (8,)),
                        (204, (0, 128, 8)), (309, (8, 0, 0)), (4, (b'/', 8)), (332, (-100, b'/', 0, 0xfff, 8)),
                        (204, (0, 4, 8)), (230, (0, 1, 8, 0)), (202, (8, 0x189, 0, 8))]:
    ctypes.set_errno(0)
    print(call, libc.syscall(call, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]), ctypes.get_errno())
";
    let log = python(&Answers::pinned(Source::ALL), script);
    let lines: Vec<&str> = log.lines().collect();
    let wrong: Vec<&&str> = lines.iter().filter(|line| !line.ends_with("-1 14")).collect();
    assert_eq!(lines.len(), 13);
    assert_eq!(wrong, [&"204 -1 22"], "{log}");
}

#[test]
fn shells_pipes_and_many_processes_work_as_ever() {
    let script = "
set -e
for n in $(seq 1 40); do (echo $n; sleep 0.0$((n % 5))) & done | sort -n | tr '\\n' ' '; echo
wait
mkdir t; cd t; for f in a b c; do echo $f > $f; sleep 0.02; done
tar cf ../t.tar . ; tar tf ../t.tar | sort | tr '\\n' ' '; echo
ls -la --time-style=full-iso . | wc -l; find . -newer a -name c | wc -l; date +%Y
touch -d @5 old; test a -nt old && echo newer
sh -c 'kill -STOP $$; echo resumed > resumed' & pid=$!
sleep 0.3; test ! -e resumed; kill -CONT $pid; wait $pid; cat resumed
";
    let log = told(&Answers::pinned(Source::ALL), &Stage::sh(script));
    let numbers: Vec<String> = (1..=40).map(|n| n.to_string()).collect();
    let expected = format!("{} \n./ ./a ./b ./c \n6\n1\n1980\nnewer\nresumed\n", numbers.join(" "));
    assert_eq!(log, expected);
}

#[test]
fn signals_that_come_all_the_time_change_nothing() {
    let script = "
import signal, time, os
count = 0
def hear(*_):
    global count
    count += 1
signal.signal(signal.SIGALRM, hear)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
for n in range(3000):
    os.stat('/usr/bin'); time.time(); os.urandom(4); os.listdir('/usr/lib') if n % 100 == 0 else None
signal.setitimer(signal.ITIMER_REAL, 0)
print(count > 10)
";
    assert_eq!(python(&Answers::pinned(Source::ALL), script), "True\n");
}

#[test]
fn random_numbers_of_a_seed_are_those_of_each_program() {
    let answers = Answers { random: Random::Fixed(7), ..Answers::default() };
    let script = "for n in 1 2 3; do od -An -N8 -tx1 /dev/urandom; mktemp -u; done | sort | uniq -c | wc -l";
    assert_eq!(told(&answers, &Stage::sh(script)).trim(), "2");
    let other = Answers { random: Random::Fixed(8), ..Answers::default() };
    let once = "od -An -N8 -tx1 /dev/urandom";
    assert_ne!(told(&answers, &Stage::sh(once)), told(&other, &Stage::sh(once)));
}
