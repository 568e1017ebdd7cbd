//! Archives and images beside the folders that they were made of.

use std::path::Path;

use super::folders::facts;
use super::{have, run};
use crate::container::Subject;
use crate::diff::{Comparison, Options};
use crate::fs::Dir;
use crate::sandbox::tests::host::{is_root, skipped};

/// A folder `t` with what archives can hold.
const TREE: &str = "
    umask 022
    mkdir -p t/d/e t/empty
    printf 'hello\\n' >t/a
    printf 'one\\ntwo\\n' >t/d/b
    seq 1 5000 >t/d/e/n
    ln -s ../a t/d/l
    ln t/a t/d/z
    mkfifo t/p
    chmod 750 t/d/b
    find t -exec touch -h -d @1700000000 {} +
";

fn compare(place: &Path, names: [&str; 2], options: &Options) -> (Vec<String>, Vec<String>) {
    let scratch = Dir::open(place).expect("it opens");
    let comparison = Comparison::new(options, &scratch, None);
    let open = |name| Subject::open(&place.join(name)).expect("it is there");
    let found = comparison.subjects(names.map(open)).expect("they can be compared");
    (facts(found.as_ref()), comparison.notes())
}

#[test]
fn what_was_packed_is_what_it_was_made_of() {
    for (tools, script) in [
        (&["tar"][..], "tar --numeric-owner -C t -cf x ."),
        (&["tar"], "tar --format=posix -C t -czf x a d empty p"),
        (&["tar", "xz"], "rm t/p; cd t; tar --format=v7 -cJf ../x d/e/n *"),
        (&["cpio"], "cd t; find . | cpio --quiet -o -H newc >../x"),
        (&["cpio"], "cd t; find . -depth | cpio --quiet -o -H odc >../x"),
        (&["zip"], "rm t/p; cd t; zip -qry ../x.zip .; mv ../x.zip ../x"),
        (&["mksquashfs"], "mksquashfs t x -quiet -no-progress -noappend >/dev/null"),
        (&["mkfs.erofs"], "mkfs.erofs --quiet x t >/dev/null 2>&1"),
        (&["mke2fs"], "mke2fs -q -t ext4 -d t x 4M 2>/dev/null; mkdir -m 700 t/lost+found"),
    ] {
        if !have(tools) {
            continue;
        }
        let place = tempfile::tempdir().expect("a folder");
        run(place.path(), &format!("{TREE}\n{script}"));
        // What only the packing says of times is not to be had from all: zip has local ones.
        let options = Options { times: !tools.contains(&"mke2fs"), ..Options::default() };
        for names in [["x", "t"], ["t", "x"]] {
            let (found, notes) = compare(place.path(), names, &options);
            assert_eq!(found, [""; 0], "{script} {names:?}");
            assert!(notes.len() == 1 && notes[0].starts_with("not compared: how the archive is packed"), "{notes:?}");
        }
    }
}

#[test]
fn what_has_changed_since_is_told() {
    if !have(&["tar"]) {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let change = "
        tar -C t -czf x .
        printf 'two\\n' >t/a; touch -d @1700000005 t/a
        printf 'one\\ntwo\\n' >t/other; mv t/d/b t/d/c
        chmod 700 t/d/e
        ln -sfn x t/d/l
        rm t/d/z; printf 'hello\\n' >t/d/z
        rm t/p; mkdir t/p; touch t/p/new
    ";
    run(place.path(), &format!("{TREE}\n{change}"));
    let (found, notes) = compare(place.path(), ["x", "t"], &Options::default());
    let wanted = [
        "a: lines in 1 hunks",
        "d/b: only Left",
        "d/c: only Right",
        "d/e: mode 0755 0700 (metadata)",
        "d/l: target ../a x",
        "d/z: hard link to a none (metadata)",
        "other: only Right",
        "p: mode 0644 0755 (metadata)",
        "p: kind fifo directory",
        "p/new: only Right",
    ];
    assert_eq!(found, wanted);
    assert!(notes[0].contains("times (they are with --times)") && notes[0].contains("attributes"), "{notes:?}");
    let (found, _) = compare(place.path(), ["t", "x"], &Options { times: true, ..Options::default() });
    assert!(found.contains(&"a: mtime 2023-11-14 22:13:25 2023-11-14 22:13:20 (metadata)".to_owned()), "{found:?}");
}

#[test]
fn owners_count_unless_a_user_has_unpacked_all() {
    if !is_root() {
        return skipped("owners beside an archive", "only root gives files away");
    }
    if !have(&["tar"]) {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    run(place.path(), &format!("{TREE}\n tar -C t -cf x .; chown 5:6 t/d/b"));
    let (found, _) = compare(place.path(), ["x", "t"], &Options::default());
    assert_eq!(found, ["d/b: uid 0 5 (metadata)", "d/b: gid 0 6 (metadata)"]);
    run(place.path(), "chown -hR 5:6 t");
    let (found, notes) = compare(place.path(), ["x", "t"], &Options::default());
    assert_eq!(found, [""; 0]);
    assert!(notes[0].contains("owners: all of the directory belongs to user 5"), "{notes:?}");
}

#[test]
fn what_cannot_be_in_a_folder_is_another_kind() {
    let place = tempfile::tempdir().expect("a folder");
    run(
        place.path(),
        &format!("{TREE}\n printf x >text; printf 'x' | gzip >gz; head -c 600 /dev/zero >bad; mkdir none"),
    );
    for name in ["text", "gz", "bad"] {
        let (found, notes) = compare(place.path(), [name, "t"], &Options::default());
        assert_eq!(found, [": kind file directory"], "{name}");
        assert!(notes.is_empty());
    }
    run(place.path(), "tar -C t -czf x .; head -c 200 x >cut");
    let (found, _) = compare(place.path(), ["t", "cut"], &Options::default());
    assert_eq!(found, [": kind directory file", ": unreadable Right archive"]);
}
