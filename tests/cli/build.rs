//! Real stages in real sandboxes: a project on one static program of Debian, built in every way that must not matter.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::environment::{Project, Said, copy};

/// A folder that serves as mirror `debian`: the fixture's one package, fetched from a real mirror once.
fn mirror() -> &'static Path {
    static MIRROR: OnceLock<PathBuf> = OnceLock::new();
    MIRROR.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mirror");
        let project = Project::empty();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny"), &project.path("project"));
        let lockfile: serde_json::Value = serde_json::from_str(&project.read("project/lockfile.json")).expect("JSON");
        let package = &lockfile["sysroots"]["tiny"]["packages"][0];
        let path = folder.join(package["path"].as_str().expect("a path"));
        if !path.exists() {
            project.repro_online(&["fetch"]).ends(0);
            let digest = package["digest"].as_str().expect("a digest");
            let blob = project.repro(&["store", "path", digest]).ends(0).out;
            let blob = blob.trim().replace("[DIR]", &project.path("").display().to_string());
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("make folders");
            std::fs::copy(blob, &path).expect("copy the package");
        }
        folder
    })
}

impl Project {
    /// The fixture `tiny`.
    fn tiny() -> Self {
        let project = Self::empty();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        copy(&root.join("tests/fixtures/tiny"), &project.path("project"));
        copy(&root.join("sysroots/keys"), &project.path("project/sysroots/keys"));
        project
    }

    /// One stage of the fixture's sysroot, with this script.
    pub fn script(script: &str) -> Self {
        let project = Self::tiny();
        for stage in ["alpha", "beta", "gamma"] {
            std::fs::remove_dir_all(project.path(&format!("project/stages/{stage}"))).expect("remove a stage");
        }
        project.stage("one", "tools = [\"sysroot:tiny\"]\n");
        project.write("project/stages/one/build.sh", script);
        project
    }

    /// Removes the trace of a stage that was built from the store.
    pub fn lose_trace(&self, stage: &str) {
        let said = self.build(&["trace", stage, "--json"]).ends(0);
        let lines = said.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON line"));
        let head = lines.into_iter().find(|line| line["type"] == "trace").expect("the first line of a trace");
        let digest = head["digest"].as_str().expect("a digest");
        let object = format!("store/objects/{}/{}", &digest[..2], &digest[2..64]);
        std::fs::remove_file(self.path(&object)).expect("it is in the store");
    }

    fn repro_online(&self, args: &[&str]) -> Said {
        self.said(self.command(args).output().expect("run repro"))
    }

    /// A command that takes packages from the folder, so that tests ask the network once.
    fn build_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.env("REPRO_MIRROR_DEBIAN", mirror());
        command
    }

    pub fn build(&self, args: &[&str]) -> Said {
        self.said(self.build_command(args).output().expect("run repro"))
    }

    fn start(&self, args: &[&str]) -> Child {
        self.build_command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run repro")
    }
}

/// How each stage ended and what it left, from the events of a run.
fn results(said: &Said) -> BTreeMap<String, (String, String)> {
    let events = said.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON line"));
    let finished = events.filter(|record| record["event"]["kind"] == "stage_finished").map(|record| {
        let text = |name: &str| record["event"][name].as_str().unwrap_or_default().to_owned();
        (text("stage"), (text("result"), text("output")))
    });
    finished.collect()
}

pub fn ways(said: &Said) -> Vec<(String, String)> {
    results(said).into_iter().map(|(stage, (how, _))| (stage, how)).collect()
}

pub fn outputs(said: &Said) -> Vec<(String, String)> {
    results(said).into_iter().map(|(stage, (_, output))| (stage, output)).collect()
}

pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

/// Waits until no process has `marker` in its command line.
#[track_caller]
fn all_gone(marker: &str) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let processes = std::fs::read_dir("/proc").expect("list processes").flatten();
        let left: Vec<PathBuf> = processes
            .map(|entry| entry.path())
            .filter(|path| std::fs::read(path.join("cmdline")).is_ok_and(|text| holds(&text, marker)))
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{left:?} are still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn holds(text: &[u8], marker: &str) -> bool {
    text.windows(marker.len()).any(|part| part == marker.as_bytes())
}

