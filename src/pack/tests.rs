//! Tables against trees, and images against what the recipes say.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::contents::Stored;
use super::header::Header;
use super::{Deviant, Error, Fault, Packer, installed, table};
use crate::digest::Digest;
use crate::fs::Dir;
use crate::image::{Compression, Contents, Format, Kind, Recipe};
use crate::store::{Store, TreeBuilder};
use crate::sys::CancelToken;

fn store(folder: &Path) -> Store {
    Store::open(&folder.join("store")).expect("a store can be made")
}

/// etc/motd, bin/sh and a link.
fn tree(store: &Store) -> Digest {
    let mut tree = TreeBuilder::new(store);
    tree.file("etc/motd", 0o644, &mut b"hello\n".as_slice()).expect("it is new");
    tree.file("bin/sh", 0o755, &mut b"#!".as_slice()).expect("it is new");
    tree.symlink("bin/a b", "sh").expect("it is new");
    tree.finish().expect("it can be stored")
}

fn line(kind: &str, mode: &str, owner: &str, content: Option<&[u8]>, path: &str) -> String {
    let (hash, size) =
        content.map_or(("-".to_owned(), "-".to_owned()), |bytes| (Digest::of(bytes).hex(), bytes.len().to_string()));
    format!("{kind} {mode} {owner} {hash} {size} {path}\n")
}

fn good() -> String {
    [
        line("d", "0755", "0 0", None, "/"),
        line("d", "0700", "7 8", None, "/etc"),
        line("f", "0600", "1 2", Some(b"hello\n"), "/etc/motd security.capability=0100ff"),
        line("d", "1777", "0 0", None, "/bin"),
        line("f", "4755", "0 0", Some(b"#!"), "/bin/sh"),
        "l 0777 0 0 - sh /bin/a\\040b\n".to_owned(),
        "c 0600 0 5 - 5:1 /etc/console\n".to_owned(),
        "b 0660 0 6 - 8:0 /etc/sda\n".to_owned(),
        "p 0622 0 0 - - /etc/initctl\n".to_owned(),
    ]
    .concat()
}

#[test]
fn a_table_says_what_a_tree_does_not_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let made = table::owned(&store, tree(&store), good().as_bytes(), 77).expect("it fits");
    let at = |path: &str| made.inodes.iter().find(|inode| inode.path == path.as_bytes()).expect("it is there");
    let motd = at("etc/motd");
    assert_eq!((motd.meta.mode, motd.meta.uid, motd.meta.gid, motd.meta.time), (0o600, 1, 2, 77));
    assert_eq!(motd.meta.attributes[b"security.capability".as_slice()], [1, 0, 255]);
    assert_eq!(at("bin").meta.mode, 0o1777);
    assert_eq!(at("bin/a b").kind, Kind::Symlink(b"sh".to_vec()));
    assert_eq!(at("etc/console").kind, Kind::Character(5, 1));
    assert_eq!(at("etc/sda").kind, Kind::Block(8, 0));
    assert_eq!(at("etc/initctl").kind, Kind::Fifo);
    assert_eq!(made.inodes.len(), 9);
    let plain = table::plain(&store, tree(&store), 5).expect("every tree can be an image");
    assert_eq!(
        plain.inodes.iter().map(|inode| inode.meta.mode).collect::<Vec<_>>(),
        [0o755, 0o755, 0o777, 0o755, 0o755, 0o644]
    );
}

#[test]
fn a_table_of_another_tree_is_refused_with_all_that_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let table = [
        line("d", "0755", "0 0", None, "/"),
        line("f", "0755", "0 0", None, "/etc"),
        line("f", "0644", "0 0", Some(b"other\n"), "/etc/motd"),
        line("d", "0755", "0 0", None, "/bin"),
        line("d", "0755", "0 0", None, "/bin"),
        "l 0777 0 0 - ash /bin/a\\040b\n".to_owned(),
        line("f", "0644", "0 0", Some(b""), "/none"),
        "x 0644 0 0 - - /x\n".to_owned(),
        "f 9 0 0 - - /x\n".to_owned(),
    ]
    .concat();
    let error = table::owned(&store, tree(&store), table.as_bytes(), 0).expect_err("it does not fit");
    let Error::Table { faults, count } = error else { panic!("{error}") };
    assert_eq!(count, faults.len());
    let text: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert_eq!(
        text,
        [
            "line 5: `/bin` a second time",
            "line 8: TYPE is none of d f l c b p",
            "line 9: no mode",
            "`/bin/a b` leads elsewhere than listed",
            "`/etc` is of another type than listed",
            "`/etc/motd` has other bytes than listed",
            "`/none` is listed, but not in the tree",
            "`/bin/sh` is in the tree, but not listed",
        ]
    );
}

