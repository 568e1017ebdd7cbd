//! Real objects in roots that are made here: compiled by the C compiler that links Rust programs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::{Ask, Closure, Own, View, close};

/// Paths with what is there; contents by path.
#[derive(Default)]
struct World {
    files: BTreeMap<String, (Own, Vec<u8>)>,
}

/// Compiles a C program or library; `options` go to the compiler.
fn compiled(text: &str, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, out) = (folder.path().join("x.c"), folder.path().join("x"));
    std::fs::write(&source, text).expect("it can be written");
    let result = Command::new("cc").args(["-O1", "-nostdlib", "-o"]).arg(&out).arg(&source).args(options).output();
    let result = result.expect("cc is there: it links Rust programs");
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    std::fs::read(&out).expect("it was made")
}

/// A library with a DT_SONAME that needs others by name: for these, libraries of their names are linked.
fn library(soname: &str, needs: &[&str], options: &[&str]) -> Vec<u8> {
    object(&["-shared", "-fPIC", &format!("-Wl,-soname,{soname}")], needs, options, "int own_symbol;")
}

/// A program with a loader.
fn program(loader: &str, needs: &[&str], options: &[&str]) -> Vec<u8> {
    let kind = ["-pie", "-fPIE", &format!("-Wl,--dynamic-linker={loader}")];
    object(&kind, needs, options, "void _start(void) { for (;;); }")
}

fn object(kind: &[&str], needs: &[&str], options: &[&str], text: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all: Vec<String> = kind.iter().chain(options).map(|option| (*option).to_owned()).collect();
    all.push("-Wl,--no-as-needed".to_owned());
    for need in needs {
        let stub = compiled(
            "void dlopen(void) {} void getaddrinfo(void) {}",
            &["-shared", "-fPIC", &format!("-Wl,-soname,{need}")],
        );
        let place = folder.path().join(need.replace('/', "_"));
        std::fs::write(&place, stub).expect("it can be written");
        all.push(place.display().to_string());
    }
    all.push("-Wl,--allow-shlib-undefined".to_owned());
    let options: Vec<&str> = all.iter().map(String::as_str).collect();
    compiled(text, &options)
}

impl World {
    fn put(&mut self, path: &str, own: Own, bytes: &[u8]) -> &mut Self {
        let mut folder = Path::new(path);
        while let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            self.files.entry(above.display().to_string()).or_insert((Own::Folder, Vec::new()));
            folder = above;
        }
        self.files.insert(path.to_owned(), (own, bytes.to_vec()));
        self
    }

    fn run(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.put(path, Own::File { executable: true }, bytes)
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.put(path, Own::File { executable: false }, bytes)
    }

    fn link(&mut self, path: &str, target: &str) -> &mut Self {
        self.put(path, Own::Link(target.to_owned()), b"")
    }

    fn close_with(&self, roots: &[&str], services: &[&str], may_miss: &dyn Fn(&str) -> bool) -> Closure {
        let read = |path: &str| -> Result<Vec<u8>, String> { Ok(self.files[path].1.clone()) };
        let view = View::new(self.files.iter().map(|(path, (own, _))| (path.clone(), own.clone())), &read);
        let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
        let roots = roots.iter().map(|path| ((*path).to_owned(), "root".to_owned())).collect();
        close(view, &Ask { roots, services: &services, may_miss }).expect("all can be read")
    }

    fn close(&self, roots: &[&str]) -> Closure {
        self.close_with(roots, &[], &|_| false)
    }
}

/// `path < by: why` of the first reasons.
fn needs(closure: &Closure) -> Vec<String> {
    let first = closure.needs.iter().map(|(path, needs)| (path, &needs[0]));
    first.map(|(path, need)| format!("{path} < {}: {}", need.by, need.why)).collect()
}

fn missing(closure: &Closure) -> Vec<String> {
    closure.missing.iter().map(|missing| format!("{} < {}: {}", missing.what, missing.by, missing.why)).collect()
}

const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";

