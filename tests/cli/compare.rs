//! `repro verify A B` on pairs in every format, beside what an independent tool takes out of them.
//!
//! The two sides of a pair are packed from two folders that differ in what is planted. Another tool than the one that packed
//! them unpacks both; in which members they differ, and in what, is seen from what it leaves, and `repro` has to say the same
//! of the packed forms: nothing less, nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::environment::Project;

/// What is packed: the same on both sides, but for what is planted.
const TREE: &str = "
    umask 022; mkdir -p t/d/sub
    for name in b m o t gone k; do printf 'one\\ntwo of %s\\n' $name >t/d/$name; done
    printf 'the same\\n' >t/same; seq 1 60000 >t/d/big; seq 1 500 >t/d/sub/n
";
const LINKS: &str = "ln -s b t/d/l; ln -s b t/d/x; gzip -nc t/d/sub/n >t/d/n.gz";
const PLANT: &str = "
    printf 'one\\nTWO of b\\n' >t/d/b; sed -i s/30000/3oooo/ t/d/big
    chmod 750 t/d/m; rm t/d/gone; printf 'new\\n' >t/d/new; rm t/d/k; mkdir t/d/k
";
const PLANT_LINKS: &str = "ln -sfn same t/d/l; seq 1 501 | gzip -nc >t/d/n.gz";
const AGE: &str = "find t -exec touch -h -d @1700000000 {} +";
const PLANT_TIME: &str = "touch -d @1700000100 t/d/t";

/// What a format can tell of a member, besides that it is there and what it holds.
const MODE: u8 = 1;
const OWNER: u8 = 2;
const TIME: u8 = 4;
const LINK: u8 = 8;
const ALL: u8 = 15;

/// A format: what its tools are, how `t` becomes `x`, and how another tool makes `u` of `x`.
struct Format {
    name: &'static str,
    tools: &'static [&'static str],
    pack: &'static str,
    unpack: &'static str,
    tells: u8,
    /// Whether diffoscope reads it on any machine.
    diffoscope: bool,
}

const fn format(
    name: &'static str,
    tools: &'static [&'static str],
    tells: u8,
    pack: &'static str,
    unpack: &'static str,
) -> Format {
    Format { name, tools, pack, unpack, tells, diffoscope: false }
}

const BSDTAR: &str = "bsdtar -xpf x -C u";

