//! `repro unpack`

use std::os::unix::fs::PermissionsExt;

use crate::environment::Project;

fn archive(entries: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, data, mode) in entries {
        let mut header = tar::Header::new_ustar();
        // Not by `set_path`, which refuses what is tested here.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(data.len() as u64);
        header.set_mode(*mode);
        header.set_cksum();
        builder.append(&header, data.as_bytes()).expect("write to memory");
    }
    builder.into_inner().expect("write to memory")
}

#[test]
fn files_arrive_with_plain_modes() {
    let project = Project::empty();
    project.write("project/a.tar", archive(&[("top/run", "#!/bin/sh\n", 0o700), ("top/sub/text", "hello", 0o600)]));
    let said = project.repro(&["unpack", "a.tar", "out", "--strip", "1", "--json"]).ends(0);
    assert_eq!(project.read("project/out/sub/text"), "hello");
    let mode = std::fs::metadata(project.path("project/out/run")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&value["files"], &value["bytes"]), (&2.into(), &15.into()), "{}", said.out);
    let again = project.repro(&["unpack", "a.tar", "out"]).ends(2);
    assert!(again.err.contains("it is not empty") && again.err.contains("hint:"), "{}", again.all());
}

#[test]
fn nothing_escapes() {
    let project = Project::empty();
    project.write("project/evil.tar", archive(&[("good", "x", 0o644), ("../evil", "x", 0o644)]));
    let said = project.repro(&["unpack", "evil.tar", "out"]).ends(2);
    assert!(said.err.contains("evil.tar") && said.err.contains("../evil"), "{}", said.all());
    assert!(!project.path("project/evil").exists());
    project.repro(&["unpack", "missing.tar", "out2"]).ends(2);
}
