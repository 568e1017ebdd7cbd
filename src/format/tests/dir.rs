//! Unpacking into a directory of the host.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink as link};

use super::make::*;
use super::*;

fn rules() -> Rules {
    Rules { modes: Modes::Keep, ..Rules::default() }
}

#[test]
fn a_tree_is_laid_out() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let target = temp.path().join("out");
    let bytes = tar(&[
        dir("d").mode("0000555\0"),
        file("d/a", "1"),
        file("d/x", "#!").mode("0006711\0"),
        hardlink("d/h", "d/a"),
        file("d/a", "2"),
        symlink("d/l", "/etc/passwd"),
    ]);
    let summary = unpack_to_dir("t", Cursor::new(bytes), None, &rules(), &target, false)
        .expect("a good archive and a new folder");
    assert_eq!(summary.entries, 6);
    let mode = |path: &str| fs::symlink_metadata(target.join(path)).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!((mode("d"), mode("d/x"), mode("d/a")), (0o555, 0o711, 0o644));
    assert_eq!(fs::read(target.join("d/a")).expect("it is there"), b"2");
    assert_eq!(fs::read(target.join("d/h")).expect("it is there"), b"1", "the other name keeps the first content");
    assert_eq!(fs::read_link(target.join("d/l")).expect("it is a link").to_str(), Some("/etc/passwd"));
    for path in ["d", "d/a", "d/l"] {
        assert_eq!(fs::symlink_metadata(target.join(path)).expect("it is there").mtime(), 315_532_800, "{path}");
    }
    let again = unpack_to_dir("t", Cursor::new(tar(&[])), None, &rules(), &target, false);
    assert!(matches!(again, Err(DirError::NotEmpty { .. })));
}

#[test]
fn links_that_were_there_are_not_followed() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let (target, outside) = (temp.path().join("out"), temp.path().join("outside"));
    fs::create_dir_all(target.join("d")).expect("a folder");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("kept"), "kept").expect("a file");
    link(&outside, target.join("l")).expect("a link");
    link(outside.join("kept"), target.join("d/f")).expect("a link");
    let fill = |entries: &[Tar]| unpack_to_dir("t", Cursor::new(tar(entries)), None, &rules(), &target, true);
    for entries in [vec![file("l/a", "x")], vec![dir("l")], vec![dir("l/e")], vec![symlink("l/s", "x")]] {
        let error = fill(&entries).expect_err("a link is in the way");
        assert!(matches!(error, DirError::Partial { .. }), "{error:?}");
    }
    fill(&[file("d/f", "new")]).expect("the link itself is replaced");
    assert!(fs::symlink_metadata(target.join("d/f")).expect("it is there").is_file());
    assert_eq!(fs::read_dir(&outside).expect("it is there").count(), 1);
    assert_eq!(fs::read(outside.join("kept")).expect("it is there"), b"kept");
}

#[test]
fn a_damaged_archive_leaves_whole_files_only() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let target = temp.path().join("out");
    let bytes = tar(&[file("a", "whole"), file("b", &"x".repeat(4000))]);
    let error =
        unpack_to_dir("t.tar", Cursor::new(&bytes[..2000]), None, &rules(), &target, false).expect_err("it is cut");
    assert!(error.to_string().ends_with("holds the first 1 entries"), "{error}");
    let names: Vec<_> = fs::read_dir(&target).expect("it is there").map(|e| e.expect("readable").file_name()).collect();
    assert_eq!(names, ["a"]);
    assert!(error.hint().is_some_and(|hint| hint.contains("remove")));
}
