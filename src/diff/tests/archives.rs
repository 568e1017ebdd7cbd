use super::{AGE, TREE, facts, have, make};

/// An archiver: its name, the tools that it needs, and a script that packs `t` into `out`, its files in the order of
/// `$LIST`.
const ARCHIVERS: [(&str, &[&str], &str); 15] = [
    ("tar v7", &["tar"], "tar --format=v7 $OWNER --no-recursion -C t -T list -cf out"),
    ("tar ustar", &["tar"], "tar --format=ustar $OWNER --no-recursion -C t -T list -cf out"),
    ("tar gnu", &["tar"], "tar --format=gnu $OWNER --no-recursion -C t -T list -cf out"),
    (
        "tar pax",
        &["tar"],
        "tar --format=posix --pax-option=delete=atime,delete=ctime $OWNER --no-recursion -C t -T list -cf out",
    ),
    (
        "tar pax for all",
        &["tar"],
        "tar --format=posix --pax-option=delete=atime,delete=ctime,globexthdr.name=g,globexthdr.mtime=1,comment=hello \
         $OWNER --no-recursion -C t -T list -cf out",
    ),
    ("tar of ./", &["tar"], "sed s,^,./, list >dotted; tar --format=gnu $OWNER --no-recursion -C t -T dotted -cf out"),
    ("bsdtar ustar", &["bsdtar"], "bsdtar --format=ustar $BSD -n -C t -T list -cf out"),
    ("bsdtar pax", &["bsdtar"], "bsdtar --format=pax $BSD -n -C t -T list -cf out"),
    ("bsdtar gnutar", &["bsdtar"], "bsdtar --format=gnutar $BSD -n -C t -T list -cf out"),
    ("cpio newc", &["cpio"], "cd t; cpio --quiet --reproducible -o -H newc $CPIO <../list >../out"),
    ("cpio crc", &["cpio"], "cd t; cpio --quiet --reproducible -o -H crc $CPIO <../list >../out"),
    ("cpio odc", &["cpio"], "cd t; cpio --quiet --reproducible -o -H odc $CPIO <../list >../out"),
    ("bsdtar newc", &["bsdtar"], "bsdtar --format=newc $BSD -n -C t -T list -cf out"),
    ("zip", &["zip"], "cd t; zip -qXy ../out.zip -@ <../list; mv ../out.zip ../out"),
    ("zip -0", &["zip"], "cd t; zip -0qXy ../out.zip -@ <../list; mv ../out.zip ../out"),
];

const LIST: &str = "d/a d/b d/e d/e/f d/l d/z";

fn pack(change: &str, list: &str, owner: u32, pack: &str) -> Vec<u8> {
    make(&format!(
        "{TREE}\n{change}\n{AGE}\n printf '%s\\n' {list} >list
        OWNER='--owner=root:{owner} --group=root:0' BSD='--uid {owner} --gid 0 --uname root --gname root'
        CPIO='-R {owner}:0'
        {pack}"
    ))
}

/// Facts that no archiver here can be kept from: numbers of inodes and times that only the machine sets.
fn is_noise(fact: &str) -> bool {
    [" ino: ", " atime: ", " ctime: ", " devminor: ", " dev: ", " nlink: "].iter().any(|noise| fact.contains(noise))
}

/// What `change` gives for each archiver.
fn planted(change: &str, list: &str, owner: u32, check: impl Fn(&str, Vec<String>)) {
    for (name, tools, script) in ARCHIVERS {
        // V7 has no fifos.
        if have(tools) && !(name == "tar v7" && change.contains("mkfifo")) {
            let mut found = facts(&pack("", LIST, 0, script), &pack(change, list, owner, script));
            found.retain(|fact| !is_noise(fact));
            check(name, found);
        }
    }
}

#[test]
fn what_is_equal_is_not_reported() {
    planted("", LIST, 0, |name, found| assert_eq!(found, Vec::<String>::new(), "{name}"));
}

