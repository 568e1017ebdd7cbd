//! Roots composed of small trees: each rule, and what is said when it is broken.

mod closing;
mod schemas;

use std::collections::BTreeMap;
use std::path::Path;

use super::{Composed, Composer, Error, Problem};
use crate::digest::Digest;
use crate::pack::header::Header;
use crate::pack::table;
use crate::stage::{Deliver, RootDef, RootSource, RootWin};
use crate::store::{Store, TreeBuilder};
use crate::sys::CancelToken;

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nftp:x:21:22::/:/bin/false\n";
const GROUP: &str = "root:x:0:\ntty:x:5:\nftp:x:22:\n";
const MANIFEST: &str = "\
/ dir 0755 root root
/** dir 0755 root root
/** link 0777 root root
/** file 0644 root root
/bin/* file 0755 root root
";

/// A store with trees, and a definition that takes them.
struct World {
    _folder: tempfile::TempDir,
    store: Store,
    inputs: BTreeMap<String, Digest>,
    own: Vec<(String, String)>,
    definition: RootDef,
}

/// Files by path: `-> target` is a link, `#!…` executable, a path with `/` at its end a directory.
fn tree<P: AsRef<str>, T: AsRef<str>>(store: &Store, files: &[(P, T)]) -> Digest {
    let mut tree = TreeBuilder::new(store);
    for (path, content) in files {
        let (path, content) = (path.as_ref(), content.as_ref());
        match (path.strip_suffix('/'), content.strip_prefix("-> ")) {
            (Some(folder), _) => tree.mkdir(folder),
            (_, Some(target)) => tree.symlink(path, target),
            _ => tree.file(path, if content.starts_with("#!") { 0o755 } else { 0o644 }, &mut content.as_bytes()),
        }
        .expect("it has a place");
    }
    tree.finish().expect("it can be stored")
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("store")).expect("a store can be made");
        let own = [("manifest", MANIFEST), ("files/etc/passwd", PASSWD), ("files/etc/group", GROUP)];
        let definition = RootDef {
            overlays: texts(&["files"]),
            manifests: texts(&["manifest"]),
            directories: texts(&["run", "var/empty"]),
            ..RootDef::default()
        };
        let mut world = Self { _folder: folder, store, inputs: BTreeMap::new(), own: Vec::new(), definition };
        for (path, text) in own {
            world.own(path, text);
        }
        world.component("base", &[("bin/sh", "#!base"), ("etc/motd", "hello\n"), ("bin/ash", "-> sh")]);
        world
    }

    fn own(&mut self, path: &str, text: &str) -> &mut Self {
        self.own.retain(|(known, _)| known != path);
        self.own.push((path.to_owned(), text.to_owned()));
        self
    }

    fn lines(&mut self, lines: &str) -> &mut Self {
        self.own("manifest", &format!("{MANIFEST}{lines}"))
    }

    fn component(&mut self, name: &str, files: &[(&str, &str)]) -> &mut Self {
        let tree = tree(&self.store, files);
        self.inputs.insert(name.to_owned(), tree);
        if !self.definition.components.iter().any(|known| known == name) {
            self.definition.components.push(name.to_owned());
        }
        self
    }

    fn compose(&self) -> Result<Composed, Error> {
        let composer = Composer {
            store: &self.store,
            stage: "system",
            definition: &self.definition,
            inputs: &self.inputs,
            folder: tree(&self.store, &self.own),
            params: &BTreeMap::from([("arch".to_owned(), "x86_64".to_owned())]),
            sources: &[RootSource {
                name: "musl".to_owned(),
                version: "1.2.5".to_owned(),
                license: "MIT AND BSD-2-Clause".to_owned(),
                sha256: "0".repeat(64),
            }],
            cancel: &CancelToken::new().expect("a token"),
        };
        composer.compose()
    }

    #[track_caller]
    fn good(&self) -> Composed {
        self.compose().unwrap_or_else(|error| panic!("{error}"))
    }

    /// All that is wrong, in words.
    #[track_caller]
    fn wrong(&self) -> Vec<String> {
        match self.compose() {
            Err(Error::Problems { problems }) => problems.iter().map(Problem::to_string).collect(),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it fits together"),
        }
    }

    fn text(&self, composed: &Composed, path: &str) -> String {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.store.subtree(composed.output, folder).expect("it can be read").expect("it is there");
        let folder = self.store.directory(folder).expect("it can be read");
        let file = folder.files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {path}"));
        let bytes = self.store.get_bytes(file.content().expect("it has one")).expect("it can be read");
        String::from_utf8(bytes).expect("it is text")
    }

    /// The line of the table for a path.
    fn line(&self, composed: &Composed, path: &str) -> String {
        let table = self.text(composed, "manifest");
        let found = table.lines().find(|line| line.split(' ').nth(6) == Some(path));
        found.unwrap_or_else(|| panic!("no {path} in {table}")).to_owned()
    }

    fn log(&self, composed: &Composed, path: &str) -> serde_json::Value {
        let lines = self.text(composed, "pack-log.jsonl");
        let mut lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("it is JSON"));
        lines.find(|line| line["path"] == path).unwrap_or_else(|| panic!("no {path}"))
    }
}

#[test]
fn a_root_with_its_tables() {
    let world = World::new();
    let composed = world.good();
    let table = world.text(&composed, "manifest");
    // The table is that of the tree, by the reader that images are written with.
    let root = world.store.subtree(composed.output, "root").expect("it can be read").expect("it is there");
    let image = table::owned(&world.store, root, table.as_bytes(), 0).expect("it fits");
    assert_eq!(image.inodes.len(), composed.report.entries);
    let inside = world.text(&composed, "root/usr/share/repro/manifest");
    let own = world.text(&composed, "manifest").lines().filter(|line| !inside.contains(line)).count();
    assert_eq!(own, 1, "they differ in their own line");
    for text in [&table, &inside] {
        let header = Header::read(text.as_bytes()).expect("it has a head");
        assert_eq!(header.merkle_root, composed.report.merkle_root);
        assert_eq!(header.merkle_root, Header::merkle_root_of(text.as_bytes()));
        assert_eq!(header.inputs, composed.report.inputs);
    }
    assert_ne!(Header::merkle_root_of(table.replace("0644 0 0", "0600 0 0").as_bytes()), composed.report.merkle_root);
    let release = world.text(&composed, "root/usr/share/repro/release");
    assert!(release.contains(&format!("inputs {}\n", composed.report.inputs)), "{release}");
    assert!(release.contains(&format!("component base {}\n", world.inputs["base"])), "{release}");
    assert!(release.ends_with(&format!("source musl 1.2.5 {} MIT AND BSD-2-Clause\n", "0".repeat(64))), "{release}");
    let line = world.log(&composed, "/bin/sh");
    assert_eq!(line["stage"], "base");
    assert_eq!(line["source"], "/in/base/bin/sh");
    assert_eq!((&line["mode"], &line["owner"], &line["line"]), (&"0755".into(), &"root".into(), &"manifest:5".into()));
    assert_eq!(line["sha256"], Digest::of(b"#!base").hex());
    assert_eq!(world.log(&composed, "/etc/passwd")["source"], "/stage/files/etc/passwd");
    assert_eq!(world.log(&composed, "/etc/passwd")["stage"], "system");
    assert_eq!(world.log(&composed, "/var/empty")["source"], "stage.toml");
    let made = composed.made.iter().find(|made| made.path == "root/bin/sh").expect("it was made");
    assert_eq!(made.from, ["/in/base/bin/sh"]);
}

/// Another digest here is another version: `stage::COMPOSER_VERSION`.
#[test]
fn the_same_inputs_give_the_same_bytes() {
    let mut world = World::new();
    world.component("more", &[("bin/more", "#!more"), ("usr/lib/a b", "x"), ("usr/share/doc/", "")]);
    world.lines("/dev/console char 0600 root tty 5:1\n/bin/sh file 4755 ftp ftp cap=cap_net_raw+ep\n");
    world.definition.directories.push("dev".to_owned());
    let composed = world.good();
    assert_eq!(composed, world.good());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    insta::with_settings!({snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true}, {
        let table = world.text(&composed, "manifest");
        insta::assert_snapshot!("rootfs", format!("{}\n{table}", composed.output));
    });
}

#[test]
fn components_are_equals() {
    let mut world = World::new();
    world.component("other", &[("bin/sh", "#!other"), ("etc/motd", "hello\n"), ("bin/ash/x", "")]);
    world.component("third", &[("bin/sh", "#!third")]);
    assert_eq!(
        world.wrong(),
        [
            "`/bin/sh` differs between `base` and `other`",
            "`/bin/sh` differs between `base` and `third`",
            "`/bin/ash` is a directory of `other`, but none of `base`",
        ]
    );
    world.component("other", &[("bin/sh", "#!other"), ("etc/motd", "hello\n")]);
    world.definition.wins = vec![RootWin { path: "bin/*".to_owned(), component: "other".to_owned() }];
    let composed = world.good();
    let told: Vec<_> = composed.report.shadowed.iter().map(|one| (&*one.path, &*one.by, &*one.hidden_source)).collect();
    assert_eq!(told, [("/bin/sh", "other", "/in/base/bin/sh"), ("/bin/sh", "other", "/in/third/bin/sh")]);
    assert_eq!(world.text(&composed, "root/bin/sh"), "#!other");
    world.definition.wins[0].component = "base".to_owned();
    let composed = world.good();
    assert_eq!(world.text(&composed, "root/bin/sh"), "#!base");
    assert_eq!(composed.report.shadowed[0].hidden, "other");
}

#[test]
fn overlays_lie_over_all_that_is_below() {
    let mut world = World::new();
    world.own("files/etc/motd", "from files\n").own("brand/etc/motd", "from brand\n").own("brand/etc/issue", "x");
    world.definition.overlays.push("brand".to_owned());
    let composed = world.good();
    assert_eq!(world.text(&composed, "root/etc/motd"), "from brand\n");
    let told: Vec<_> = composed.report.shadowed.iter().map(|one| (&*one.by_source, &*one.hidden_source)).collect();
    assert_eq!(
        told,
        [("/stage/brand/etc/motd", "/stage/files/etc/motd"), ("/stage/files/etc/motd", "/in/base/etc/motd")]
    );
    world.own("brand/bin", "no directory").definition.overlays.push("none".to_owned());
    assert_eq!(
        world.wrong(),
        [
            "`/bin` is a directory of `base`, but none of `overlay brand`",
            "there is no folder `none` in the stage's folder"
        ]
    );
}

#[test]
fn templates_are_inputs() {
    let mut world = World::new();
    world.own("motd.in", "{arch} {stamp} ${arch} { }\n");
    world.definition.templates.insert("etc/motd".to_owned(), "motd.in".to_owned());
    let composed = world.good();
    let stamp = &composed.report.inputs[..12];
    assert_eq!(world.text(&composed, "root/etc/motd"), format!("x86_64 {stamp} ${{arch}} {{ }}\n"));
    assert_eq!(composed.report.shadowed[0].by, "template motd.in");
    world.own("motd.in", "{arch} {libc}\n").definition.templates.insert("etc/x".to_owned(), "none".to_owned());
    assert_eq!(
        world.wrong(),
        ["there is no file `none` in the stage's folder", "template `motd.in`: `{libc}` stands for nothing"]
    );
    // Another input is another stamp.
    let before = World::new().good().report;
    assert_ne!(World::new().own("unused", "x").good().report.inputs, before.inputs);
    assert_eq!(World::new().good().report, before);
}

#[test]
fn the_last_line_decides_and_a_component_s_own_after_all() {
    let mut world = World::new();
    world.component("daemon", &[("bin/d", "#!d"), ("etc/d/key", "k"), ("etc/d/x", "x")]);
    world.lines("/etc/d/* file 0600 root root\n/etc/d/x file 0640 root ftp\n");
    let composed = world.good();
    assert!(world.line(&composed, "/etc/d/key").starts_with("f 0600 0 0 "));
    assert!(world.line(&composed, "/etc/d/x").starts_with("f 0640 0 22 "));
    world.own("daemon", "/** file 0604 ftp 7\n/bin/* file 0755 ftp 7\n/** dir 0711 ftp ftp\n");
    world.lines("");
    world.definition.component_manifests.insert("daemon".to_owned(), "daemon".to_owned());
    let composed = world.good();
    assert!(world.line(&composed, "/etc/d/key").starts_with("f 0604 21 7 "));
    assert!(world.line(&composed, "/bin/d").starts_with("f 0755 21 7 "));
    assert!(world.line(&composed, "/bin/sh").starts_with("f 0755 0 0 "), "it is not the component's");
    assert!(world.line(&composed, "/etc/d").starts_with("d 0711 21 22 "));
    assert!(world.line(&composed, "/etc/motd").starts_with("f 0644 0 0 "));
}

#[test]
fn lines_and_paths_are_held_against_each_other() {
    let mut world = World::new();
    world.own("manifest", &MANIFEST.replace("/** file 0644 root root\n", ""));
    world.lines("");
    world.own(
        "manifest",
        "/ dir 0755 root root\n/** dir 0755 root root\n/bin/* file 0644 root root\n/etc/** file 0644 root root\n\
         /usr/share/** file 0644 root root\n/etc/none file 0644 root root\n/dev/null char 0666 root root 1:3\n\
         /etc/motd char 0666 root root 1:3\n",
    );
    assert_eq!(
        world.wrong(),
        [
            "manifest:6: `/etc/none` decides no file",
            "`/bin/ash`, a link of base, is decided by no line of a manifest",
            "`/bin/sh` gets mode 0644 by manifest:3, but its executable bit says otherwise",
            "manifest:7: `/dev/null` is there already, or its folder is not",
            "manifest:8: `/etc/motd` is there already, or its folder is not",
        ]
    );
}

#[test]
fn what_no_line_lists_can_be_left_out() {
    let mut world = World::new();
    world.component("sdk", &[("usr/include/a/x.h", ""), ("usr/include/y.h", ""), ("usr/lib/libx.a", "")]);
    world.lines("/usr/include/a omit\n/usr/lib/*.a omit\n");
    let composed = world.good();
    let told: Vec<String> =
        composed.report.undelivered.iter().map(|left| format!("{}: {}", left.path, left.reason)).collect();
    assert_eq!(
        told,
        [
            "/usr/include/a: manifest:6 omits it",
            "/usr/include/a/x.h: `/usr/include/a` is omitted",
            "/usr/lib: nothing of what was in it is delivered",
            "/usr/lib/libx.a: manifest:7 omits it",
        ]
    );
    assert_eq!(composed.report.undelivered[0].source, "/in/sdk/usr/include/a");
    world.own("manifest", &MANIFEST.replace("/** file 0644 root root", "/{etc,usr/share}/** file 0644 root root"));
    world.definition.deliver = Deliver::Manifest;
    let composed = world.good();
    let told: Vec<&str> = composed.report.undelivered.iter().map(|left| left.path.as_str()).collect();
    assert_eq!(
        told,
        ["/usr/include", "/usr/include/a", "/usr/include/a/x.h", "/usr/include/y.h", "/usr/lib", "/usr/lib/libx.a"]
    );
    world.definition.deliver = Deliver::All;
    assert_eq!(world.wrong().len(), 3, "else each of them is an error");
    // A directory of something that is delivered cannot be left out.
    world.definition.deliver = Deliver::Manifest;
    world.own("manifest", "/ dir 0755 root root\n/{etc,usr/share}/** file 0644 root root\n/etc dir 0755 root root\n");
    assert_eq!(world.wrong(), ["`/usr/share/repro`, a dir of repro, is decided by no line of a manifest",]);
}

#[test]
fn what_only_a_table_knows() {
    let mut world = World::new();
    world.component("more", &[("bin/more", "#!more")]);
    world.definition.directories.push("dev".to_owned());
    world.lines(
        "/dev/sda block 0660 root 6 8:0\n/run/initctl fifo 0600 root root\n\
         /bin/sh file 0755 root root cap=cap_net_bind_service+ep size<=1KiB\n/etc/motd file 0600 ftp ftp\n",
    );
    let composed = world.good();
    assert_eq!(world.line(&composed, "/dev/sda"), "b 0660 0 6 - 8:0 /dev/sda");
    assert_eq!(world.line(&composed, "/run/initctl"), "p 0600 0 0 - - /run/initctl");
    let line = world.line(&composed, "/bin/sh");
    assert!(line.ends_with(" /bin/sh security.capability=0100000200040000000000000000000000000000"), "{line}");
    assert_eq!(world.log(&composed, "/bin/sh")["capabilities"], "cap_net_bind_service+ep");
    assert_eq!(world.log(&composed, "/dev/sda")["device"], "8:0");
    assert_eq!(world.log(&composed, "/dev/sda")["source"], "manifest:6");
    assert!(world.line(&composed, "/etc/motd").starts_with("f 0600 21 22 "), "ids are the image's own");
}

#[test]
fn lines_that_are_none() {
    let mut world = World::new();
    for (line, reason) in [
        ("etc file 0644 root root", "a pattern begins with `/`"),
        ("/etc", "it says nothing of its paths"),
        ("/etc/[ file 0644 root root", "`/etc/[` is no pattern"),
        (
            "/etc/* files 0644 root root",
            "`files` is none of dir, file, link, char, block, fifo, and `omit` stands alone",
        ),
        ("/etc/* omit 0644", "`omit` is none of dir, file, link, char, block, fifo, and `omit` stands alone"),
        ("/etc/* file 644 root root", "a mode is four octal digits"),
        ("/etc/* file 0644 root", "mode, owner and group are needed"),
        ("/etc/* file 0644 toor root", "`toor` is not in the image's passwd, and no number"),
        ("/etc/* file 0644 root toor", "`toor` is not in the image's group, and no number"),
        ("/etc/* file 0644 root root 1:3", "only a device has MAJOR:MINOR"),
        ("/etc/null char 0644 root root", "a device needs MAJOR:MINOR"),
        ("/etc/* char 0644 root root 1:3", "what is made by a line is at one path"),
        ("/etc/* file 0644 root root x", "`x` is neither MAJOR:MINOR, `cap=…` nor `size<=…`"),
        ("/etc/* dir 0755 root root cap=cap_kill+p", "`cap=` is for files, not for a dir"),
        ("/etc/* file 0644 root root cap=kill", "capabilities are NAME[,NAME]+FLAGS, as cap_net_raw+ep"),
        ("/etc/* file 0644 root root size<=1B size<=1B", "`size<=1B` is a second one"),
    ] {
        world.lines(&format!("{line}\n"));
        assert_eq!(world.wrong(), [format!("manifest:6: {reason}")], "{line}");
    }
    world.lines("/etc/* file 0644 root root size<=1MB\n");
    assert!(world.wrong()[0].starts_with("manifest:6: `1MB` is no size"), "{:?}", world.wrong());
}

#[test]
fn budgets_are_kept() {
    let mut world = World::new();
    world.lines("/etc/* file 0644 root root size<=70B\n");
    world.definition.budgets.insert("base".to_owned(), 11);
    let used = PASSWD.len() + GROUP.len() + "hello\n".len();
    assert_eq!(
        world.wrong(),
        [
            "component `base` takes 12 bytes, its budget is 11".to_owned(),
            format!("manifest:6, `/etc/*`, takes {used} bytes, its budget is 70"),
        ]
    );
    world.lines(&format!("/etc/* file 0644 root root size<={used}B\n"));
    world.definition.budgets.insert("base".to_owned(), 12);
    let report = world.good().report;
    let base = report.components.iter().find(|one| one.name == "base").expect("it is there");
    assert_eq!((base.entries, base.bytes, base.budget), (5, 12, Some(12)));
}

#[test]
fn links_lead_somewhere() {
    let mut world = World::new();
    let links = [
        ("etc/mtab", "../run/mounts"),
        ("etc/a", "b"),
        ("etc/b", "a"),
        ("etc/none", "/usr/none"),
        ("lost", "bin/../etc/no/where"),
        ("sbin", "bin"),
    ];
    world.definition.links = links.map(|(path, target)| (path.to_owned(), target.to_owned())).into();
    assert_eq!(
        world.wrong(),
        [
            "`/etc/a`, a link of stage.toml, leads to `b`: round in circles",
            "`/etc/b`, a link of stage.toml, leads to `a`: round in circles",
            "`/etc/none`, a link of stage.toml, leads to `/usr/none`: there is no `/usr/none`",
            "`/lost`, a link of stage.toml, leads to `bin/../etc/no/where`: there is no `/etc/no`",
        ]
    );
    world.definition.links.retain(|path, _| !["etc/a", "etc/b", "lost"].contains(&path.as_str()));
    world.definition.may_miss = texts(&["usr/n*"]);
    let composed = world.good();
    assert_eq!(world.line(&composed, "/sbin"), "l 0777 0 0 - bin /sbin");
    // What a line omits is not there.
    world.component("more", &[("bin/more", "#!more")]).lines("/bin/sh omit\n");
    assert_eq!(world.wrong(), ["`/bin/ash`, a link of base, leads to `sh`: there is no `/bin/sh`"]);
}
