//! The exported bundle, run by other people's runtimes.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// Lays a bundle out as [`oci::Layout`] says; the one layer here holds symbolic links only.
fn lay_out(plan: &Plan, bundle: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let layout = oci::layout(plan);
    let root = bundle.join("rootfs");
    fs::create_dir(&root).unwrap();
    for layer in &layout.root {
        for entry in fs::read_dir(layer).unwrap().map(Result::unwrap) {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), root.join(entry.file_name())).unwrap();
        }
    }
    for point in &layout.points {
        fs::create_dir(root.join(point.trim_start_matches('/'))).unwrap();
    }
    for folder in &layout.folders {
        fs::create_dir(bundle.join(folder)).unwrap();
    }
    // The runtime's own user 0 is nobody of this host.
    fs::set_permissions(bundle, fs::Permissions::from_mode(0o755)).unwrap();
    let spec = oci::spec(plan, bundle, rustix::process::geteuid().as_raw()).unwrap();
    fs::write(bundle.join("config.json"), oci::canonical(&spec).unwrap()).unwrap();
}

#[test]
fn other_runtimes_give_the_same_output() {
    if !is_root() {
        skipped("bundles under runc and crun", "a map of two ids takes root");
        return;
    }
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("x"), "source\n").unwrap();
    let script = "
cat /src/it/x; echo more >> /src/it/x
{ id -u; id -g; hostname; umask; pwd; cat /src/it/x; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; env | sort; } > /out/facts
test ! -e /proc/cmdline
touch /build/f; if chmod u+s /build/f 2>/dev/null; then echo setuid >> /out/facts; fi
";
    let mut stage = Stage::sh(script);
    stage.made.sources = vec![("it".into(), source.path().into(), true)];
    let (finished, log) = stage.run();
    assert_eq!((finished.outcome, log.as_str()), (Outcome::Exited(0), "source\n"));
    let ours = read_at(&finished.out, "facts");
    let mut ran = Vec::new();
    for runtime in ["crun", "runc"] {
        if !Command::new(runtime).arg("--version").output().is_ok_and(|output| output.status.success()) {
            eprintln!("{runtime} is not installed");
            continue;
        }
        let bundle = tempfile::tempdir().unwrap();
        lay_out(&stage.plan(), bundle.path());
        let name = format!("repro-test-{}", std::process::id());
        let mut command = Command::new(runtime);
        // crun gives its standard streams to the user that is root inside: the host's /dev/null must not be among them.
        command.args(["run", &name]).current_dir(bundle.path()).stdin(std::process::Stdio::piped());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("hybrid mode not supported") {
            eprintln!("{runtime} does not run on hosts with both versions of control groups");
            continue;
        }
        assert!(output.status.success(), "{runtime}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "source\n", "{runtime}: {said}");
        // Runtimes set a variable or two of their own.
        let theirs = fs::read_to_string(bundle.path().join("out/facts")).unwrap();
        assert_eq!(
            theirs.lines().filter(|line| *line != "HOME=/").collect::<Vec<_>>(),
            ours.lines().collect::<Vec<_>>()
        );
        assert_eq!(fs::read_to_string(source.path().join("x")).unwrap(), "source\n");
        ran.push(runtime);
    }
    if ran.is_empty() {
        skipped("bundles under runc or crun", "neither is installed and runs on this host");
    }
}