#[test]
fn recipes_become_files_and_say_what_they_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let mut base = TreeBuilder::new(&store);
    base.tree("root", tree(&store)).expect("it is new");
    base.file("manifest", 0o644, &mut good().as_bytes()).expect("it is new");
    let inputs = BTreeMap::from([("base".to_owned(), base.finish().expect("it can be stored"))]);
    std::fs::create_dir(folder.path().join("out")).expect("it is new");
    let out = Dir::open(folder.path().join("out")).expect("it is there");
    let cancel = CancelToken::new().expect("a token");
    let packer = Packer { store: &store, inputs: &inputs, time: 9, folder: &out, threads: 2, cancel: &cancel };
    let text = |text: &str| Some(text.to_owned());
    let mut tar = Recipe { root: text("base/root"), table: text("base/manifest"), ..Recipe::new(Format::Tar) };
    let plain = packer.write("root.tar", &tar, &[]).expect("it can be written");
    let read: Vec<&[u8]> = vec![b"/in/base/manifest", b"/in/base/root/bin/sh", b"/in/base/root/etc/motd"];
    assert_eq!(plain.read, read);
    tar.compress = Some(Compression::Zstd(3));
    packer.write("root.tar.zst", &tar, &[]).expect("it can be written");
    let file = Recipe { file: text("base/root/etc/motd"), ..Recipe::new(Format::File) };
    assert_eq!(packer.write("motd", &file, &[]).expect("it can be written").size, 6);
    packer.write("SUMS", &Recipe::new(Format::Sums), &["motd", "root.tar"]).expect("it can be written");
    let read = |name: &str| std::fs::read(folder.path().join("out").join(name)).expect("it is there");
    let bytes = read("root.tar");
    assert_eq!(bytes.len() as u64, plain.size);
    let mut unpacked = Vec::new();
    let zst = read("root.tar.zst");
    zstd::Decoder::new(zst.as_slice()).and_then(|mut zst| zst.read_to_end(&mut unpacked)).expect("it is zstd");
    assert_eq!(unpacked, bytes);
    let sums = format!("{}  motd\n{}  root.tar\n", Digest::of(b"hello\n").hex(), Digest::of(&bytes).hex());
    assert_eq!(String::from_utf8_lossy(&read("SUMS")), sums);
    for (place, what) in
        [("base/none", "file `base/none`"), ("bas/root", "input `bas`"), ("base/root", "file `base/root`")]
    {
        let wrong = Recipe { file: text(place), ..Recipe::new(Format::File) };
        let error = packer.write("wrong", &wrong, &[]).expect_err("there is none").to_string();
        assert_eq!(error, format!("there is no {what}"));
        std::fs::remove_file(folder.path().join("out/wrong")).expect("it was begun");
    }
}

#[test]
fn a_stop_ends_an_image_that_is_being_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let inputs = BTreeMap::from([("base".to_owned(), tree(&store))]);
    std::fs::create_dir(folder.path().join("out")).expect("it is new");
    let out = Dir::open(folder.path().join("out")).expect("it is there");
    let cancel = CancelToken::new().expect("a token");
    let packer = Packer { store: &store, inputs: &inputs, time: 9, folder: &out, threads: 1, cancel: &cancel };
    let contents = Stored { store: &store, cancel: &cancel };
    let mut motd = contents.open(&Digest::of(b"hello\n")).expect("it is there");
    let mut byte = [0];
    motd.read_exact(&mut byte).expect("nothing was stopped");
    cancel.cancel();
    assert!(motd.read(&mut byte).is_err_and(|error| error.kind() != std::io::ErrorKind::Interrupted));
    for format in [Format::Tar, Format::Squashfs, Format::Erofs, Format::Ext4] {
        let recipe = Recipe { root: Some("base".to_owned()), ..Recipe::new(format) };
        let error = packer.write(format.name(), &recipe, &[]).expect_err("it was stopped");
        assert!(matches!(error, Error::Cancelled), "{format}: {error}");
    }
}

