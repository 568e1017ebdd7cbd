//! What the caller is like does not show inside.

use std::process::Command;

use super::*;

/// Set for the helper process.
const SHOW: &str = "REPRO_TEST_SHOW";

const SCRIPT: &str = r#"
import os, re, resource, stat
def text(name):
    return open('/proc/self/' + name).read()
status = text('status')
keep = 'Umask State TracerPid Uid Gid Groups Cap Sig Shd NoNewPrivs Seccomp Cpus THP NS'.split()
print('\n'.join(line for line in status.splitlines() if any(line.startswith(k) for k in keep)))
print(text('limits'), text('personality'), text('timerslack_ns'), text('oom_score_adj'), text('cgroup'))
print(text('sessionid') if os.path.exists('/proc/self/sessionid') else '')
# Numbers of mounts and of their devices are counted up by the kernel.
print(re.sub(r'^\d+ \d+ \d+:\d+', '', text('mountinfo'), flags=re.M))
print(sorted(os.environ.items()), os.getcwd(), os.uname(), os.getpid(), os.getsid(0))
me = os.open('/proc/self/fd', os.O_RDONLY)
for fd in os.listdir(me):
    if int(fd) != me and os.path.lexists('/proc/self/fd/' + fd):
        mode = os.fstat(int(fd)).st_mode
        print(fd, stat.S_IFMT(mode), re.sub(r'\d+', '', os.readlink('/proc/self/fd/' + fd)))
for folder, folders, files in os.walk('/'):
    folders[:] = [] if folder == '/' else [f for f in folders]
    if folder == '/':
        folders[:] = ['dev', 'build', 'out', 'tmp']
    folders.sort()
    for name in sorted(folders + files) + ['.']:
        s = os.lstat(os.path.join(folder, name))
        mtime = int(s.st_mtime) if s.st_uid == 1000 and not stat.S_ISCHR(s.st_mode) else ''
        print(folder, name, oct(s.st_mode), s.st_uid, s.st_gid, s.st_nlink, mtime)
print(os.sched_getscheduler(0), os.getgroups(), os.listdir('/proc/self/task'))
print(re.sub(r'(?m)^.*(python|lib|\.so).*$', '', '\n'.join(l for l in text('maps').splitlines() if '[' in l)))
"#;

/// Not a test by itself: what the helper processes of the next one run.
#[test]
fn shown_stage() {
    if std::env::var_os(SHOW).is_some() {
        println!("BEGIN\n{}END", Stage::python(SCRIPT).output());
    }
}

/// What a stage sees when its caller is started by these words of the shell.
fn shown_after(prelude: &str) -> String {
    let script = format!("{prelude}\nexec \"$@\" \"$0\" --exact sandbox::tests::attributes::shown_stage --nocapture");
    let output = Command::new("/bin/bash")
        .args(["-c", &script])
        .arg(std::env::current_exe().expect("the kernel knows"))
        .env(SHOW, "1")
        .output()
        .expect("there is a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{prelude}: {text}\n{said}");
    text.split_once("BEGIN\n").and_then(|(_, rest)| rest.split_once("END")).expect("it shows something").0.to_owned()
}

#[test]
fn attributes_of_the_caller_do_not_show() {
    let plain = shown_after("");
    assert!(plain.contains("repro"), "{plain}");
    let planted = [
        "umask 077",
        "ulimit -S -n 5000; ulimit -S -s unlimited; ulimit -c unlimited; ulimit -S -u 3000",
        "trap '' HUP INT QUIT USR1 TERM CHLD PIPE ALRM RTMIN",
        "export SECRET=1 LD_LIBRARY_PATH=/nowhere PATH=$PATH:/tmp LC_ALL=C.UTF-8 TZ=Asia/Tokyo",
        "exec 3</etc/passwd 4</ 5<>/tmp 9</dev/null 2>/dev/null || true; exec 3</etc/passwd 9</ 77</dev/null",
        "exec 0<&-",
        "mkdir /tmp/gone.$$; cd /tmp/gone.$$; rmdir /tmp/gone.$$",
        "echo 500 > /proc/self/oom_score_adj",
        "set -- setarch --addr-no-randomize",
        "set -- setsid -w",
        "set -- nice -n 5",
        "set -- chrt --batch 0",
    ];
    for prelude in planted {
        let shown = shown_after(prelude);
        for (line, expected) in shown.lines().zip(plain.lines()) {
            assert_eq!(line, expected, "after `{prelude}`");
        }
        assert_eq!(shown, plain, "after `{prelude}`");
    }
}
