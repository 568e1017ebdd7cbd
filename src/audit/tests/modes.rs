//! What a store's tree cannot hold: bits of modes, and links.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::container::OpenError;

fn mode(folder: &Path, path: &str, mode: u32) {
    let path = folder.join(path);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("modes can be set");
}

#[test]
fn bits_that_have_to_be_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, bits) in [
        ("usr/bin/plain", 0o755),
        ("usr/bin/setuid", 0o4755),
        ("usr/bin/setgid", 0o2755),
        ("usr/bin/locked", 0o2644),
        ("usr/share/open", 0o666),
        ("usr/share/closed", 0o600),
    ] {
        write(folder.path(), path, "x");
        mode(folder.path(), path, bits);
    }
    write(folder.path(), "var/spool/x", "x");
    write(folder.path(), "var/tmp/x", "x");
    mode(folder.path(), "var/spool", 0o777);
    mode(folder.path(), "var/tmp", 0o1777);
    assert_eq!(
        judged(folder.path()),
        [
            "mode-setgid usr/bin/setgid",
            "mode-setuid usr/bin/setuid",
            "mode-world-writable usr/share/open",
            "mode-world-writable var/spool"
        ]
    );
}

#[test]
fn bits_survive_in_archives() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bits) in [("usr/bin/su", 0o4755), ("usr/bin/ls", 0o755)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(1);
        header.set_mode(bits);
        header.set_cksum();
        archive.append_data(&mut header, path, &b"x"[..]).expect("memory takes it");
    }
    write(folder.path(), "a.tar", archive.into_inner().expect("memory takes it"));
    assert_eq!(judged(&folder.path().join("a.tar")), ["mode-setuid a.tar!usr/bin/su"]);
    // Within a folder, too: it is a part of a system.
    assert_eq!(judged(folder.path()), ["mode-setuid a.tar!usr/bin/su"]);
}

#[test]
fn parts_of_a_system_lean_on_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = |target: &str, path: &str| {
        std::os::unix::fs::symlink(target, folder.path().join(path)).expect("links can be made");
    };
    write(folder.path(), "usr/bin/script", "#!/usr/bin/perl\n");
    mode(folder.path(), "usr/bin/script", 0o755);
    link("/etc/alternatives/x", "usr/bin/elsewhere");
    link("gone", "usr/bin/missing");
    let part = report(folder.path(), &Config::default());
    assert_eq!(lines(&part), ["symlink-absolute usr/bin/elsewhere", "symlink-dangling usr/bin/missing"]);
    assert!(part.is_clean(), "{part:?}");
    assert_eq!(part.outside, ["/usr/bin/perl"]);
    // As soon as it is whole, what is missing is missing.
    write(folder.path(), "etc/passwd", "");
    write(folder.path(), "bin/sh", "");
    assert_eq!(
        judged(folder.path()),
        [
            "script-interpreter-missing usr/bin/script",
            "symlink-dangling usr/bin/elsewhere",
            "symlink-dangling usr/bin/missing",
            "symlink-absolute usr/bin/elsewhere",
        ]
    );
}

#[test]
fn a_lone_file_and_what_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "text", "see /build/x/y.c");
    assert_eq!(judged(&folder.path().join("text")), ["leak-build-path text"]);
    let error = Subject::open(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }) && error.hint().is_some(), "{error}");
    let socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).expect("sockets can be made");
    let error = Subject::open(&folder.path().join("socket")).unwrap_err();
    assert_eq!(error.to_string(), format!("look into `{}`: it is a socket", folder.path().join("socket").display()));
    drop(socket);
}

#[test]
fn threads_do_not_show() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..200 {
        write(folder.path(), &format!("usr/share/{number}"), format!("{number} /build/{}", "x".repeat(number * 50)));
    }
    let first = report(folder.path(), &Config::default());
    assert_eq!(first.counts.files, 200);
    assert_eq!(first.counts.errors, 199, "an empty name is none");
    for _ in 0..3 {
        assert_eq!(report(folder.path(), &Config::default()), first);
    }
}

proptest::proptest! {
    /// Bytes that begin as something and go on as anything.
    #[test]
    fn hostile_files_are_findings_at_most(
        start in proptest::sample::select(vec![
            &b"\x7fELF\x02\x01\x01"[..], b"\x7fELF\x01\x02\x01", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh9",
            b"!<arch>\n", b"070701", b"PK\x03\x04", b"#!", b"#!/usr/bin/env ",
        ]),
        rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600),
    ) {
        let needles = Needles::new(&Surroundings::default(), &[]);
        let scanner = scan::Scanner { needles: &needles, compilers: &[], list: false, cancel: None };
        scanner.scan("x", "x.la", &mut std::io::Cursor::new([start, &rest].concat()), 0);
    }

    /// A real object with some bytes changed.
    #[test]
    fn damaged_objects_do_not_panic(
        changes in proptest::collection::vec((proptest::prelude::any::<u32>(), proptest::prelude::any::<u8>()), 1..30),
        length in 0_usize..40_000,
    ) {
        // The headers at the start count; the rest is only long.
        let mut bytes = Vec::new();
        let program = std::fs::File::open("/proc/self/exe").expect("this program can be read");
        std::io::Read::read_to_end(&mut std::io::Read::take(program, length as u64), &mut bytes).expect("it can be read");
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at as usize % 4096) {
                *byte = value;
            }
        }
        let needles = Needles::new(&Surroundings::default(), &[]);
        let scanner = scan::Scanner { needles: &needles, compilers: &[], list: false, cancel: None };
        scanner.scan("x", "x", &mut std::io::Cursor::new(bytes), 0);
    }
}