#[test]
fn libraries_by_the_order_of_musl() {
    let mut world = World::default();
    world
        .run("bin/prog", &program(MUSL, &["liba.so.1", "libc.so"], &[]))
        .run("lib/libc.so", &library("libc.so", &[], &[]))
        .link("lib/ld-musl-x86_64.so.1", "libc.so")
        .link("usr/lib/liba.so.1", "liba.so.1.2")
        .run("usr/lib/liba.so.1.2", &library("liba.so.1", &["libb.so.1", "libgone.so.1"], &[]))
        .run("usr/local/lib/libb.so.1", &library("libb.so.1", &["liba.so.1"], &[]))
        .run("usr/lib/libb.so.1", &library("libb.so.1", &[], &[]))
        .run("usr/lib/libnobody.so.1", &library("libnobody.so.1", &[], &[]));
    let closure = world.close(&["bin/prog"]);
    assert_eq!(
        needs(&closure),
        [
            "bin/prog < : root",
            "lib/ld-musl-x86_64.so.1 < bin/prog: PT_INTERP",
            "lib/libc.so < lib/ld-musl-x86_64.so.1: link to libc.so",
            "usr/lib/liba.so.1 < bin/prog: DT_NEEDED liba.so.1",
            "usr/lib/liba.so.1.2 < usr/lib/liba.so.1: link to liba.so.1.2",
            "usr/local/lib/libb.so.1 < usr/lib/liba.so.1.2: DT_NEEDED libb.so.1",
        ]
    );
    assert_eq!(missing(&closure), ["libgone.so.1 < usr/lib/liba.so.1.2: DT_NEEDED libgone.so.1"]);
    // All reasons are kept.
    assert_eq!(closure.needs["usr/lib/liba.so.1.2"].len(), 2);
    // Its own list of directories comes in place of the usual one.
    world.file("etc/ld-musl-x86_64.path", b"/lib\n/usr/lib\n");
    assert!(world.close(&["bin/prog"]).needs.contains_key("usr/lib/libb.so.1"));
}

#[test]
fn libraries_by_the_order_of_glibc() {
    let mut world = World::default();
    world
        .run("usr/bin/prog", &program(GLIBC, &["liba.so.1"], &["-Wl,--enable-new-dtags,-rpath,$ORIGIN/../app"]))
        .run("lib64/ld-linux-x86-64.so.2", &library("ld-linux-x86-64.so.2", &[], &[]))
        .run("usr/app/liba.so.1", &library("liba.so.1", &["libb.so.1"], &[]))
        .run("usr/app/libb.so.1", &library("libb.so.1", &[], &[]))
        .run("opt/x/libb.so.1", &library("libb.so.1", &[], &[]))
        .run("lib/libb.so.1", &library("libb.so.1", &[], &[]))
        .file("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf\n")
        .file("etc/ld.so.conf.d/x.conf", b"/opt/x # first\n");
    // DT_RUNPATH counts for its own object only.
    let closure = world.close(&["usr/bin/prog"]);
    assert_eq!(
        needs(&closure)[1..],
        [
            "opt/x/libb.so.1 < usr/app/liba.so.1: DT_NEEDED libb.so.1",
            "usr/app/liba.so.1 < usr/bin/prog: DT_NEEDED liba.so.1",
            "usr/bin/prog < : root",
        ]
    );
    // DT_RPATH counts further down.
    let old = program(GLIBC, &["liba.so.1"], &["-Wl,--disable-new-dtags,-rpath,$ORIGIN/../app"]);
    world.run("usr/bin/prog", &old);
    assert!(world.close(&["usr/bin/prog"]).needs.contains_key("usr/app/libb.so.1"));
    // An object of another machine is passed over.
    let mut other = library("libb.so.1", &[], &[]);
    other[18] = 0xb7;
    world.run("usr/app/libb.so.1", &other);
    assert!(world.close(&["usr/bin/prog"]).needs.contains_key("opt/x/libb.so.1"));
}

#[test]
fn interpreters_of_scripts() {
    let mut world = World::default();
    world
        .run("usr/bin/tool", b"#! /usr/bin/env -S PYTHONHASHSEED=0 python3 -I\n")
        .run("usr/bin/env", b"#!/bin/sh\n")
        .link("bin", "usr/bin")
        .link("usr/bin/sh", "busybox")
        .run("usr/bin/busybox", b"no object")
        .run("usr/bin/awkward", b"#!/usr/bin/gawk -f")
        .file("usr/share/lib.sh", b"#!/bin/ksh\n");
    let closure = world.close(&["bin/tool", "usr/bin/awkward", "usr/share/lib.sh"]);
    assert_eq!(
        missing(&closure),
        ["/usr/bin/gawk < usr/bin/awkward: #!", "python3 < usr/bin/tool: #! by env"],
        "what is no program is not run"
    );
    assert!(needs(&closure).contains(&"bin < : root".to_owned()), "{:?}", needs(&closure));
    assert!(needs(&closure).contains(&"usr/bin/busybox < usr/bin/sh: link to busybox".to_owned()));
    let may_miss = |what: &str| what == "python3" || what.ends_with("awk");
    let closure = world.close_with(&["bin/tool", "usr/bin/awkward"], &[], &may_miss);
    assert_eq!((closure.missing.len(), closure.absent.len()), (0, 2));
}

