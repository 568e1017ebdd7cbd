//! What all tests share that run stages on this host's own `/usr`.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::sandbox::{Limits, Plan, StagePlan, Step};

/// Set for the copy of the tests that runs as a plain user.
const AS_USER: &str = "REPRO_TEST_AS_USER";

/// A root of nothing but the links of a merged tree.
pub(crate) fn links() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["bin", "lib", "lib64", "sbin"] {
        std::os::unix::fs::symlink(format!("usr/{name}"), root.path().join(name)).expect("the folder is new");
    }
    root
}

/// A stage whose root is [`links`].
pub(crate) fn stage(root: &Path, argv: &[&str], limits: Limits) -> StagePlan {
    StagePlan {
        tools: vec![root.to_owned()],
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        env: [("PATH".to_owned(), "/usr/bin:/usr/sbin".to_owned())].into(),
        limits,
        ..StagePlan::default()
    }
}

/// The stage's plan, with this host's `/usr`.
pub(crate) fn plan(stage: &StagePlan) -> Plan {
    let mut plan = stage.plan();
    let at = plan.steps.iter().position(|step| matches!(step, Step::Root { .. })).expect("every plan has a root");
    if let Step::Root { points, .. } = &mut plan.steps[at] {
        points.push("/usr".to_owned());
    }
    plan.steps.insert(at + 1, Step::Tree { at: "/usr".to_owned(), lower: vec!["/usr".into()], writable: false });
    plan
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says aloud that a test could not be done, and fails where none may be left out. What a plain user cannot do was done
/// by the run that started the one as a plain user.
pub(crate) fn skipped(what: &str, why: &str) {
    eprintln!("SKIPPED: {what}: {why}");
    let strict = std::env::var_os("REPRO_TEST_NO_SKIP").is_some() && std::env::var_os(AS_USER).is_none();
    assert!(!strict, "skipped where nothing may be: {what}: {why}");
}

/// Runs some of these tests once more as a plain user, one of them `expected`, when root runs them.
pub(crate) fn again_as_a_plain_user(what: &str, tests: &[&str], expected: &str) {
    if !is_root() {
        if std::env::var_os(AS_USER).is_none() {
            skipped(what, "the tests do not run as root");
        }
        return;
    }
    // A copy: the build folder may be closed to others.
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let program = folder.path().join("tests");
    // By another process: a child that another test has just forked would hold the copy open for writing if this one made
    // it, and it could not be executed.
    let copied = Command::new("cp").arg(std::env::current_exe().expect("the kernel knows")).arg(&program).status();
    assert!(copied.expect("there is cp").success());
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("it is ours");
    let output = Command::new(&program)
        .args(tests)
        .arg("--test-threads=2")
        .env(AS_USER, "1")
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .expect("the copy can be executed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(expected), "{text}");
}
