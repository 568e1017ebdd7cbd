//! Held against strace, which runs in the stage and so sees the very same run: whatever process and path it names must
//! be in the trace.

use std::collections::BTreeSet;

use super::*;
use crate::fetch::Pin;
use crate::fetch::tests::real::fetcher;
use crate::format::{Rules, unpack_to_dir};
use crate::lockfile::Lockfile;
use crate::store::Store;

/// Calls that strace shows: all that take a path.
const CALLS: &str = "trace=%file,fchdir";

/// Sources of this project, and how each is built with this host's compiler.
const PACKAGES: [(&str, &str); 3] = [
    ("zlib", "./configure && make -j2"),
    ("musl", "./configure && make -j2"),
    ("dropbear", "./configure --disable-zlib && make -j2 PROGRAMS='dropbear dropbearkey'"),
];

#[test]
fn a_superset_of_strace() {
    if !Path::new("/usr/bin/strace").exists() || !Path::new("/usr/bin/gcc").exists() {
        return skipped("a comparison with strace", "strace or gcc is not installed");
    }
    let script = "mkdir -p x/y; printf '#include <stdio.h>\\nint main(void) { return 0; }\\n' > x/a.c; cd x\n\
         for i in 1 2 3; do gcc -I y -I ../none -o y/a$i a.c && (cd y && ./a$i); done; find . -name 'a*' | sort | xargs ls -l\n\
         python3 -c 'import json, subprocess; subprocess.run([\"true\"])'; tar cf t.tar y; cp -r y z; rm -r z; ln -s y/a1 l; cat l > /dev/null";
    compare("a little of everything", &format!("cat > /build/run.sh <<'END'\n{script}\nEND\n"), &[]);
}