#[track_caller]
fn until_running(marker: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_dir("/proc")
        .expect("list processes")
        .flatten()
        .any(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|text| holds(&text, marker)))
    {
        assert!(Instant::now() < deadline, "the stage does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Nothing of a build is left: no mount, no temporary file once the next command has looked after them.
#[track_caller]
fn clean(project: &Project, mounts: &str) {
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").expect("mounts"), mounts);
    project.build(&["store", "du"]).ends(0);
    let left: Vec<_> = std::fs::read_dir(project.path("store/tmp")).expect("tmp").flatten().map(|e| e.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mountinfo").expect("mounts")
}

#[test]
fn a_second_build_does_nothing_and_a_comment_rebuilds_one_stage() {
    let project = Project::tiny();
    let first = project.build(&["build", "--json"]).ends(0);
    assert_eq!(ways(&first), pairs(&[("alpha", "built"), ("beta", "built"), ("gamma", "built")]));
    assert!(project.read("project/out/gamma/done").starts_with("hello, default\n"));
    // Without its note the second run looks closely; the third need not. Files as young as the clock's tick would not be
    // trusted to be unchanged, hence the pause. (On a slow machine the first run may have left a note, too.)
    std::thread::sleep(Duration::from_millis(100));
    let notes = project.path("store/notes/fresh");
    if notes.exists() {
        std::fs::remove_dir_all(notes).expect("remove the notes");
    }
    let second = project.build(&["build", "--json"]).ends(0);
    assert_eq!(ways(&second), pairs(&[("alpha", "cached"), ("beta", "cached"), ("gamma", "cached")]));
    let third = project.build(&["build", "--json"]).ends(0);
    assert_eq!(ways(&third), [], "{}", third.all());
    assert!(third.out.contains("\"cached\":3"), "{}", third.all());
    project.write(
        "project/stages/beta/build.sh",
        format!("# a comment\n{}", project.read("project/stages/beta/build.sh")),
    );
    let why = project.build(&["why", "beta"]).ends(0);
    assert!(why.out.contains("build.sh"), "{}", why.all());
    let changed = project.build(&["build", "--json"]).ends(0);
    assert_eq!(ways(&changed), pairs(&[("alpha", "cached"), ("beta", "unchanged"), ("gamma", "cached")]));
    assert_eq!(outputs(&changed), outputs(&first));
}

#[test]
fn parameters_have_results_of_their_own() {
    let project = Project::tiny();
    project.build(&["build"]).ends(0);
    let other = project.build(&["build", "--json", "--profile", "minimal"]).ends(0);
    assert_eq!(ways(&other), pairs(&[("alpha", "cached"), ("beta", "cached"), ("gamma", "built")]));
    assert!(project.read("project/out/minimal/gamma/done").starts_with("hello, minimal\n"));
}

#[test]
fn nothing_of_the_caller_makes_a_difference() {
    let plain = Project::tiny();
    let expected = outputs(&plain.build(&["build", "--json", "-j", "2"]).ends(0));
    let varied = Project::tiny();
    let mut command = varied.build_command(&["build", "--json", "-j", "1"]);
    command.env("TZ", "Asia/Tokyo").env("LC_ALL", "de_DE.UTF-8").env("CFLAGS", "-O3").env("MAKEFLAGS", "-j9");
    command.env("SOURCE_DATE_EPOCH", "1").env("LD_PRELOAD", "").stdin(Stdio::null());
    // SAFETY: umask and setpriority are async-signal-safe.
    #[expect(unsafe_code, reason = "a umask is given to a child only so")]
    unsafe {
        command.pre_exec(|| {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
            Ok(())
        });
    }
    let said = varied.said(command.output().expect("run repro")).ends(0);
    assert_eq!(outputs(&said), expected);
}

#[test]
fn a_plain_user_gets_the_same() {
    if !rustix::process::getuid().is_root() {
        eprintln!("SKIPPED: only root can become another user");
        assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
        return;
    }
    let expected = outputs(&Project::tiny().build(&["build", "--json"]).ends(0));
    let project = Project::tiny();
    // The program may lie where only root can go.
    let program = project.path("repro");
    // By another process: a child that another test has just forked would hold it open for writing otherwise.
    let copied = Command::new("cp").arg(assert_cmd::cargo::cargo_bin!("repro")).arg(&program).status();
    assert!(copied.expect("there is cp").success());
    copy(mirror(), &project.path("mirror"));
    own(&project.path(""), 65534);
    let mut command = Command::new(program);
    let template = project.build_command(&["build", "--json"]);
    command.args(template.get_args()).env_clear().uid(65534).gid(65534).current_dir(project.path("project"));
    command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("REPRO_MIRROR_DEBIAN", project.path("mirror"));
    let said = project.said(command.output().expect("run repro")).ends(0);
    assert_eq!(outputs(&said), expected);
}

fn own(path: &Path, id: u32) {
    std::os::unix::fs::lchown(path, Some(id), Some(id)).expect("change the owner");
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).expect("list a folder").flatten() {
            own(&entry.path(), id);
        }
    }
}

#[test]
fn a_failure_shows_its_last_lines_and_can_be_entered() {
    let before = mounts();
    let project = Project::script("echo precious > kept\necho a last word >&2\nexit 7\n");
    let said = project.build(&["build", "--plain"]).ends(3);
    assert!(said.err.contains("its script exited with 7"), "{}", said.all());
    assert!(said.err.contains("a last word") && said.err.contains("repro shell one --failed"), "{}", said.all());
    let log = project.build(&["log", "one"]).ends(0);
    assert!(log.out.contains("a last word"), "{}", log.all());
    let kept = project.build(&["shell", "one", "--failed", "--", "/bin/cat", "/build/kept"]).ends(0);
    assert!(kept.out.contains("precious"), "{}", kept.all());
    // A failure is never remembered as a result.
    project.build(&["build", "--plain"]).ends(3);
    clean(&project, &before);
}

#[test]
fn an_output_that_may_not_be_is_refused() {
    for (script, word) in [
        ("mkfifo /out/pipe", "pipe"),
        ("touch \"/out/$(busybox printf '\\377')\"", "UTF-8"),
        ("touch /out/tool && busybox chmod 4755 /out/tool", "not permitted"),
    ] {
        let said = Project::script(script).build(&["build", "--plain"]).ends(3);
        assert!(said.err.contains(word), "{}", said.all());
    }
}

#[test]
fn killed_or_stopped_it_leaves_nothing() {
    for (signal, code) in [(rustix::process::Signal::KILL, -9), (rustix::process::Signal::INT, 130)] {
        let before = mounts();
        // Detached, in a session of its own, deaf to signals: all that a daemon does to stay.
        let marker = format!("7{}.25", std::process::id() * 2 + u32::from(code > 0));
        let project = Project::script(&format!("trap '' TERM INT HUP\n(setsid sleep {marker} &)\nsleep {marker}\n"));
        let child = project.start(&["build", "--plain"]);
        until_running(&marker);
        let pid = rustix::process::Pid::from_child(&child);
        let begun = Instant::now();
        rustix::process::kill_process(pid, signal).expect("send a signal");
        let said = project.said(child.wait_with_output().expect("it ends")).ends(code);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}: {}", begun.elapsed(), said.all());
        all_gone(&marker);
        clean(&project, &before);
    }
}