#[test]
fn a_time() {
    for (name, tools, script) in ARCHIVERS {
        if have(tools) {
            // All times are set before the script runs.
            let right = pack("", LIST, 0, &format!("touch -d @1700000002 t/d/b; {script}"));
            let mut found = facts(&pack("", LIST, 0, script), &right);
            found.retain(|fact| !is_noise(fact));
            let time = if name.starts_with("zip") { "modification time" } else { "mtime" };
            assert_eq!(found, [format!("d/b {time}: 2023-11-14 22:13:20 | 2023-11-14 22:13:22")], "{name}");
        }
    }
}

#[test]
fn fractions_of_a_time() {
    for (name, tools, script) in ARCHIVERS {
        if have(tools) && name.contains("pax") {
            let right = pack("", LIST, 0, &format!("touch -d @1700000000.25 t/d/b; {script}"));
            let found = facts(&pack("", LIST, 0, script), &right);
            assert!(
                found.contains(&"d/b mtime: 2023-11-14 22:13:20 | 2023-11-14 22:13:20.250000000".to_owned()),
                "{name}: {found:?}"
            );
        }
    }
}

#[test]
fn a_mode() {
    planted("chmod 755 t/d/b", LIST, 0, |name, found| {
        let want = if name.starts_with("zip") { "d/b mode: 100644 | 100755" } else { "d/b mode: 0644 | 0755" };
        assert_eq!(found, [want], "{name}");
    });
}

#[test]
fn an_owner() {
    planted("", LIST, 1000, |name, mut found| {
        // cpio writes links last.
        found.sort();
        if !name.starts_with("zip") {
            let names = LIST.split(' ').map(|name| format!("{name} uid: 0 | 1000"));
            assert_eq!(found, names.collect::<Vec<_>>(), "{name}");
        }
    });
}

#[test]
fn an_order() {
    planted("", "d/a d/e d/b d/e/f d/l d/z", 0, |name, found| {
        assert_eq!(found, ["order: 1 moved"], "{name}");
    });
}

#[test]
fn another_content() {
    planted("printf 'one\\nTwo\\n' >t/d/b", LIST, 0, |name, found| {
        assert_eq!(found, ["d/b lines"], "{name}");
    });
}

#[test]
fn an_added_and_a_removed_entry() {
    planted("printf y >t/d/y", "d/a d/b d/e d/e/f d/l d/y d/z", 0, |name, found| {
        assert_eq!(found, ["d/y only right"], "{name}");
    });
    planted("", "d/a d/b d/e d/l d/z", 0, |name, found| {
        assert_eq!(found, ["d/e/f only left"], "{name}");
    });
}

#[test]
fn a_renamed_entry() {
    planted("mv t/d/b t/d/c", "d/a d/c d/e d/e/f d/l d/z", 0, |name, found| {
        assert_eq!(found, ["d/b only left, elsewhere d/c", "d/c only right, elsewhere d/b"], "{name}");
    });
}

#[test]
fn another_target() {
    planted("ln -sf b t/d/l", LIST, 0, |name, found| {
        assert_eq!(found, ["d/l target!: a | b"], "{name}");
    });
}

#[test]
fn something_else_of_that_name() {
    planted("rm t/d/l; mkdir t/d/l", LIST, 0, |name, found| {
        assert!(found.contains(&"d/l kind: symbolic link | directory".to_owned()), "{name}: {found:?}");
    });
    planted("rm t/d/l; mkfifo t/d/l", LIST, 0, |name, found| {
        if !name.starts_with("zip") {
            assert!(found.contains(&"d/l kind: symbolic link | special file".to_owned()), "{name}: {found:?}");
        }
    });
}

