//! 1,000 trivial stages from scratch, as a no-op, and with one leaf changed, against ninja, make, nix-build and bazel,
//! as far as they are installed, all in one run.
//!
//! Every stage writes one line to one file; a tenth of them take the output of another one. The peers run the same
//! command; none but nix and bazel isolates or hashes. Wall-clock and CPU seconds (user and system, with all children)
//! of whole processes. `cargo bench --bench orchestrate [-- COUNT]`; the first run fetches one package.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark makes files, looks at the clock and prints"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

struct Time {
    wall: f64,
    cpu: f64,
}

fn children() -> f64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).expect("own usage");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

fn run(command: &mut Command) -> Time {
    let (cpu, begun) = (children(), Instant::now());
    let output = command.stdin(Stdio::null()).output().expect("start a command");
    let time = Time { wall: begun.elapsed().as_secs_f64(), cpu: children() - cpu };
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    time
}

fn best(times: usize, command: &mut dyn FnMut() -> Time) -> Time {
    let runs = (0..times).map(|_| command());
    runs.min_by(|a, b| a.wall.total_cmp(&b.wall)).expect("at least one run")
}

fn installed(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|o| o.status.success())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("copy a file");
        }
    }
}

/// The project: `count` stages, of which each tenth takes the output of the one before.
fn project(folder: &Path, count: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&root.join("tests/fixtures/tiny/sysroots"), &folder.join("sysroots"));
    copy(&root.join("sysroots/keys"), &folder.join("sysroots/keys"));
    fs::copy(root.join("tests/fixtures/tiny/lockfile.json"), folder.join("lockfile.json")).expect("the lockfile");
    fs::create_dir_all(folder.join("stages")).expect("a folder");
    fs::write(folder.join("stages/sources.toml"), "schema = 1\n").expect("write");
    for n in 0..count {
        let stage = folder.join(format!("stages/s{n:05}"));
        fs::create_dir_all(&stage).expect("a folder");
        let input = if n % 10 == 9 { format!("inputs = [\"stage:s{:05}\"]\n", n - 1) } else { String::new() };
        let text = format!("schema = 1\nsummary = \"trivial\"\ntools = [\"sysroot:tiny\"]\n{input}");
        fs::write(stage.join("stage.toml"), text).expect("write");
        fs::write(stage.join("build.sh"), format!("echo {n} > /out/f\n")).expect("write");
    }
}

fn report(what: &str, peer: &str, time: &Time, own: Option<&Time>) {
    let ratio = own.map_or_else(String::new, |own| format!("   repro/{peer} {:.2}", own.wall / time.wall));
    println!("{what:<28} {peer:<10} wall {:>9.1} ms   cpu {:>9.1} ms{ratio}", time.wall * 1e3, time.cpu * 1e3);
}

fn main() {
    let count = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1000);
    let temporary =
        tempfile::tempdir_in(std::env::var_os("REPRO_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from))
            .expect("a folder");
    let folder = temporary.path();
    let own = own(folder, count);
    ninja(folder, count, &own);
    make(folder, count, &own);
    nix(folder, count, &own);
    bazel(folder, count, &own);
}

/// From scratch, no-op, one leaf changed.
fn own(folder: &Path, count: usize) -> [Time; 3] {
    let (root, store) = (folder.join("repro"), folder.join("store"));
    project(&root, count);
    let repro = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
        command.arg("-C").arg(&root).arg("--store").arg(&store).args(arguments);
        command
    };
    run(&mut repro(&["fetch", "-q"]));
    let scratch = run(&mut repro(&["build", "-q"]));
    let nothing = best(10, &mut || run(&mut repro(&["build", "-q"])));
    let mut n = 0;
    let leaf = best(5, &mut || {
        n += 1;
        fs::write(root.join("stages/s00000/build.sh"), format!("echo changed {n} > /out/f\n")).expect("write");
        run(&mut repro(&["build", "-q"]))
    });
    report(&format!("{count} from scratch"), "repro", &scratch, None);
    report(&format!("no-op of {count}"), "repro", &nothing, None);
    report(&format!("one leaf of {count} changed"), "repro", &leaf, None);
    [scratch, nothing, leaf]
}

fn peer(name: &str, count: usize, own: &[Time; 3], command: &dyn Fn() -> Command) {
    report(&format!("{count} from scratch"), name, &run(&mut command()), Some(&own[0]));
    report(&format!("no-op of {count}"), name, &best(5, &mut || run(&mut command())), Some(&own[1]));
}

fn ninja(folder: &Path, count: usize, own: &[Time; 3]) {
    if !installed("ninja") {
        return println!("ninja is not installed: skipped");
    }
    let folder = folder.join("ninja");
    fs::create_dir_all(&folder).expect("a folder");
    let mut text = String::from("rule w\n  command = echo $n > $out\n");
    for n in 0..count {
        let input = if n % 10 == 9 { format!(" o/s{:05}", n - 1) } else { String::new() };
        text.push_str(&format!("build o/s{n:05}: w{input}\n  n = {n}\n"));
    }
    fs::write(folder.join("build.ninja"), text).expect("write");
    peer("ninja", count, own, &|| {
        let mut command = Command::new("ninja");
        command.current_dir(&folder);
        command
    });
}

fn make(folder: &Path, count: usize, own: &[Time; 3]) {
    if !installed("make") {
        return println!("make is not installed: skipped");
    }
    let folder = folder.join("make");
    fs::create_dir_all(folder.join("o")).expect("a folder");
    let all: Vec<String> = (0..count).map(|n| format!("o/s{n:05}")).collect();
    let mut text = format!("all: {}\n", all.join(" "));
    for n in 0..count {
        let input = if n % 10 == 9 { format!(" o/s{:05}", n - 1) } else { String::new() };
        text.push_str(&format!("o/s{n:05}:{input}\n\techo {n} > $@\n"));
    }
    fs::write(folder.join("Makefile"), text).expect("write");
    peer("make", count, own, &|| {
        let mut command = Command::new("make");
        command.arg("-sj2").env_remove("MAKEFLAGS").current_dir(&folder);
        command
    });
}

fn nix(folder: &Path, count: usize, own: &[Time; 3]) {
    if !installed("nix-build") {
        return println!("nix-build is not installed: skipped");
    }
    let folder = folder.join("nix");
    fs::create_dir_all(&folder).expect("a folder");
    let text = format!(
        "builtins.genList (n: derivation {{ name = \"s${{toString n}}\"; system = builtins.currentSystem; \
         builder = \"/bin/sh\"; args = [ \"-c\" \"echo ${{toString n}} > $out\" ]; }}) {count}\n"
    );
    fs::write(folder.join("default.nix"), text).expect("write");
    peer("nix-build", count, own, &|| {
        let mut command = Command::new("nix-build");
        command.arg("--no-out-link").current_dir(&folder);
        command
    });
}

fn bazel(folder: &Path, count: usize, own: &[Time; 3]) {
    if !installed("bazel") {
        return println!("bazel is not installed: skipped");
    }
    let folder = folder.join("bazel");
    fs::create_dir_all(&folder).expect("a folder");
    let rule = |n| format!("genrule(name = \"s{n}\", outs = [\"o{n}\"], cmd = \"echo {n} > $@\")\n");
    fs::write(folder.join("WORKSPACE"), "").expect("write");
    fs::write(folder.join("BUILD"), (0..count).map(rule).collect::<String>()).expect("write");
    peer("bazel", count, own, &|| {
        let mut command = Command::new("bazel");
        command.args(["build", "//:all"]).current_dir(&folder);
        command
    });
}
