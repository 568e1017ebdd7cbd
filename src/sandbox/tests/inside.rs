//! What a stage sees and can reach.

use std::os::fd::OwnedFd;

use super::*;

#[test]
fn only_declared_files_are_there() {
    let log = Stage::sh("ls -A /; ls -A /dev /proc/self/task /build /tmp /out").output();
    let root: Vec<&str> = log.lines().take_while(|line| !line.is_empty() && !line.ends_with(':')).collect();
    assert_eq!(root, ["bin", "build", "dev", "lib", "lib64", "out", "proc", "sbin", "tmp", "usr"]);
    let dev: Vec<&str> = log.split("/dev:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(dev, ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"]);
}

#[test]
fn identity_is_fixed() {
    let script = "
import os, socket
print(os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), os.getpid(), os.getppid(), os.getcwd())
print(socket.gethostname(), os.uname().nodename, oct(os.umask(0)), os.getsid(0), os.getpgid(0))
print(sorted(os.environ.items()))
";
    let log = Stage::python(script).output();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "1000 1000 1000 [] 2 1 /build");
    assert_eq!(lines[1], "repro repro 0o22 2 2");
    // LC_CTYPE is python's own doing (PEP 538).
    assert_eq!(lines[2].replace("('LC_CTYPE', 'C.UTF-8'), ", ""), "[('PATH', '/usr/bin:/usr/sbin')]");
}

#[test]
fn descriptors_are_exact() {
    // One that a careless library left open in this process.
    let planted = rustix::fs::open("/etc/hostname", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty());
    let script = "
import os
me = os.open('/proc/self/fd', os.O_RDONLY)
for name in sorted(os.listdir(me), key=int):
    if int(name) != me and os.path.lexists('/proc/self/fd/' + name):
        print(name, os.readlink('/proc/self/fd/' + name).split(':')[0])
";
    let log = Stage::python(script).output();
    assert_eq!(log, "0 /dev/null\n1 pipe\n2 pipe\n");
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    rustix::io::write(&write, b"+").unwrap();
    let pipe: [OwnedFd; 2] = [read, write];
    let (finished, log) = Stage::python(script).run_with(Some(&pipe));
    assert_eq!(finished.outcome, Outcome::Exited(0));
    assert_eq!(log, "0 /dev/null\n1 pipe\n2 pipe\n3 pipe\n4 pipe\n");
    let (_, log) = Stage::python("import os; t = os.read(3, 1); print(t); os.write(4, t)").run_with(Some(&pipe));
    assert_eq!(log, "b'+'\n");
    drop(planted);
}