#[test]
fn the_format_and_how_numbers_are_written() {
    if !have(&["tar", "bsdtar"]) {
        return;
    }
    let archive = |name: &str| {
        let (_, _, script) = ARCHIVERS.iter().find(|(other, ..)| *other == name).expect("it is in the table");
        pack("", LIST, 0, script)
    };
    let found = facts(&archive("tar ustar"), &archive("tar gnu"));
    assert!(found.contains(&"d/a format: ustar | gnu".to_owned()), "{found:?}");
    let found = facts(&archive("tar ustar"), &archive("bsdtar ustar"));
    assert!(found.iter().any(|fact| fact.starts_with("d/a number style: usual | mode `000000 \\x00`")), "{found:?}");
    let found = facts(&archive("tar gnu"), &archive("tar of ./"));
    assert!(found.contains(&"d/a names begin with:  | ./".to_owned()), "{found:?}");
    let found = facts(&archive("tar gnu"), &archive("cpio newc"));
    assert_eq!(found, ["kind: tar archive | cpio archive", "bytes"]);
}

#[test]
fn ends_of_a_tar_archive() {
    if !have(&["tar"]) {
        return;
    }
    let pack = |more: &str| {
        make(&format!(
            "printf x >a; printf y >b; touch -d @0 a b; chmod 644 a b
            pack() {{ tar --format=gnu --owner=r:0 --group=r:0 \"$@\"; }}
            pack -cf out a; {more}"
        ))
    };
    let plain = pack("");
    for (more, want) in [
        ("printf junk >>out", &["what follows the end unseen bytes"][..]),
        ("head -c 10240 /dev/zero >>out", &["zero blocks at the end: as many as fill 10240 bytes | 38"]),
        ("truncate -s 2048 out", &["zero blocks at the end: as many as fill 10240 bytes | 2"]),
        ("truncate -s 1024 out", &["zero blocks at the end: as many as fill 10240 bytes | 0"]),
        (
            "truncate -s 513 out",
            &[
                "zero blocks at the end: as many as fill 10240 bytes | 0",
                "length of the cut off padding at the end: - | 0",
            ],
        ),
        ("pack -cf more b; cat more >>out", &["b only right"]),
        ("printf z | dd of=out bs=1 seek=600 conv=notrunc status=none", &["padding after a unseen bytes"]),
        (
            "printf 9 | dd of=out bs=1 seek=101 conv=notrunc status=none",
            &["unreadable right: the checksum of the header of `a`, at byte 0, is wrong", "bytes"],
        ),
    ] {
        let mut found = facts(&plain, &pack(more));
        found.sort_by_key(|fact| fact.starts_with("length"));
        assert_eq!(found, want, "{more}");
    }
    // How many zeros stand between two archives is about the entry after them.
    let two =
        |blocks: u32| pack(&format!("truncate -s $((1024 + 512 * {blocks})) out; pack -cf more b; cat more >>out"));
    assert_eq!(facts(&two(2), &two(3)), ["b zero blocks before it: 2 | 3"]);
    let found = facts(&two(2), &two(0));
    assert_eq!(found, ["b zero blocks before it: 2 | -"]);
}

#[test]
fn long_names_and_links() {
    if !have(&["tar"]) {
        return;
    }
    let long = "n".repeat(150);
    let pack = |format: &str| {
        make(&format!(
            "ln -s {long}x {long}; touch -h -d @0 {long}
            tar --format={format} --pax-option=delete=atime,delete=ctime,exthdr.name=p \
                --owner=r:0 --group=r:0 -cf out {long} || tar --format={format} --owner=r:0 --group=r:0 -cf out {long}"
        ))
    };
    let found = facts(&pack("gnu"), &pack("posix"));
    assert!(found.contains(&format!("{long} extended headers: K L | x")), "{found:?}");
    let records = ["path linkpath", "linkpath path"].map(|records| format!("{long} pax records: - | {records}"));
    assert!(records.iter().any(|records| found.contains(records)), "{found:?}");
    assert!(found.iter().all(|fact| !fact.contains("target") && !fact.contains("header name: - | n")), "{found:?}");
}

#[test]
fn ar_and_its_symbol_table() {
    if !have(&["ar", "gcc"]) {
        return;
    }
    let lib = |flags: &str, more: &str| {
        make(&format!(
            "printf 'int f(void){{return 1;}}\\n' >f.c; printf 'int g(void){{return 2;}}\\n' >a_rather_long_name.c
            {more}
            gcc -c *.c; touch -d @1700000000 *.o; chmod 644 *.o; ar {flags} out *.o"
        ))
    };
    let plain = lib("rcsD", "");
    assert_eq!(facts(&plain, &lib("rcsD", "")), Vec::<String>::new());
    assert_eq!(facts(&plain, &lib("rcSD", "")), ["/ only left"]);
    let found = facts(&plain, &lib("rcsU", ""));
    assert!(found.contains(&"f.o mtime: 1970-01-01 00:00:00 | 2023-11-14 22:13:20".to_owned()), "{found:?}");
    let found = facts(&plain, &lib("rcsD", "printf 'int f(void){return 1;} int h(void){return 0;}\\n' >f.c"));
    assert_eq!(found[0], "/ lines", "{found:?}");
    assert!(found.contains(&"f.o/.text/h only right".to_owned()), "{found:?}");
    let found = facts(&plain, &lib("rcsD", "mv f.c g.c"));
    assert!(found.iter().any(|fact| fact == "f.o only left" || fact.starts_with("f.o only left")), "{found:?}");
}

#[test]
fn zip_by_python() {
    if !have(&["python3"]) {
        return;
    }
    let zip = |info: &str| {
        make(&format!(
            "cat >make.py <<'PY'
import zipfile, io
class Pipe(io.RawIOBase):
    def __init__(self): self.file = open('out', 'wb')
    def writable(self): return True
    def write(self, data): return self.file.write(data)
z = zipfile.ZipFile('out', 'w')
i = zipfile.ZipInfo('a', (2024, 1, 2, 3, 4, 6))
method, level, data, comment, force = zipfile.ZIP_DEFLATED, 6, b'hello ' * 1000, b'', False
{info}
i.compress_type = method
i._compresslevel = level
with z.open(i, 'w', force_zip64=force) as f: f.write(data)
z.comment = comment
z.close()
PY
            python3 make.py"
        ))
    };
    let plain = zip("");
    for (info, want) in [
        ("comment = b'x'", &["comment: - | x"][..]),
        ("i.comment = b'x'", &["a comment: - | x"]),
        ("i.extra = bytes.fromhex('feca0200abcd')", &["a extra fields:  | cafe", "a extra field cafe: - | abcd"]),
        ("i.create_system = 0", &["a version made by: Unix, 2.0 | FAT, 2.0"]),
        ("i.external_attr = 0o100755 << 16", &["a mode: 0600 | 100755"]),
        ("i.internal_attr = 1", &["a internal attributes: 0 | 1"]),
        ("i.date_time = (2024, 1, 2, 3, 4, 8)", &["a modification time: 2024-01-02 03:04:06 | 2024-01-02 03:04:08"]),
        ("data = data[1:]", &["a lines"]),
        ("method = zipfile.ZIP_STORED", &["a method: deflate | stored", "a unseen bytes"]),
    ] {
        let mut found = facts(&plain, &zip(info));
        found.retain(|fact| !fact.starts_with("a compressed bytes"));
        assert_eq!(found, want, "{info}");
    }
    let text = "data = b''.join(b'%d ' % (n * n % 1000) for n in range(3000))";
    let found = facts(&zip(text), &zip(&format!("{text}; level = 1")));
    assert!(found[0].ends_with("bytes, the same content compressed otherwise"), "{found:?}");
    assert_eq!(found[1..], ["a unseen bytes"]);
    // Methods that are not read: the packed bytes are compared.
    let found = facts(&zip("method = zipfile.ZIP_LZMA"), &zip("method = zipfile.ZIP_LZMA; data = data[1:]"));
    assert_eq!(
        found,
        [
            "a unreadable left: method LZMA is not supported",
            "a unreadable right: method LZMA is not supported",
            "a bytes",
        ]
    );
    let found = facts(&plain, &zip("force = True"));
    assert!(found.contains(&"a local extra fields:  | 0001".to_owned()), "{found:?}");
}
