//! Tests of the sandbox.
use super::*;
#[test]
fn first_light() {
    let cancel = CancelToken::new().unwrap();
    let mut log = Vec::new();
    let dir = tempfile::tempdir().unwrap();
    for n in ["bin", "lib", "lib64"] {
        std::os::unix::fs::symlink(format!("usr/{n}"), dir.path().join(n)).unwrap();
    }
    let mut plan = StagePlan {
        tools: vec![dir.path().to_owned()],
        argv: ["/bin/sh", "-c", "id; ls -la / /dev /proc /build; cat /proc/self/mountinfo /proc/self/status /proc/self/limits /proc/self/cgroup; ls -l /proc/self/fd; env; touch /out/x"].map(str::to_owned).to_vec(),
        env: [("PATH".to_owned(), "/usr/bin:/usr/sbin".to_owned())].into(),
        ..StagePlan::default()
    }
    .plan();
    let at = plan.steps.iter().position(|s| matches!(s, Step::Root { .. })).unwrap();
    if let Step::Root { points, .. } = &mut plan.steps[at] {
        points.push("/usr".into());
    }
    plan.steps.insert(at + 1, Step::Tree { at: "/usr".into(), lower: vec!["/usr".into()], writable: false });
    for _ in 0..2 {
        log.clear();
        let done = plan.run(RunIo {
            log: &mut |b| log.extend_from_slice(b),
            jobserver: None,
            cancel: &cancel,
            terminal: None,
        });
        println!("{}", String::from_utf8_lossy(&log));
        if let Err(e) = &done {
            println!("{e} {e:?} {:?}", e.hint());
        }
        println!("{:?}", done.unwrap());
    }
}