#[test]
fn privileges_are_none() {
    let log = Stage::sh("cat /proc/self/status; cat /proc/self/personality").output();
    let field = |name: &str| {
        let line = log.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {log}"));
        line.split_once(':').unwrap().1.trim().to_owned()
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    for signals in ["SigBlk", "SigIgn", "ShdPnd"] {
        assert_eq!(field(signals), "0000000000000000", "{signals}");
    }
    assert_eq!(field("NoNewPrivs"), "1");
    assert_eq!(field("Seccomp"), "2");
    assert!(log.ends_with("00040000\n"), "{log}");
}

#[test]
fn limits_are_exact() {
    let script = "
import resource as r
for name in sorted(n for n in dir(r) if n.startswith('RLIMIT_')):
    print(name, *r.getrlimit(getattr(r, name)))
";
    let log = Stage::python(script).output();
    let expected = "RLIMIT_AS -1 -1|RLIMIT_CORE 0 0|RLIMIT_CPU -1 -1|RLIMIT_DATA 8589934592 8589934592|\
                    RLIMIT_FSIZE -1 -1|RLIMIT_MEMLOCK 65536 65536|RLIMIT_MSGQUEUE 819200 819200|RLIMIT_NICE 0 0|\
                    RLIMIT_NOFILE 1024 4096|RLIMIT_NPROC 4097 4097|RLIMIT_OFILE 1024 4096|RLIMIT_RSS -1 -1|\
                    RLIMIT_RTPRIO 0 0|RLIMIT_RTTIME -1 -1|RLIMIT_SIGPENDING 1024 1024|RLIMIT_STACK 8388608 67108864";
    // Older versions of python do not know the last kinds.
    for line in expected.split('|').filter(|line| !line.starts_with("RLIMIT_RTTIME")) {
        assert!(log.lines().any(|found| found == line), "{line} is not in\n{log}");
    }
}

#[test]
fn addresses_are_the_same_in_each_run() {
    let stage = Stage::sh("grep -E 'stack|heap|vdso' /proc/self/maps");
    let first = stage.output();
    assert_eq!(first.lines().count(), 3, "{first}");
    assert_eq!(first, stage.output());
}

#[test]
fn the_reaper_and_the_host_are_hidden() {
    let script = "
import os
print([n for n in os.listdir('/proc') if n.isdigit()])
print(sorted(n for n in os.listdir('/proc') if not n.isdigit()))
for path in ['/proc/1/root', '/proc/1/environ', '/proc/1/cmdline', '/proc/1/mem', '/proc/1/fd', '/proc/kcore',
             '/proc/sys/kernel/hostname', '/proc/cmdline', '/proc/keys', '/sys/kernel', '/etc/hostname', '/root']:
    print(path, os.path.lexists(path))
try:
    os.kill(1, 9)
except OSError as e:
    print(e)
open('/out/alive', 'w')
";
    let (finished, log) = Stage::python(script).run();
    assert_eq!(finished.outcome, Outcome::Exited(0), "{log}");
    assert!(log.starts_with("['2']\n['self', 'thread-self']\n"), "{log}");
    assert_eq!(log.matches(" False\n").count(), 12, "{log}");
    read_at(&finished.out, "alive");
}

#[test]
fn mountinfo_names_no_host_path() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::sh("cat /proc/self/mountinfo /proc/self/cgroup");
    stage.made.inputs.push(("it".to_owned(), folder.path().to_owned()));
    stage.made.target.push(folder.path().to_owned());
    let log = stage.output();
    let name = folder.path().file_name().unwrap().to_string_lossy();
    assert!(!log.contains(&*name) && log.contains(" /in/it ro,"), "{log}");
    // Every hierarchy ends at its root: nothing of the groups' names shows.
    assert!(log.lines().filter(|line| line.matches(':').count() == 2).all(|line| line.ends_with(":/")), "{log}");
}

#[test]
fn no_network_but_lo() {
    // A socket in the abstract name space of the host's network namespace.
    let name = format!("repro-test-{}-{}", std::process::id(), is_root());
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    let script = format!(
        "
import socket
def attempt(what, f):
    try:
        print(what, f())
    except OSError as e:
        print(what, e.strerror)
attempt('abstract', lambda: socket.socket(socket.AF_UNIX).connect('\\0{name}'))
attempt('internet', lambda: socket.create_connection(('192.0.2.1', 80), 2))
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53)))
server = socket.create_server(('127.0.0.1', 0))
attempt('lo', lambda: socket.create_connection(server.getsockname(), 2) and 'connected')
print([name for _, name in socket.if_nameindex()])
"
    );
    let log = Stage::python(&script).output();
    let expected = "abstract Connection refused\ninternet Network is unreachable\nudp Network is unreachable\n\
                    lo connected\n['lo']\n";
    assert_eq!(log, expected);
}

#[test]
fn refused_calls_are_refused() {
    let script = r#"
import ctypes, errno, os, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(name, number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_void_p(a) if isinstance(a, int) else a for a in args])
    print(name, errno.errorcode[ctypes.get_errno()] if result == -1 else result)
