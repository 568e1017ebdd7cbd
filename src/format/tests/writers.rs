//! What the writers write, the readers read; and it is always the same.

use super::*;

#[test]
fn tar_round_trip() {
    let long = format!("{}/{}", "d".repeat(200), "é".repeat(120));
    let write = || {
        let mut out = TarWriter::new(Vec::new(), 315_532_800);
        out.directory("d", 0o755).expect("a Vec takes all");
        out.file("d/a", 0o755, 5, &mut b"hello".as_slice()).expect("a Vec takes all");
        out.file(&long, 0o644, 1, &mut b"x".as_slice()).expect("a Vec takes all");
        out.symlink("d/l", &"t".repeat(300)).expect("a Vec takes all");
        out.hardlink("d/h", "d/a").expect("a Vec takes all");
        out.finish().expect("a Vec takes all")
    };
    let bytes = write();
    assert_eq!(bytes, write());
    let (lines, summary) = listing(&bytes, &Rules::default()).expect("our own archive");
    let want = format!("d/ d/a*=hello {}/ {long}=x d/l->{} d/h=>d/a", "d".repeat(200), "t".repeat(300));
    assert_eq!(lines, want);
    assert_eq!((summary.owners, summary.other.len()), (0, 0));
    // The `tar` crate reads the same.
    let names = ::tar::Archive::new(bytes.as_slice());
    let mut names = names;
    let names = names.entries().expect("it is a tar").map(|entry| entry.expect("it is whole").path_bytes().to_vec());
    assert_eq!(names.collect::<Vec<_>>()[2], long.as_bytes());
}

#[test]
fn cpio_round_trip() {
    let mut out = CpioWriter::new(Vec::new(), 1);
    out.directory("d", 0o755).expect("a Vec takes all");
    out.file("d/a", 0o755, 5, &mut b"hello".as_slice()).expect("a Vec takes all");
    out.symlink("d/l", "a").expect("a Vec takes all");
    out.character_device("console", 0o600, (5, 1)).expect("a Vec takes all");
    let bytes = out.finish().expect("a Vec takes all");
    assert_eq!(bytes.len() % 4, 0);
    let rules = Rules { skip_devices: true, ..Rules::default() };
    let (lines, summary) = listing(&bytes, &rules).expect("our own archive");
    assert_eq!(lines, "d/ d/a*=hello d/l->a");
    assert_eq!(summary.devices, ["console"]);
}

#[test]
fn a_file_of_another_size_is_an_error() {
    for (size, actual) in [(4, 5), (6, 5)] {
        let mut out = TarWriter::new(Vec::new(), 0);
        let error = out.file("a", 0o644, size, &mut b"hello".as_slice()).expect_err("the size is wrong");
        assert!(matches!(error, WriteError::Size { expected, actual: got, .. } if expected == size && got == actual));
        let mut out = CpioWriter::new(Vec::new(), 0);
        out.file("a", 0o644, size, &mut b"hello".as_slice()).expect_err("the size is wrong");
    }
}