#[test]
fn what_is_opened_by_name() {
    let text = "extern void *dlopen(const char *, int); const char *volatile name = \"libplug.so.1\";
                void _start(void) { dlopen(name, 1); dlopen(\"libnone.so.3\", 1); for (;;); }";
    let kind = ["-pie", "-fPIE", &format!("-Wl,--dynamic-linker={MUSL}")];
    let mut world = World::default();
    world
        .run("bin/prog", &object(&kind, &["libc.so"], &[], text))
        .run("lib/ld-musl-x86_64.so.1", &library("libc.so", &[], &[]))
        .run("usr/lib/libplug.so.1", &library("libplug.so.1", &["libdeep.so.1"], &[]))
        .run("lib/libdeep.so.1", &library("libdeep.so.1", &[], &[]));
    let closure = world.close(&["bin/prog"]);
    let found = needs(&closure);
    assert!(found.contains(&"usr/lib/libplug.so.1 < bin/prog: dlopen libplug.so.1".to_owned()), "{found:?}");
    assert!(found.contains(&"lib/libdeep.so.1 < usr/lib/libplug.so.1: DT_NEEDED libdeep.so.1".to_owned()), "{found:?}");
    assert_eq!(missing(&closure), [] as [&str; 0], "most programs do without some of them");
}

#[test]
fn services_of_names() {
    let versions = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(versions.path(), "GLIBC_2.34 { own_symbol; };\n").expect("it can be written");
    let script = format!("-Wl,--version-script={}", versions.path().display());
    let text = "extern int getaddrinfo(void); void _start(void) { getaddrinfo(); for (;;); }";
    let kind = ["-pie", "-fPIE", &format!("-Wl,--dynamic-linker={GLIBC}")];
    let mut world = World::default();
    world
        .run("bin/ask", &object(&kind, &["libc.so.6"], &[], text))
        .run("lib64/ld-linux-x86-64.so.2", &library("ld-linux-x86-64.so.2", &[], &[]))
        .run("lib/libc.so.6", &library("libc.so.6", &[], &[]))
        .run("lib/libnss_dns.so.2", &library("libnss_dns.so.2", &["libresolv.so.2"], &[]))
        .run("lib/libresolv.so.2", &library("libresolv.so.2", &[], &[]))
        .run("lib/libgcc_s.so.1", &library("libgcc_s.so.1", &[], &[]))
        .file("etc/nsswitch.conf", b"hosts: files [NOTFOUND=continue] dns # as usual\npasswd: files db\n");
    let closure = world.close(&["bin/ask"]);
    let found = needs(&closure);
    for need in [
        "lib/libnss_dns.so.2 < bin/ask: service `dns` of names, for getaddrinfo",
        "lib/libresolv.so.2 < lib/libnss_dns.so.2: DT_NEEDED libresolv.so.2",
        "etc/nsswitch.conf < bin/ask: getaddrinfo of glibc",
        "lib/libgcc_s.so.1 < lib/libc.so.6: dlopen libgcc_s.so.1",
    ] {
        assert!(found.contains(&need.to_owned()), "{need}: {found:?}");
    }
    let gone = |name: &str| format!("libnss_{name}.so.2 < bin/ask: service `{name}` of names, for getaddrinfo");
    assert_eq!(missing(&closure), [gone("db"), gone("files")]);
    // A newer one has the usual ones itself; and what is stated counts in place of the file.
    world.run("lib/libc.so.6", &library("libc.so.6", &[], &[&script]));
    assert_eq!(missing(&world.close(&["bin/ask"])), [gone("db")]);
    assert_eq!(missing(&world.close_with(&["bin/ask"], &["files", "dns"], &|_| false)), [] as [&str; 0]);
    // Who asks for no names needs none.
    world.run("bin/ask", &program(GLIBC, &["libc.so.6"], &[]));
    assert!(!world.close(&["bin/ask"]).needs.contains_key("lib/libnss_dns.so.2"));
}

/// A module with these strings in its `.modinfo`.
fn module(info: &str) -> Vec<u8> {
    let text = format!("__attribute__((section(\".modinfo\"), used)) static const char info[] = {info};");
    compiled(&text, &["-c"])
}

#[test]
fn modules_of_the_kernel() {
    let zstd = zstd::encode_all(module(r#""depends=crc16\0softdep=pre: wish-a none""#).as_slice(), 3);
    let mut world = World::default();
    world
        .file(
            "lib/modules/6.1/kernel/net/e1.ko",
            &module(r#""depends=mii-core,built_in,gone\0firmware=e1/fw.bin\0firmware=e1/no.bin""#),
        )
        .file("lib/modules/6.1/kernel/net/mii_core.ko.zst", &zstd.expect("it can be compressed"))
        .file("lib/modules/6.1/kernel/lib/crc16.ko", &module(r#""depends=""#))
        .file("lib/modules/6.1/kernel/lib/wish_a.ko", &module(r#""depends=""#))
        .file("lib/modules/6.1/kernel/lib/other.ko", &module(r#""depends=""#))
        .file("lib/modules/6.1/modules.builtin", b"kernel/x/built-in.ko\n")
        .file("lib/modules/6.1/modules.dep", b"")
        .file("usr/lib/firmware/e1/fw.bin.xz", b"firmware");
    let closure = world.close(&["lib/modules/6.1/kernel/net/e1.ko"]);
    assert_eq!(
        needs(&closure),
        [
            "lib/modules/6.1/kernel/lib/crc16.ko < lib/modules/6.1/kernel/net/mii_core.ko.zst: .modinfo depends=crc16",
            "lib/modules/6.1/kernel/lib/wish_a.ko < lib/modules/6.1/kernel/net/mii_core.ko.zst: .modinfo softdep=wish_a",
            "lib/modules/6.1/kernel/net/e1.ko < : root",
            "lib/modules/6.1/kernel/net/mii_core.ko.zst < lib/modules/6.1/kernel/net/e1.ko: .modinfo depends=mii_core",
            "lib/modules/6.1/modules.builtin < lib/modules/6.1/kernel/net/e1.ko: an index of modprobe",
            "lib/modules/6.1/modules.dep < lib/modules/6.1/kernel/net/e1.ko: an index of modprobe",
            "usr/lib/firmware/e1/fw.bin.xz < lib/modules/6.1/kernel/net/e1.ko: .modinfo firmware=e1/fw.bin",
        ]
    );
    assert_eq!(
        missing(&closure),
        [
            "/lib/firmware/e1/no.bin < lib/modules/6.1/kernel/net/e1.ko: .modinfo firmware=e1/no.bin",
            "gone.ko < lib/modules/6.1/kernel/net/e1.ko: .modinfo depends=gone",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let mut world = World::default();
    let mut bad = program(MUSL, &[], &[]);
    bad.truncate(100);
    world.run("bin/bad", &bad).link("bin/loop", "loop").run("bin/ok", b"");
    let closure = world.close(&["bin/bad", "bin/loop", "bin/none"]);
    assert!(closure.broken.contains_key("bin/bad"));
    assert_eq!(missing(&closure), ["/bin/none < : root", "bin/loop < bin/loop: its links lead round in circles"]);
    world.put("bin", Own::Folder, b"").file("lib/data", b"").run("bin/a", b"#!/bin\n").run("bin/b", b"#!/lib/data\n");
    assert_eq!(
        missing(&world.close(&["bin/a", "bin/b"])),
        ["/bin < bin/a: #!, and it is no file", "/lib/data < bin/b: #!, and it is not executable"]
    );
    let asked = RefCell::new(Vec::new());
    let read = |path: &str| {
        asked.borrow_mut().push(path.to_owned());
        Err::<Vec<u8>, String>(format!("no {path}"))
    };
    let view = View::new(world.files.iter().map(|(path, (own, _))| (path.clone(), own.clone())), &read);
    let roots = vec![("bin/ok".to_owned(), "root".to_owned())];
    let error = close(view, &Ask { roots, services: &[], may_miss: &|_| false }).expect_err("it cannot be read");
    assert_eq!(error, "no bin/ok");
    assert_eq!(*asked.borrow(), ["bin/ok"], "only what is asked about is read");
}