#[test]
fn many_processes_build_one_stage_once() {
    let project = Project::script("sleep 1\necho done > /out/done\n");
    project.build(&["fetch"]).ends(0);
    let children: Vec<Child> = (0..16).map(|_| project.start(&["build", "--json"])).collect();
    let said: Vec<Said> =
        children.into_iter().map(|child| project.said(child.wait_with_output().expect("it ends")).ends(0)).collect();
    let built = said.iter().flat_map(ways).filter(|(_, way)| way == "built").count();
    assert_eq!(built, 1);
    let digests: std::collections::BTreeSet<_> = said.iter().flat_map(outputs).collect();
    assert_eq!(digests.len(), 1, "{digests:?}");
}

#[test]
fn a_known_output_is_checked() {
    let project = Project::script("echo fixed > /out/file\n");
    project.build(&["lock", "--update-outputs"]).ends(0);
    project.build(&["build"]).ends(0);
    let lockfile = project.read("project/lockfile.json");
    let mut value: serde_json::Value = serde_json::from_str(&lockfile).expect("JSON");
    let tree = &mut value["outputs"]["one"]["any"]["tree"];
    let wrong = format!("{}/0", "0".repeat(64));
    assert!(tree.is_string(), "{lockfile}");
    *tree = wrong.into();
    project.write("project/lockfile.json", value.to_string());
    let said = project.build(&["build", "--plain"]).ends(1);
    assert!(said.err.contains("reproducibly") && said.err.contains("0000"), "{}", said.all());
    // For stages that are named, and nothing but what was asked for.
    project.build(&["lock", "--update-outputs", "two"]).ends(2);
    project.build(&["lock", "two"]).ends(2);
    project.build(&["lock", "--update-outputs", "one"]).ends(0);
    assert_eq!(project.read("project/lockfile.json"), lockfile);
}

