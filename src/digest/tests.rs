//! Golden digests: a change here changes the name of everything that anyone has ever stored.

use super::reapi::{Directory, DirectoryNode, FileNode, SymlinkNode};
use super::{Canonical, Digest};

fn sample() -> Directory {
    Directory {
        files: vec![
            FileNode::new("a", Digest::of(b"a"), 0o644),
            FileNode::new("run", Digest::of(b"#!"), 0o755),
            FileNode::new("secret", Digest::of(b""), 0o600),
        ],
        directories: vec![DirectoryNode::new("dir", Directory::default().digest())],
        symlinks: vec![SymlinkNode { name: "link".into(), target: "../a".into() }],
    }
}

#[test]
fn golden_digests() {
    insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("digests", format!("empty directory {}\nsample directory {}\n",
            Directory::default().digest(), sample().digest()));
    });
}

#[test]
fn a_directory_survives_its_encoding() {
    assert_eq!(Directory::decode_canonical(&sample().canonical()), Ok(sample()));
    assert_eq!(sample().files[2].mode(), 0o600);
}

#[test]
fn bytes_that_are_not_canonical_are_refused() {
    let mut unsorted = sample();
    unsorted.files.swap(0, 1);
    assert!(Directory::decode_canonical(&unsorted.canonical()).is_err());
    let mut twice = sample();
    twice.symlinks[0].name = "dir".into();
    assert!(Directory::decode_canonical(&twice.canonical()).is_err());
    let mut unknown = sample().canonical();
    unknown.extend([0x7a, 0x00]);
    assert!(Directory::decode_canonical(&unknown).is_err());
    let mut slash = sample();
    slash.files[0].name = "../a".into();
    assert!(Directory::decode_canonical(&slash.canonical()).is_err());
    let mut plain = sample();
    plain.files[2].node_properties.as_mut().and_then(|p| p.unix_mode.as_mut()).expect("has a mode").value = 0o644;
    assert!(Directory::decode_canonical(&plain.canonical()).is_err());
}

#[test]
fn a_digest_has_one_spelling() {
    let digest = Digest::of(b"abc");
    assert_eq!(digest.to_string().parse(), Ok(digest));
    let hex = digest.hex();
    for wrong in ["", "3", &hex, &format!("{hex}/"), &format!("{hex}/+3"), &format!("{hex}/03"), &hex.to_uppercase()] {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}