#[test]
fn what_is_installed_is_held_against_the_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root");
    for dir in ["etc", "var/log"] {
        std::fs::create_dir_all(root.join(dir)).expect("it is new");
    }
    std::fs::write(root.join("etc/motd"), "hello\n").expect("it is new");
    std::fs::write(root.join("etc/table"), "x").expect("it is new");
    std::os::unix::fs::symlink("motd", root.join("etc/issue")).expect("it is new");
    let set = |path: &str, mode| {
        std::fs::set_permissions(root.join(path), std::fs::Permissions::from_mode(mode)).expect("it is there");
    };
    for (path, mode) in
        [("", 0o755), ("etc", 0o755), ("var", 0o755), ("var/log", 0o700), ("etc/motd", 0o644), ("etc/table", 0o600)]
    {
        set(path, mode);
    }
    let meta = std::fs::metadata(&root).expect("it is there");
    let owner = format!("{} {}", meta.uid(), meta.gid());
    let table = [
        line("d", "0755", &owner, None, "/"),
        line("d", "0755", &owner, None, "/etc"),
        line("f", "0644", &owner, Some(b"hello\n"), "/etc/motd"),
        line("f", "0600", &owner, None, "/etc/table"),
        format!("l 0777 {owner} - motd /etc/issue\n"),
        line("d", "0755", &owner, None, "/var"),
        line("d", "0700", &owner, None, "/var/log"),
    ]
    .concat();
    let dir = Dir::open(&root).expect("it is there");
    let none = |_: &[u8]| false;
    let report = installed(&dir, table.as_bytes(), None, &none).expect("it can be read");
    assert_eq!((report.listed, report.bytes, &report.deviations), (7, 6, &Vec::new()));

    std::fs::write(root.join("etc/motd"), "jello\n").expect("it is there");
    std::fs::write(root.join("var/log/messages"), "").expect("it is new");
    std::fs::remove_file(root.join("etc/issue")).expect("it is there");
    std::fs::create_dir(root.join("etc/issue")).expect("it is new");
    std::fs::remove_file(root.join("etc/table")).expect("it is there");
    set("var", 0o777);
    let report = installed(&dir, table.as_bytes(), None, &none).expect("it can be read");
    let told: Vec<(&str, &Deviant)> =
        report.deviations.iter().map(|found| (found.path.as_str(), &found.what)).collect();
    let (listed, found) = (Digest::of(b"hello\n").hex(), Digest::of(b"jello\n").hex());
    assert_eq!(
        told,
        [
            ("/etc/issue", &Deviant::Type { found: "directory".to_owned() }),
            ("/etc/motd", &Deviant::Content { listed, found }),
            ("/etc/table", &Deviant::Absent),
            ("/var", &Deviant::Mode { listed: "0755".to_owned(), found: "0777".to_owned() }),
            ("/var/log/messages", &Deviant::Unlisted),
        ]
    );
    let exempt = |path: &[u8]| path == b"var" || path == b"etc/table";
    let report = installed(&dir, table.as_bytes(), None, &exempt).expect("it can be read");
    assert_eq!(
        report.deviations.iter().map(|found| found.path.as_str()).collect::<Vec<_>>(),
        ["/etc/issue", "/etc/motd"]
    );
    // A table that says which lines it has, and a root that somebody else says.
    let header = Header { inputs: "ab/2".to_owned(), merkle_root: Header::merkle_root_of(table.as_bytes()) };
    let headed = format!("{header}{table}");
    let wrong = |table: &str, expected: Option<&str>| {
        let report = installed(&dir, table.as_bytes(), expected, &|_| true).expect("it can be read");
        assert_eq!(report.inputs.as_deref(), Some("ab/2"));
        let roots = report.deviations.into_iter().filter(|found| matches!(found.what, Deviant::MerkleRoot { .. }));
        roots.map(|found| found.path).collect::<Vec<_>>()
    };
    assert_eq!(wrong(&headed, Some(&header.merkle_root)), [] as [&str; 0]);
    assert_eq!(wrong(&headed.replace("d 0700", "d 0701"), None), ["/usr/share/repro/manifest"]);
    assert_eq!(wrong(&headed, Some("0")), ["/usr/share/repro/manifest"]);
    let error = installed(&dir, b"d 0755 0 0 - -\n", None, &none).expect_err("it is no table");
    assert!(error.to_string().contains("line 1: not TYPE MODE UID GID SHA256 EXTRA PATH"), "{error}");
}
