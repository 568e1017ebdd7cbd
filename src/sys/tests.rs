//! What tests need of processes.

use std::process::Command;

/// Set for the copy of the tests that runs one of them.
const ALONE: &str = "REPRO_TEST_ALONE";

/// Whether this process runs the test of this name and nothing else: its descriptors and its processor time are the
/// test's own. Where not, such a process has run the test when this returns, and it has passed.
pub(crate) fn alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("the kernel knows"))
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("the tests can be executed");
    let text = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && text.contains("1 passed");
    assert!(passed, "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    false
}