buf = ctypes.create_string_buffer(256)
call('clone3', 435, buf, 88)
call('io_uring_setup', 425, 1, buf)
call('userfaultfd', 323, 0)
call('bpf', 321, 0, buf, 64)
call('perf_event_open', 298, buf, 0, -1, -1, 0)
call('keyctl', 250, 0, -3, 0)
call('add_key', 248, b'user', b'x', b'y', 1, -3)
call('request_key', 249, b'user', b'x', 0, -3)
call('statmount', 457, buf, buf, 256, 0)
call('newest', 470, 0)
call('far', 2000, 0)
call('x32', 0x40000000 + 39)
call('unshare_user', 272, 0x10000000)
call('unshare_time', 272, 0x80)
call('unshare_files', 272, 0x400)
call('clone_user', 56, 0x10000000 | 17, 0, 0, 0, 0)
call('setns', 308, 0, 0)
call('mount', 165, b'none', b'/tmp', b'tmpfs', 0, 0)
call('umount2', 166, b'/tmp', 2)
call('fsopen', 430, b'tmpfs', 0)
call('open_tree', 428, -100, b'/tmp', 1)
call('pivot_root', 155, b'.', b'.')
call('chroot', 161, b'/tmp')
call('name_to_handle_at', 303, -100, b'/tmp', buf, buf, 0)
call('open_by_handle_at', 304, -100, buf, 0)
call('process_vm_readv', 310, 1, buf, 1, buf, 1, 0)
call('kcmp', 312, 1, 1, 0, 0, 0)
call('pidfd_getfd', 438, 0, 0, 0)
call('kexec_load', 246, 0, 0, 0, 0)
call('reboot', 169, 0, 0, 0, 0)
call('swapon', 167, b'/tmp/x', 0)
call('init_module', 175, buf, 8, b'')
call('acct', 163, 0)
call('quotactl', 179, 0, 0, 0, 0)
call('syslog', 103, 10, 0, 0)
call('clock_settime', 227, 0, buf)
call('settimeofday', 164, buf, 0)
call('adjtimex', 159, buf)
call('personality_linux', 135, 0)
call('personality_x86_32', 135, 8)
call('personality_query', 135, 0xffffffff)
call('personality_same', 135, 0x40000)
call('tiocsti', 16, 0, 0x5412, buf)
call('tiocsti_high', 16, 0, 0x100005412, buf)
call('tioclinux', 16, 0, 0x541c, buf)
call('listener', 317, 1, 8, buf)
call('vsock', 41, 40, 1, 0)
call('alg', 41, 38, 5, 0)
call('packet', 41, 17, 3, 0)
call('bluetooth', 41, 31, 3, 0)
call('uevent', 41, 16, 3, 15)
call('audit', 41, 16, 3, 9)
os.close(libc.syscall(41, 16, 3, 0))
open('/build/f', 'w')
call('chmod_suid', 90, b'/build/f', 0o4755)
call('chmod_sgid', 90, b'/build/f', 0o2755)
call('fchmodat_suid', 268, -100, b'/build/f', 0o4755)
call('fchmodat2_suid', 452, -100, b'/build/f', 0o4755, 0)
call('mknod_suid', 133, b'/build/g', 0o104755, 0)
call('mknod_device', 133, b'/build/g', 0o020666, 0x103)
call('chmod', 90, b'/build/f', 0o755)
call('getgroups', 115, 64, buf)
"#;
    if !cfg!(target_arch = "x86_64") {
        skipped("refused calls", "the numbers in the test are those of x86_64");
        return;
    }
    let log = Stage::python(script).output();
    let enosys =
        "clone3 io_uring_setup userfaultfd bpf perf_event_open keyctl add_key request_key statmount newest far x32";
    let family = "vsock alg packet bluetooth";
    let succeed =
        [("unshare_files", "0"), ("personality_query", "262144"), ("personality_same", "262144"), ("chmod", "0")];
    for line in log.lines() {
        let (name, answer) = line.split_once(' ').unwrap();
        let is = |list: &str| list.split(' ').any(|other| other == name);
        let expected = match name {
            _ if is(enosys) => "ENOSYS",
            _ if is(family) => "EAFNOSUPPORT",
            "uevent" | "audit" => "EPROTONOSUPPORT",
            "getgroups" => "0",
            _ => succeed.iter().find(|(other, _)| *other == name).map_or("EPERM", |(_, answer)| answer),
        };
        assert_eq!(answer, expected, "{name}");
    }
    assert_eq!(log.lines().count(), 60, "{log}");
}

#[test]
fn calls_of_32_bit_programs_end_them() {
    // mov eax, 20 (getpid); int 0x80; ret
    let script = r#"
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex('b814000000cd80c3'))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))())
"#;
    if !cfg!(target_arch = "x86_64") {
        skipped("32-bit calls", "the machine code in the test is that of x86");
        return;
    }
    let (finished, log) = Stage::python(script).run();
    assert_eq!((finished.outcome, log.as_str()), (Outcome::Signaled(libc::SIGSYS), ""));
}

#[test]
fn tracing_own_processes_works() {
    let script = "
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
pid = os.fork()
if pid == 0:
    signal.pause()
print(libc.ptrace(16, pid, 0, 0), libc.ptrace(16, 1, 0, 0))
os.kill(pid, 9)
";
    // PTRACE_ATTACH: to its own child yes, to process 1 no.
    assert_eq!(Stage::python(script).output(), "0 -1\n");
}
