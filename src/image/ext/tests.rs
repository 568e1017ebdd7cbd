//! What others make of the file systems: e2fsck, debugfs, and the kernel's own numbers.

use std::fs::{self, File};

use super::super::error::{Error, Problem};
use super::super::tests::volume::{Bench, Bytes, holds, meta, noise, rich, sum};
use super::super::tree::{Builder, Kind, Tree};
use super::{Options, hash::half_md4, write};

fn image(bench: &Bench, name: &str, tree: &Tree, bytes: &Bytes, options: &Options) -> File {
    let mut file = bench.file(name);
    write(tree, bytes, options, &mut file).expect("it can be written");
    file
}

fn debugfs(bench: &Bench, name: &str, commands: &str) -> Option<String> {
    fs::write(bench.path("commands"), commands).expect("a small file");
    Some(bench.run("debugfs", &["-f", "commands", name])?.1)
}

#[test]
fn a_rich_tree_is_clean_and_whole_in_all_forms() {
    let (tree, bytes) = rich();
    let small = Options { label: b"a label".to_vec(), time: 1_700_000_000, ..Options::default() };
    for (name, options) in [
        ("default", small.clone()),
        ("journal", Options { journal: true, spare_bytes: 10 << 20, spare_inodes: 5000, ..small.clone() }),
        ("sized", Options { size: Some((2 << 30) + 12345), journal: true, ..small.clone() }),
        ("2048", Options { block: 2048, ..small }),
    ] {
        // Neither a link's target nor attributes have more than a block.
        let left_out: &[&[u8]] = if name == "2048" { &[b"links/4095", b"attributes/large"] } else { &[] };
        let tree = without(&tree, left_out);
        let bench = Bench::new();
        let file = image(&bench, name, &tree, &bytes, &options);
        if let Some(size) = options.size {
            assert_eq!(file.metadata().expect("it is there").len(), size);
        }
        if !bench.passes("e2fsck", &["-fn", name]) {
            return;
        }
        fs::create_dir(bench.path("out")).expect("a new folder");
        debugfs(&bench, name, "rdump / out\n");
        for inode in &tree.inodes {
            let path = bench.path("out").join(String::from_utf8(inode.path.clone()).expect("names are text"));
            match &inode.kind {
                Kind::File(digest) => {
                    assert!(holds(&path, &bytes, digest), "{name}: {}", path.display());
                }
                Kind::Symlink(to) => {
                    let found = fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes();
                    assert_eq!(found, *to, "{name}");
                }
                _ => {}
            }
        }
    }
}

/// The same tree without some names.
fn without(tree: &Tree, paths: &[&[u8]]) -> Tree {
    let mut builder = Builder::default();
    for (name, number, first) in [(Vec::new(), 0, true)].into_iter().chain(tree.names()) {
        let inode = &tree.inodes[number];
        let added = match &inode.kind {
            _ if paths.contains(&name.as_slice()) => continue,
            Kind::Folder(_) => builder.folder(&name, inode.meta.clone()),
            kind if first => builder.add_other(&name, inode.meta.clone(), kind.clone()),
            _ => builder.link(&name, &inode.path),
        };
        added.expect("as before");
    }
    builder.finish().expect("as before")
}