#[test]
#[ignore = "compiles three upstream packages under strace: minutes"]
fn a_superset_on_upstream_packages() {
    let lockfile = Lockfile::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("lockfile.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let awk = Path::new("/usr/bin/awk").canonicalize().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let pins = PACKAGES.map(|(name, _)| Pin::of_source(name, &lockfile.sources[name]));
    let archives = fetcher(&store).fetch(&pins).unwrap();
    for ((name, build), archive) in PACKAGES.into_iter().zip(archives) {
        let source = folder.path().join(name);
        let rules = Rules { strip: 1, ..Rules::default() };
        unpack_to_dir(name, store.open_blob(archive).unwrap(), None, &rules, &source, false).unwrap();
        // Which awk is meant is said in `/etc`, and that is not in the stage.
        let script = format!(
            "mkdir bin; ln -s {} bin/awk; export PATH=/build/bin:$PATH CC=gcc; cd /src/{name}\n{build}",
            awk.display()
        );
        let sources = [(name.to_owned(), source, true)];
        compare(name, &format!("cat > /build/run.sh <<'END'\n{script}\nEND\n"), &sources);
    }
}

fn compare(what: &str, prepare: &str, sources: &[(String, std::path::PathBuf, bool)]) {
    let script = format!(
        "{prepare}\nstrace -f -y -qq -s 4096 -e '{CALLS}' -o /build/strace.log /bin/sh -eu /build/run.sh >/build/log 2>&1 ||\n\
         {{ tail -n 40 /build/log; exit 1; }}"
    );
    let t = traced(&["/bin/sh", "-euc", &script], sources);
    assert_eq!(t.finished.outcome, Outcome::Exited(0), "{what}: {}", t.log);
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    let file = rustix::fs::openat(&t.finished.build, "strace.log", flags, rustix::fs::Mode::empty());
    let mut log = Vec::new();
    let file = file.unwrap_or_else(|error| panic!("{error}: {}", t.log));
    std::io::Read::read_to_end(&mut std::fs::File::from(file), &mut log).unwrap();
    let theirs = pairs(&log);
    assert!(theirs.len() > 100, "{what}: strace saw only {}", theirs.len());
    let mut ours: BTreeSet<(u32, Vec<u8>)> = BTreeSet::new();
    for (process, inner) in t.trace.processes.iter().zip(&t.inner) {
        ours.extend(process.accesses.iter().map(|access| (*inner, t.trace.path(access.path))));
    }
    let missing: Vec<_> = theirs.iter().filter(|(process, path)| !known(&ours, *process, path)).collect();
    eprintln!(
        "{what}: {} processes, {} calls; strace names {} pairs, {} of them are missing",
        t.trace.processes.len(),
        t.trace.told(),
        theirs.len(),
        missing.len()
    );
    let some: Vec<String> =
        missing.iter().take(20).map(|(process, path)| format!("{process} {}", String::from_utf8_lossy(path))).collect();
    assert!(missing.is_empty(), "{what}: {} are missing, such as:\n{}", missing.len(), some.join("\n"));
}

/// Whether a path is in the trace, as it is or with its links followed.
fn known(ours: &BTreeSet<(u32, Vec<u8>)>, process: u32, path: &[u8]) -> bool {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let has = |path: Vec<u8>| ours.contains(&(process, path));
    if has(path.to_vec()) {
        return true;
    }
    // In the stage `/bin`, `/lib` and so on are links into `/usr`, which is this host's.
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let first = path.components().nth(1).map(|part| part.as_os_str().to_owned());
    let merged = ["bin", "lib", "lib64", "sbin"].iter().any(|name| first.as_deref() == Some((*name).as_ref()));
    let path = if merged { Path::new("/usr").join(path.strip_prefix("/").unwrap()) } else { path.to_owned() };
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    let followed = parent.zip(path.file_name()).map(|(parent, name)| parent.join(name));
    let whole = path.canonicalize().ok();
    [Some(path), followed, whole].into_iter().flatten().any(|path| has(path.into_os_string().into_vec()))
}

/// All pairs of process and absolute path in strace's output. Paths below `/proc` are everyone's own.
fn pairs(log: &[u8]) -> BTreeSet<(u32, Vec<u8>)> {
    let mut found = BTreeSet::new();
    let mut folders: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for line in log.split(|byte| *byte == b'\n') {
        let Some(space) = line.iter().position(|byte| *byte == b' ') else { continue };
        let Some(process) = std::str::from_utf8(&line[..space]).ok().and_then(|text| text.parse().ok()) else {
            continue;
        };
        let call = line[space..].trim_ascii_start();
        // It tells a path and takes none.
        if call.starts_with(b"getcwd(") || call.starts_with(b"<") || call.starts_with(b"+") || call.starts_with(b"-") {
            continue;
        }
        let Some(open) = call.iter().position(|byte| *byte == b'(') else { continue };
        let (name, arguments) = (&call[..open], &call[open + 1..]);
        // Where strace knows the working directory, it says so.
        if let Some(rest) = after(arguments, b"AT_FDCWD<") {
            folders.insert(process, rest.split(|byte| *byte == b'>').next().unwrap_or_default().to_vec());
        }
        let mut base = folders.get(&process).cloned();
        let mut rest = arguments;
        let most = if matches!(name, b"rename" | b"renameat" | b"renameat2" | b"link" | b"linkat") { 2 } else { 1 };
        // Of a symbolic link the second string is the path.
        let skip = usize::from(name.starts_with(b"symlink"));
        for index in 0..most + skip {
            let Some(quote) = rest.iter().position(|byte| *byte == b'"') else { break };
            let before = &rest[..quote];
            if let Some(open) = before.iter().rposition(|byte| *byte == b'<') {
                base = before[open + 1..].split(|byte| *byte == b'>').next().map(<[u8]>::to_vec);
            }
            let (text, used) = unquoted(&rest[quote + 1..]);
            rest = &rest[quote + 1 + used..];
            if index < skip || text.is_empty() {
                continue;
            }
            let path = match (text.first(), &base) {
                (Some(b'/'), _) => text,
                (_, Some(base)) => [base, &b"/"[..], &text].concat(),
                _ => continue,
            };
            let path = plain(&path);
            if !path.starts_with(b"/proc") {
                found.insert((process, path));
            }
        }
        if name == b"chdir" || name == b"fchdir" {
            folders.remove(&process);
        }
    }
    found
}

fn after<'a>(text: &'a [u8], what: &[u8]) -> Option<&'a [u8]> {
    text.windows(what.len()).position(|window| window == what).map(|at| &text[at + what.len()..])
}

/// The text up to the closing quote, without escapes; and how long it was.
fn unquoted(text: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() && text[at] != b'"' {
        if text[at] != b'\\' {
            out.push(text[at]);
            at += 1;
            continue;
        }
        at += 1;
        let digits = text[at..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        if digits > 0 {
            out.push(text[at..at + digits].iter().fold(0u8, |sum, byte| sum.wrapping_mul(8) + (byte - b'0')));
            at += digits;
        } else {
            out.push(match text.get(at) {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(other) => *other,
                None => break,
            });
            at += 1;
        }
    }
    (out, at + 1)
}

/// Without `.`, `..` and doubled slashes.
fn plain(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    [b"/", parts.join(&b'/').as_slice()].concat()
}