#[test]
fn a_stage_that_varies_is_found_out_by_building_it_again() {
    let project = Project::script("busybox dd if=/dev/urandom of=/out/random bs=8 count=1\n");
    project.build(&["build"]).ends(0);
    project.build(&["build", "--rebuild", "--plain"]).ends(1);
}

#[test]
fn inputs_that_disagree_are_named() {
    let project = Project::script("mkdir -p /out/usr/bin; echo other > /out/usr/bin/busybox\n");
    project.stage("two", "tools = [\"sysroot:tiny\", \"stage:one\"]\n");
    let said = project.build(&["build", "--plain"]).ends(2);
    assert!(said.err.contains("usr/bin/busybox") && said.err.contains("wins"), "{}", said.all());
    assert!(said.err.contains("sysroot:tiny") && said.err.contains("stage:one"), "{}", said.all());
    project.stage(
        "two",
        "tools = [\"sysroot:tiny\", \"stage:one\"]\n[[wins]]\npath = \"usr/bin/busybox\"\ninput = \"sysroot:tiny\"\n",
    );
    project.build(&["build", "--plain"]).ends(0);
}

#[test]
fn a_pin_that_does_not_match_is_refused_and_nothing_of_it_stays() {
    let project = Project::tiny();
    let path = project.path("bad/pool/main/b/busybox");
    std::fs::create_dir_all(&path).expect("make folders");
    let name = "busybox-static_1.35.0-4+deb12u1+b1_amd64.deb";
    std::fs::write(path.join(name), vec![b'x'; 928_188]).expect("write a file");
    let mut command = project.command(&["build", "--plain"]);
    command.env("REPRO_MIRROR_DEBIAN", project.path("bad"));
    let said = project.said(command.output().expect("run repro")).ends(5);
    assert!(said.err.contains("3d3fdbe91d46"), "{}", said.all());
    let offline = project.build(&["build", "--offline", "--plain"]);
    // A folder is no network: offline, the good mirror in a folder still serves.
    offline.ends(0);
}

#[test]
fn a_stage_is_stopped_at_its_limits() {
    let project = Project::script("sleep 30\n");
    project.stage("one", "tools = [\"sysroot:tiny\"]\n[limits]\nsilence = \"1s\"\n");
    project.write("project/stages/one/build.sh", "sleep 30\n");
    let said = project.build(&["build", "--plain"]).ends(3);
    assert!(said.err.contains("silence"), "{}", said.all());
    project.stage("one", "tools = [\"sysroot:tiny\"]\n[limits]\nscratch = \"1MiB\"\n");
    project.write("project/stages/one/build.sh", "busybox dd if=/dev/zero of=/build/big bs=1024k count=4\n");
    let said = project.build(&["build", "--plain"]).ends(3);
    assert!(said.err.contains("No space left"), "{}", said.all());
}