#[test]
fn debugfs_shows_what_the_tree_says() {
    let (tree, bytes) = rich();
    let bench = Bench::new();
    image(&bench, "x", &tree, &bytes, &Options::default());
    let mut wrong = Vec::new();
    for (command, wants) in [
        ("stat /a/setuid", &["Mode:  04755", "Type: regular", "User:     0", "Links: 1"][..]),
        ("stat /a/setgid", &["Mode:  02755", "User: 65536", "Group: 74565", "0x7fffffff:00000000"]),
        ("stat /a/sticky", &["Mode:  01777", "User:    -2", "mtime: 0x80000000:00000001", "2038"]),
        ("stat /a/late", &["mtime: 0xffffffff:00000001", "crtime: 0xffffffff:00000001", "2106"]),
        ("stat /links/second", &["Links: 3", "User:     7", "Group:     8"]),
        ("stat /a/third", &["Links: 3"]),
        ("stat /links/59", &["Fast link dest", "Size: 59"]),
        ("stat /links/60", &["Size: 60", "EXTENTS"]),
        ("stat /dev/null", &["character special", "01:03"]),
        ("stat /dev/sda", &["block special", "08:00"]),
        ("stat /dev/large", &["259:987700"]),
        ("stat /dev/minor", &["10:256"]),
        ("stat /dev/fifo", &["Type: FIFO"]),
        ("stat /dev/socket", &["Type: socket"]),
        ("stat /a", &["Links: 3", "Mode:  0755"]),
        ("stat /", &["Inode: 2 ", "Links: 11"]),
        ("stat /lost+found", &["Inode: 11 ", "Size: 16384"]),
        ("stat /sizes/big", &["Size: 314572800", "Blockcount: 48"]),
        ("stat /sizes/zeros", &["Size: 1048576", "Blockcount: 0"]),
        ("stat /sizes/torn", &["(ETB0)", "(1798):"]),
        ("htree /many", &["Hash Version: 1", "Indirect levels: 0"]),
        ("ea_list /attributes/large", &["user.large (3000)", "user.small (5) = \"small\"", "user.empty (0)"]),
        ("ea_list /attributes/acl", &["system.posix_acl_access (28)"]),
        ("ea_get -x /attributes/capability security.capability", &["01 00 00 02 00 04 00 00"]),
        ("ea_list /attributes/trusted", &["trusted.overlay.opaque (1)", "system_u:object_r:bin_t:s0"]),
    ] {
        let Some(said) = debugfs(&bench, "x", &format!("{command}\n")) else { return };
        for want in wants {
            if !said.contains(want) {
                wrong.push(format!("{command}: no `{want}` in\n{}", said.get(..1500).unwrap_or(&said)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_of_more_than_4_gib_keeps_its_size_and_its_last_byte() {
    let mut bytes = Bytes::default();
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755, 0, 0, 0)).expect("a new path");
    let content = bytes.sparse((4 << 30) + 1, &[(4 << 30, b"!")]);
    builder.add_other(b"huge", meta(0o644, 0, 0, 0), Kind::File(content)).expect("a new path");
    let tree = builder.finish().expect("a tree");
    let bench = Bench::new();
    let file = image(&bench, "x", &tree, &bytes, &Options::default());
    assert!(file.metadata().expect("it is there").len() < 4 << 20);
    if bench.passes("e2fsck", &["-fn", "x"]) {
        let said = debugfs(&bench, "x", "stat /huge\n").expect("it is there");
        assert!(said.contains("Size: 4294967297") && said.contains("(1048576):"), "{said}");
    }
}

#[test]
fn the_bytes_are_known_and_the_same_twice() {
    let (tree, bytes) = rich();
    let bench = Bench::new();
    let options = Options { journal: true, label: b"golden".to_vec(), time: 1_700_000_000, ..Options::default() };
    let [a, b] = ["a", "b"].map(|name| sum(&image(&bench, name, &tree, &bytes, &options)));
    assert_eq!(a, b);
    assert_eq!(a, "424241a7d93b534d9aa75bdc32ec6271ca7f8966261df1271101e9e7d56ad04d");
    let tree = without(&tree, &[b"a/late"]);
    assert_ne!(sum(&image(&bench, "c", &tree, &bytes, &options)), a);
}

#[test]
fn small_blocks_many_groups_and_two_levels_of_index() {
    let mut builder = Builder::default();
    let mut bytes = Bytes::default();
    let plain = || meta(0o755, 0, 0, 1);
    for path in ["", "folders", "lost+found"] {
        builder.folder(path.as_bytes(), plain()).expect("a new path");
    }
    let content = bytes.add(b"x");
    builder.add_other(b"files", plain(), Kind::File(content)).expect("a new path");
    let long = "long ".repeat(40);
    for number in 0..1500 {
        builder.link(format!("lost+found/{long}{number}").as_bytes(), b"files").expect("a new path");
        builder.folder(format!("folders/{number}").as_bytes(), plain()).expect("a new path");
    }
    let content = bytes.add(&noise(1, 40 << 20));
    builder.add_other(b"large", plain(), Kind::File(content)).expect("a new path");
    let mut names = Vec::new();
    for number in 0..9000 {
        names.push(format!("{number}"));
        builder.add_other(format!("{number}").as_bytes(), plain(), Kind::Fifo).expect("a new path");
    }
    let tree = builder.finish().expect("a tree");
    let bench = Bench::new();
    for (name, size) in [("small", None), ("sized", Some(500 << 20))] {
        let options = Options { block: 1024, size, journal: true, ..Options::default() };
        image(&bench, name, &tree, &bytes, &options);
        if !bench.passes("e2fsck", &["-fn", name]) {
            return;
        }
        let said = debugfs(&bench, name, "stat /lost+found\nhtree /lost+found\nstat <11>\n").expect("it is there");
        assert!(said.contains("Indirect levels: 1") && said.contains("Inode: 11 "), "{said}");
    }
}

#[test]
fn the_smallest_size_holds_and_one_less_does_not() {
    let mut builder = Builder::default();
    let mut bytes = Bytes::default();
    builder.folder(b"", meta(0o755, 0, 0, 0)).expect("a new path");
    let tree = builder.finish().expect("a tree");
    let bench = Bench::new();
    let file = image(&bench, "empty", &tree, &bytes, &Options::default());
    assert_eq!(file.metadata().expect("it is there").len(), 1 << 20);
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755, 0, 0, 0)).expect("a new path");
    let content = bytes.add(&noise(1, 10_000));
    builder.add_other(b"f", meta(0o644, 0, 0, 0), Kind::File(content)).expect("a new path");
    let tree = builder.finish().expect("a tree");
    // Superblock, descriptors, root, lost+found, three of data, two bitmaps and two of inodes.
    for (blocks, fits) in [(12, false), (13, true), (14, true)] {
        let options = Options { size: Some(blocks * 4096), ..Options::default() };
        let mut file = bench.file(&format!("{blocks}"));
        let written = write(&tree, &bytes, &options, &mut file);
        assert_eq!(written.is_ok(), fits, "{blocks}: {written:?}");
        if fits {
            bench.passes("e2fsck", &["-fn", &format!("{blocks}")]);
        } else {
            assert!(matches!(written, Err(Error::TooMuch { .. })), "{written:?}");
        }
    }
    // The last group is too small for its copy of the superblock, or just large enough.
    for blocks in [32769, 32770, 32786, 32900] {
        let name = format!("{blocks} blocks");
        image(&bench, &name, &tree, &bytes, &Options { size: Some(blocks * 4096), ..Options::default() });
        bench.passes("e2fsck", &["-fn", &name]);
    }
}

#[test]
fn what_cannot_be_is_an_error() {
    let mut bytes = Bytes::default();
    let content = bytes.add(b"four");
    let with = |kind: Kind, attribute: Option<(&str, &[u8])>| {
        let mut builder = Builder::default();
        builder.folder(b"", meta(0o755, 0, 0, 0)).expect("a new path");
        let mut meta = meta(0o644, 0, 0, 0);
        meta.attributes.extend(attribute.map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())));
        builder.add_other(b"x", meta, kind).expect("a new path");
        builder.finish().expect("a tree")
    };
    let problem = |tree: &Tree, options: &Options| match write(tree, &bytes, options, &mut std::io::Cursor::new(vec![]))
    {
        Err(Error::Entry { problem, .. }) => Some(problem),
        Err(Error::Read { .. }) => Some(Problem::Path),
        Err(Error::Option { .. }) => None,
        other => unreachable!("{other:?}"),
    };
    let plain = Options::default();
    for stated in [3, 5] {
        let tree = with(Kind::File(crate::digest::Digest { size: stated, ..content }), None);
        assert_eq!(problem(&tree, &plain), Some(Problem::Size { stated }));
    }
    let missing = with(Kind::File(crate::digest::Digest { hash: [1; 32], size: 4 }), None);
    assert_eq!(problem(&missing, &plain), Some(Problem::Path));
    for (name, value) in [("user.x", 4096), ("system.posix_acl_access", 5), ("system.other", 1), ("user.", 1)] {
        let tree = with(Kind::File(content), Some((name, &vec![1; value])));
        let found = problem(&tree, &plain);
        assert!(matches!(found, Some(Problem::Unsupported { .. } | Problem::TooLarge { .. })), "{name}: {found:?}");
    }
    for kind in [Kind::Character(4096, 0), Kind::Block(0, 1 << 20)] {
        assert!(matches!(problem(&with(kind, None), &plain), Some(Problem::TooLarge { .. })));
    }
    let link = with(Kind::Symlink(vec![b'a'; 1024]), None);
    assert!(matches!(problem(&link, &Options { block: 1024, ..plain.clone() }), Some(Problem::TooLarge { .. })));
    let tree = with(Kind::Fifo, None);
    for options in [
        Options { size: Some(u64::MAX), ..plain.clone() },
        Options { size: Some(0), ..plain.clone() },
        Options { size: Some(20_000), spare_inodes: u32::MAX - 100, ..plain.clone() },
        Options { spare_bytes: u64::MAX, ..plain.clone() },
    ] {
        let written = write(&tree, &bytes, &options, &mut std::io::Cursor::new(vec![]));
        assert!(matches!(written, Err(Error::TooMuch { .. })), "{options:?}: {written:?}");
    }
    for options in [
        Options { block: 8192, ..plain.clone() },
        Options { label: vec![b'x'; 17], ..plain.clone() },
        Options { journal: true, size: Some(1 << 20), ..plain },
    ] {
        assert_eq!(problem(&tree, &options), None);
    }
}

#[test]
fn hashes_are_the_kernels() {
    let bench = Bench::new();
    for name in ["a", "lost+found", &"0123456789abcdef".repeat(2), &"long name ".repeat(20)] {
        let Some((_, said)) = bench.run("debugfs", &["-R", &format!("dx_hash -h half_md4 \"{name}\"")]) else { return };
        let want = format!("{:#010x}", half_md4([0; 4], name.as_bytes()));
        assert!(said.contains(&want), "{name}: not {want}: {said}");
    }
}