const FORMATS: [Format; 22] = [
    Format { diffoscope: true, ..format("tar", &["tar", "bsdtar"], ALL, "tar --sort=name -C t -cf x .", BSDTAR) },
    format("tar.gz", &["tar", "gzip", "bsdtar"], ALL, "tar --format=posix --sort=name -C t -czf x .", BSDTAR),
    format("tar.bz2", &["tar", "bzip2", "bsdtar"], ALL, "tar --format=ustar --sort=name -C t -cjf x .", BSDTAR),
    format("tar.xz", &["tar", "xz", "bsdtar"], ALL, "tar --format=v7 --sort=name -C t -cJf x .", BSDTAR),
    format("tar.zst", &["tar", "zstd", "bsdtar"], ALL, "tar --sort=name -C t --zstd -cf x .", BSDTAR),
    format("cpio", &["cpio", "bsdtar"], ALL, "(cd t; find . | sort | cpio --quiet -o -H newc) >x", BSDTAR),
    format("cpio.gz", &["cpio", "bsdtar"], ALL, "(cd t; find . | sort | cpio --quiet -o -H odc) | gzip -n >x", BSDTAR),
    format("zip", &["zip", "bsdtar"], ALL, "(cd t; zip -qry ../x.zip .); mv x.zip x", BSDTAR),
    format(
        "ar",
        &["ar", "bsdtar"],
        MODE | OWNER | TIME,
        "rm -rf f; mkdir f; find t/d -maxdepth 1 -type f -exec cp -p {} f \\;; (cd f; ar qcU ../x.a *); mv x.a x",
        BSDTAR,
    ),
    format(
        "deb",
        &["ar", "tar", "dpkg-deb"],
        ALL,
        "rm -rf c; mkdir c; printf 'Package: x\\nVersion: 1\\nArchitecture: all\\n' >c/control
         touch -d @1700000000 c/control; tar --sort=name --mtime=@0 -C c -czf control.tar.gz control
         tar --sort=name -C t -cJf data.tar.xz .; printf '2.0\\n' >debian-binary
         ar qcD x.deb debian-binary control.tar.gz data.tar.xz; mv x.deb x",
        "dpkg-deb -x x u",
    ),
    format("squashfs", &["mksquashfs", "unsquashfs"], ALL, "mksquashfs t x -quiet -no-progress >/dev/null", UNSQUASH),
    format(
        "squashfs xz",
        &["mksquashfs", "unsquashfs"],
        ALL,
        "mksquashfs t x -comp xz -no-fragments -quiet -no-progress >/dev/null",
        UNSQUASH,
    ),
    format(
        "EROFS",
        &["mkfs.erofs", "fsck.erofs"],
        ALL,
        "mkfs.erofs -Eforce-inode-extended x t >/dev/null 2>&1",
        "fsck.erofs --extract=u --force --overwrite --preserve x >/dev/null",
    ),
    format(
        "EROFS lz4",
        &["mkfs.erofs", "fsck.erofs"],
        ALL,
        "mkfs.erofs -zlz4hc -Eforce-inode-extended x t >/dev/null 2>&1",
        "fsck.erofs --extract=u --force --overwrite --preserve x >/dev/null",
    ),
    format("ext4", &["mke2fs", "debugfs"], ALL, "mke2fs -q -t ext4 -d t x 8M 2>/dev/null", DEBUGFS),
    format("ext2", &["mke2fs", "debugfs"], ALL, "mke2fs -q -t ext2 -b 1024 -d t x 8M 2>/dev/null", DEBUGFS),
    format(
        "ISO 9660",
        &["xorriso", "bsdtar"],
        ALL,
        "xorriso -as mkisofs -quiet -R -J -o x t 2>/dev/null",
        "bsdtar -xpf x -C u",
    ),
    format(
        "FAT",
        &["mkfs.vfat", "mcopy"],
        TIME,
        "truncate -s 4M x; mkfs.vfat -n PAIR -i 1 x >/dev/null; mcopy -s -m -i x t/same t/d ::/",
        "mcopy -s -m -i x ::/* u",
    ),
    format(
        "GPT disk",
        &["sfdisk", "mkfs.vfat", "mcopy"],
        TIME,
        "truncate -s 4M p; mkfs.vfat -n PAIR -i 1 p >/dev/null; mcopy -s -m -i p t/same t/d ::/; truncate -s 6M x
         printf 'label: gpt\\nlabel-id: 0-0-0-0-1\\nstart=2048, size=8192\\n' | sed s/0-0-0-0-1/$ID/ | sfdisk -q x
         dd if=p of=x bs=512 seek=2048 conv=notrunc status=none",
        "dd if=x of=p bs=512 skip=2048 count=8192 status=none; mcopy -s -m -i p ::/* u",
    ),
    format(
        "MBR disk",
        &["sfdisk", "mkfs.vfat", "mcopy"],
        TIME,
        "truncate -s 4M p; mkfs.vfat -n PAIR -i 1 p >/dev/null; mcopy -s -m -i p t/same t/d ::/; truncate -s 6M x
         printf 'label: dos\\nlabel-id: 0x1\\nstart=2048, size=8192, type=c\\n' | sfdisk -q x
         dd if=p of=x bs=512 seek=2048 conv=notrunc status=none",
        "dd if=x of=p bs=512 skip=2048 count=8192 status=none; mcopy -s -m -i p ::/* u",
    ),
    Format { diffoscope: true, ..format("folder", &["cp"], ALL, "cp -a t x", "rmdir u; cp -a x u") },
    format(
        "folder of archives",
        &["tar", "bsdtar"],
        ALL,
        "mkdir x; tar --sort=name -C t -cf x/inner.tar .",
        "bsdtar -xpf x/inner.tar -C u",
    ),
];
const UNSQUASH: &str = "unsquashfs -quiet -no-progress -force -dest u x >/dev/null";
const DEBUGFS: &str = "debugfs -R 'rdump / u' x 2>/dev/null >/dev/null; rm -rf u/lost+found";

fn has(tool: &str) -> bool {
    let path = "/usr/local/bin:/usr/sbin:/sbin:/usr/bin:/bin";
    path.split(':').any(|folder| Path::new(folder).join(tool).exists())
}

fn shell(folder: &Path, script: &str) {
    let output = Command::new("sh")
        .args(["-euc", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/sbin:/sbin:/usr/bin:/bin")
        .envs([("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("SOURCE_DATE_EPOCH", "1700000000")])
        .env("ID", "01234567-89ab-cdef-0123-456789abcdef")
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// What lies at each path of a folder: what it is, its mode, owner and time, and its bytes or target.
type Members = BTreeMap<String, (&'static str, u32, [u32; 2], i64, Vec<u8>)>;

fn members(folder: &Path, at: &str, out: &mut Members) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are text");
        let name = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
        let meta = fs::symlink_metadata(&path).expect("it is there");
        let (kind, bytes) = match meta.file_type() {
            kind if kind.is_dir() => ("directory", Vec::new()),
            kind if kind.is_symlink() => {
                ("symbolic link", fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes())
            }
            _ => ("file", fs::read(&path).expect("a file")),
        };
        if kind == "directory" {
            members(&path, &name, out);
        }
        out.insert(name, (kind, meta.mode() & 0o7777, [meta.uid(), meta.gid()], meta.mtime(), bytes));
    }
}

/// In what two folders differ, as `path: what`, so far as a format can tell.
fn expected(pair: &[Members; 2], tells: u8) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let [left, right] = pair;
    for name in left.keys().chain(right.keys()) {
        let mut tell = |what: &str| out.insert(format!("{name}: {what}"));
        match (left.get(name), right.get(name)) {
            (Some(_), None) => tell("only left"),
            (None, Some(_)) => tell("only right"),
            (Some(a), Some(b)) if a.0 != b.0 => tell("kind"),
            (Some(a), Some(b)) => {
                // Not every tool sets a link's own time.
                let link = a.0 == "symbolic link";
                if a.4 != b.4 {
                    tell(if link { "target" } else { "content" });
                }
                for (bit, what, differs) in [
                    (MODE, "mode", a.1 != b.1 && !link),
                    (OWNER, "owner", a.2 != b.2),
                    (TIME, "time", a.3 != b.3 && !link),
                ] {
                    if tells & bit != 0 && differs {
                        tell(what);
                    }
                }
                false
            }
            (None, None) => false,
        };
    }
    out
}

/// What `repro` says, in the same words. What only tells how something is packed is left out.
fn told(place: &Value, at: &str, out: &mut BTreeSet<String>) {
    for inside in place["inside"].as_array().expect("a list") {
        let name = inside["name"].as_str().expect("a name");
        // What is packed in something else begins anew.
        let path = match (at, name) {
            (_, "partition 1" | "data.tar.xz" | "inner.tar") => "",
            (at, "") => at,
            ("", name) => name,
            (at, name) => &format!("{at}/{name}"),
        };
        // What is in an image besides its files is in no folder.
        let last = path.rsplit('/').next().unwrap_or(path);
        if path.starts_with('(') || matches!(last, "." | ".." | "lost+found") {
            continue;
        }
        let facts = inside["facts"].as_array().expect("a list");
        let mut say = |what: &str| out.extend([format!("{path}: {what}")]);
        if path.is_empty() {
            told(inside, path, out);
            continue;
        }
        if facts.iter().any(|fact| fact["fact"] == "kind") {
            say("kind");
            continue;
        }
        for fact in facts {
            match fact["fact"].as_str().expect("a word") {
                "only" => say(&format!("only {}", fact["side"].as_str().expect("a word"))),
                "lines" => say("content"),
                "bytes" if fact["metadata"] == false => say("content"),
                "field" => match fact["name"].as_str().expect("a word") {
                    "mode" => say("mode"),
                    "uid" | "gid" => say("owner"),
                    "mtime" | "modification time" => say("time"),
                    "target" => say("target"),
                    _ => {}
                },
                "unreadable" | "unsearched" => say("unread"),
                _ => {}
            }
        }
        let kind = inside["kind"].as_str().expect("a word");
        if kind == "directory" {
            told(inside, path, out);
        } else if !inside["inside"].as_array().expect("a list").is_empty() {
            say("content");
        }
    }
}

#[test]
fn every_format_is_told_as_an_independent_tool_sees_it() {
    let project = Project::empty();
    let root = rustix::process::geteuid().is_root();
    let mut wrong = Vec::new();
    for format in &FORMATS {
        let missing: Vec<&&str> = format.tools.iter().filter(|tool| !has(tool)).collect();
        // debugfs and fsck.erofs give files their owners, which only root may.
        if !missing.is_empty() || !root && matches!(format.unpack, DEBUGFS) {
            eprintln!("SKIPPED: {}: there is no {missing:?}, or only root may unpack it", format.name);
            assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
            continue;
        }
        let place = project.path("project");
        let mut pair = [Members::new(), Members::new()];
        let has_links = format.tells & LINK != 0;
        for (side, members_of) in ["a", "b"].into_iter().zip(&mut pair) {
            let (links, plant, time) = match (side, has_links) {
                ("a", true) => (LINKS, "", ""),
                ("a", false) => ("", "", ""),
                (_, true) => (LINKS, format!("{PLANT}\n{PLANT_LINKS}").leak() as &str, PLANT_TIME),
                (_, false) => ("", PLANT, PLANT_TIME),
            };
            let owner = if side == "b" && root { "chown 5:6 t/d/o" } else { "" };
            let (pack, unpack) = (format.pack, format.unpack);
            let script =
                format!("rm -rf t x u p; {TREE}\n{links}\n{plant}\n{owner}\n{AGE}\n{time}\n{pack}\nmkdir u\n{unpack}");
            shell(&place, &format!("{script}\nrm -rf {side}; mv x {side}"));
            members(&place.join("u"), "", members_of);
        }
        let expected = expected(&pair, format.tells);
        assert!(expected.len() >= 6, "{}: too little was planted: {expected:?}", format.name);
        let said = project.repro(&["verify", "a", "b", "--json", "--times"]).ends(1);
        let report: Value = serde_json::from_str(&said.out).expect("JSON");
        let mut found = BTreeSet::new();
        told(&report["difference"], "", &mut found);
        if found != expected {
            let missing: Vec<_> = expected.difference(&found).collect();
            let more: Vec<_> = found.difference(&expected).collect();
            wrong.push(format!("{}: missing {missing:?}, unexpected {more:?}", format.name));
        }
        project.repro(&["verify", "a", "a"]).ends(0);
        if format.diffoscope && has("diffoscope") {
            beside_diffoscope(&place, &expected, format.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever differs in its bytes is in diffoscope's report, too.
fn beside_diffoscope(place: &Path, expected: &BTreeSet<String>, name: &str) {
    let mut command = Command::new("diffoscope");
    command.args(["--text", "-", "--exclude-directory-metadata=no", "a", "b"]).current_dir(place);
    let output = command.stderr(Stdio::null()).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    for one in expected.iter().filter(|one| one.ends_with(": content")) {
        let file = one.trim_end_matches(": content").rsplit('/').next().expect("a name");
        assert!(text.contains(file), "{name}: diffoscope does not see `{file}`, which was planted:\n{text}");
    }
}

/// Single files: a script that makes `x` of the word `$1`, and what is told of `one` and `two`, and of how `x` is packed.
const STREAMS: [(&str, &str, &str); 8] = [
    ("gzip", "seq 1 $1 | gzip -nc >x", "content"),
    ("gzip", "seq 1 90 | gzip -n -$1 >x", "packing"),
    ("gzip", "seq 1 90 >$1; touch -d @$1 $1; gzip -c $1 >x", "packing"),
    ("bzip2", "seq 1 $1 | bzip2 >x", "content"),
    ("bzip2", "seq 1 90 | bzip2 -$1 >x", "packing"),
    ("xz", "seq 1 $1 | xz >x", "content"),
    ("xz", "seq 1 90 | xz --lzma2=dict=$((4096 * $1)) >x", "packing"),
    ("zstd", "seq 1 $1 | zstd -q >x", "content"),
];

#[test]
fn compressed_files_are_told_by_content_and_by_packing() {
    let project = Project::empty();
    for (tool, script, want) in STREAMS {
        if !has(tool) {
            eprintln!("SKIPPED: {tool} is not installed");
            assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
            continue;
        }
        for (side, value) in [("a", "1"), ("b", "9")] {
            shell(&project.path("project"), &format!("set -- {value}; {script}; mv x {side}"));
        }
        // The tool itself says whether the content differs.
        let bytes = |side: &str| {
            let file = project.path("project").join(side);
            let output = Command::new(tool).arg("-dc").stdin(fs::File::open(file).expect("it was made")).output();
            output.expect("it starts").stdout
        };
        assert_eq!(bytes("a") == bytes("b"), want == "packing", "{script}");
        project.repro(&["verify", "a", "b"]).ends(1);
        let content = project.repro(&["verify", "a", "b", "--only", "content"]).code;
        assert_eq!(content, i32::from(want == "content"), "{script}");
    }
}

#[test]
fn an_archive_and_a_folder_are_compared() {
    let project = Project::empty();
    shell(&project.path("project"), &format!("{TREE}\n{LINKS}\n{AGE}\ntar -C t -czf a.tar.gz ."));
    let said = project.repro(&["verify", "a.tar.gz", "t"]).ends(0);
    assert!(said.out.starts_with("identical: a.tar.gz and t are identical\n"), "{}", said.all());
    assert!(said.out.contains("note: not compared: how the archive is packed"), "{}", said.all());
    shell(&project.path("project"), "printf x >>t/d/b; chmod 700 t/d/sub");
    let said = project.repro(&["verify", "t", "a.tar.gz", "--json"]).ends(1);
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    let mut found = BTreeSet::new();
    told(&report["difference"], "", &mut found);
    assert_eq!(Vec::from_iter(found), ["d/b: content", "d/sub: mode"]);
    assert!(report["notes"][0].as_str().is_some_and(|note| note.contains("times")), "{}", said.out);
}

#[test]
fn what_a_compiler_makes_differs_where_readelf_says_so() {
    if !has("cc") || !has("readelf") {
        eprintln!("SKIPPED: there is no compiler, or no readelf");
        assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
        return;
    }
    let project = Project::empty();
    let place = project.path("project");
    let build = |side: &str, more: &str| {
        let source = "int f(int a) { return a + NUMBER; } const char *word = WORD; int g(void) { return f(2); }";
        shell(&place, &format!("echo '{source}' >x.c; cc -O1 -g -c {more} x.c -o {side}"));
    };
    build("a", "-DNUMBER=1 -DWORD='\"one\"'");
    for (more, wanted) in [
        ("-DNUMBER=2 -DWORD='\"one\"'", &[".text"][..]),
        ("-DNUMBER=1 -DWORD='\"two\"'", &[".rodata"]),
        ("-DNUMBER=1 -DWORD='\"one\"' -fcommon", &[]),
    ] {
        build("b", more);
        // Sections whose bytes differ, by readelf.
        let mut differing = BTreeSet::new();
        for section in [".text", ".rodata", ".rodata.str1.1", ".data", ".symtab", ".eh_frame"] {
            let dump = |side: &str| {
                let output = Command::new("readelf").args(["-x", section, side]).current_dir(&place).output();
                output.expect("it starts").stdout
            };
            if dump("a") != dump("b") {
                differing.insert(section);
            }
        }
        for section in wanted {
            assert!(differing.iter().any(|name| name.starts_with(section)), "{more}: readelf sees {differing:?}");
        }
        let said = project.repro(&["verify", "a", "b", "--json"]);
        let report: Value = serde_json::from_str(&said.out).expect("JSON");
        if differing.is_empty() {
            continue;
        }
        let text = report["difference"].to_string();
        for section in &differing {
            assert!(text.contains(&format!("\"name\":\"{section}\"")), "{more}: nothing is told of {section}:\n{text}");
        }
    }
}
