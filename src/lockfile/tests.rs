//! Tests of the lockfile.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::digest::Digest;

fn package(name: &str, version: &str) -> PackagePin {
    PackagePin {
        name: name.to_owned(),
        version: version.to_owned(),
        path: format!("pool/main/{name}_{version}_amd64.deb"),
        digest: Digest::of(format!("{name}{version}").as_bytes()),
    }
}

fn sample() -> Lockfile {
    let mut lockfile = Lockfile::new();
    lockfile.archives.insert(
        "debian".to_owned(),
        ArchivePin {
            suite: "bookworm".to_owned(),
            timestamp: "20261101T000000Z".to_owned(),
            inrelease: Digest::of(b"InRelease"),
        },
    );
    lockfile.sources.insert(
        "musl".to_owned(),
        SourcePin {
            urls: vec!["mirror://debian/pool/main/m/musl/musl_1.2.3.orig.tar.gz".to_owned()],
            digest: Digest::of(b"musl"),
        },
    );
    lockfile.sysroots.insert(
        "seed".to_owned(),
        SysrootPin {
            definition: Digest::of(b"seed"),
            packages: vec![package("dash", "0.5.12-2"), package("gcc-12", "12.2.0-14+deb12u1")],
        },
    );
    lockfile.set_output(
        "musl",
        "x86_64-default",
        KnownOutput { action: Digest::of(b"action"), tree: Digest::of(b"tree") },
    );
    lockfile
}

fn parse(text: &str) -> Result<Lockfile, Error> {
    Lockfile::parse(text, Path::new("lockfile.json"))
}

#[test]
fn bytes_are_stable() {
    let text = sample().to_json();
    assert_eq!(Digest::of(text.as_bytes()).hex(), Digest::of(parse(&text).unwrap().to_json().as_bytes()).hex());
    assert!(text.ends_with("}\n") && !text.ends_with("\n\n"));
    // A golden prefix: the order of the sections and the spelling of a digest are part of the format.
    let start = "{\n  \"schema\": 1,\n  \"archives\": {\n    \"debian\": {\n      \"suite\": \"bookworm\",\n";
    assert!(text.starts_with(start), "{text}");
    assert!(text.contains(&format!("\"tree\": \"{}\"", Digest::of(b"tree"))));
}

#[test]
fn saving_is_atomic_and_loads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockfile.json");
    let missing = Lockfile::load(&path).unwrap_err();
    assert_eq!(missing.hint().as_deref(), Some("make it with `repro lock`"));
    sample().save(&path).unwrap();
    assert_eq!(Lockfile::load(&path).unwrap(), sample());
    let before = std::fs::metadata(&path).unwrap();
    sample().save(&path).unwrap();
    use std::os::unix::fs::MetadataExt;
    assert_eq!(before.ino(), std::fs::metadata(&path).unwrap().ino(), "an unchanged file is left alone");
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["lockfile.json"], "no temporary files stay");
    let nowhere = folder.path().join("none/lockfile.json");
    assert!(matches!(sample().save(&nowhere), Err(Error::File { .. })));
}

#[test]
fn errors_name_the_place() {
    let text = sample().to_json();
    let Err(Error::Parse { line, reason, .. }) = parse(&text.replace("\"suite\"", "\"sweet\"")) else {
        panic!("an unknown field was taken")
    };
    assert_eq!(line, 5);
    assert!(reason.contains("sweet"), "{reason}");
    let broken = text.replace(&Digest::of(b"musl").hex(), "abc");
    let message = parse(&broken).unwrap_err().to_string();
    assert!(message.starts_with("parse the lockfile `lockfile.json` at line "), "{message}");
    assert!(message.contains("parse `abc/4` as a digest"), "{message}");
    let merged = format!("{{\n  \"schema\": 1,\n<<<<<<< ours\n{}", &text[2..]);
    assert!(parse(&merged).unwrap_err().hint().unwrap().contains("merge"));
}

#[test]
fn another_schema_is_refused_before_its_fields() {
    let error = parse("{\"schema\": 7, \"wonders\": []}").unwrap_err();
    assert!(matches!(error, Error::Schema { found: 7, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "read the lockfile `lockfile.json`: its schema is 7, and this program knows schema 1"
    );
    assert!(error.hint().unwrap().contains("newer"));
    assert!(matches!(parse("{}"), Err(Error::Parse { .. })));
}

#[test]
fn a_repeated_key_is_refused() {
    let digest = Digest::of(b"x");
    let output = format!("{{\"action\":\"{digest}\",\"tree\":\"{digest}\"}}");
    for text in [
        format!("{{\"schema\":1,\"outputs\":{{\"a\":{{\"any\":{output},\"any\":{output}}}}}}}"),
        format!("{{\"schema\":1,\"outputs\":{{\"a\":{{\"any\":{output}}},\"a\":{{}}}}}}"),
    ] {
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains("is there twice"), "{message}");
    }
}

#[test]
fn every_problem_is_reported() {
    let mut lockfile = sample();
    lockfile.archives.get_mut("debian").unwrap().timestamp = "yesterday".to_owned();
    let source = lockfile.sources.get_mut("musl").unwrap();
    source.urls =
        ["file:///etc/passwd", "mirror://debian/../x", "mirror://debian", "https://me:pw@host/x", "ftp://h/x"]
            .map(str::to_owned)
            .to_vec();
    lockfile.sources.insert("../up".to_owned(), SourcePin { urls: vec![], digest: Digest::of(b"") });
    let packages = &mut lockfile.sysroots.get_mut("seed").unwrap().packages;
    packages.reverse();
    packages[0].path = "/pool/x".to_owned();
    let Err(Error::Invalid { problems }) = lockfile.validate() else { panic!("accepted") };
    let places: Vec<_> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "archives.debian.timestamp",
            "sources.../up",
            "sources.../up.urls",
            "sources.musl.urls",
            "sources.musl.urls",
            "sources.musl.urls",
            "sources.musl.urls",
            "sources.musl.urls",
            "sysroots.seed.packages.gcc-12",
            "sysroots.seed.packages",
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(lockfile.save(&folder.path().join("l")).is_err(), "what would not load is not saved");
}

#[test]
fn changes_read_well() {
    let old = sample();
    let mut new = sample();
    new.archives.get_mut("debian").unwrap().timestamp = "20261201T000000Z".to_owned();
    new.sources.insert(
        "zlib".to_owned(),
        SourcePin { urls: vec!["https://example.org/z".to_owned()], digest: Digest::of(b"z") },
    );
    new.sources.get_mut("musl").unwrap().urls.push("https://example.org/m".to_owned());
    let packages = &mut new.sysroots.get_mut("seed").unwrap().packages;
    packages[1] = package("gcc-12", "12.2.0-15");
    packages.push(package("m4", "1.4.19-3"));
    packages[0].digest = Digest::of(b"other");
    new.outputs.clear();
    let changes = diff(&old, &new);
    let text = changes.to_string();
    let short = |text: &str| Digest::of(text.as_bytes()).short();
    assert_eq!(
        text,
        format!(
            "~ archive debian bookworm 20261101T000000Z -> bookworm 20261201T000000Z\n\
             ~ source musl: mirror://debian/pool/main/m/musl/musl_1.2.3.orig.tar.gz -> \
             mirror://debian/pool/main/m/musl/musl_1.2.3.orig.tar.gz https://example.org/m\n\
             + source zlib {}\n\
             ! package seed/dash 0.5.12-2 has other bytes: {} -> {}\n\
             ~ package seed/gcc-12 12.2.0-14+deb12u1 -> 12.2.0-15\n\
             + package seed/m4 1.4.19-3\n\
             - output musl x86_64-default {}\n",
            short("z"),
            short("dash0.5.12-2"),
            short("other"),
            short("tree")
        )
    );
    assert!(diff(&new, &new).is_empty());
    let gone = Lockfile::new();
    assert!(diff(&old, &gone).to_string().contains("- sysroot seed (2 packages)"));
}

#[test]
fn outputs_are_found_by_stage_and_target() {
    let lockfile = sample();
    assert_eq!(
        lockfile.known_output("musl", "x86_64-default"),
        Some(KnownOutput { action: Digest::of(b"action"), tree: Digest::of(b"tree") })
    );
    assert_eq!(lockfile.known_output("musl", ANY_TARGET), None);
    assert_eq!(lockfile.known_output("other", ANY_TARGET), None);
}

#[test]
fn the_schema_is_in_step_and_fits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/lockfile.schema.json");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let now = json_schema();
    if std::env::var_os("REPRO_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &now).unwrap();
    } else {
        assert_eq!(kept, now, "run the test once with REPRO_UPDATE_SNAPSHOTS=1 and look at the difference");
    }
    let schema: serde_json::Value = serde_json::from_str(&now).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&sample().to_json()).unwrap();
    assert!(validator.is_valid(&value));
    value["sources"]["musl"]["digest"] = "abc".into();
    assert!(!validator.is_valid(&value), "the schema tells a digest from other text");
}

proptest! {
    #[test]
    fn any_lockfile_survives_the_round_trip(
        outputs in prop::collection::btree_map("[a-z]{1,6}", prop::collection::btree_map("[a-z0-9_]{1,6}", any::<u64>(), 0..3), 0..4),
    ) {
        let mut lockfile = sample();
        lockfile.outputs = outputs
            .into_iter()
            .map(|(stage, targets)| {
                let digest = |n: u64| Digest::of(&n.to_le_bytes());
                (stage, targets.into_iter().map(|(t, n)| (t, KnownOutput { action: digest(n ^ 1), tree: digest(n) })).collect::<BTreeMap<_, _>>())
            })
            .collect();
        let text = lockfile.to_json();
        prop_assert_eq!(parse(&text).unwrap(), lockfile);
    }

    #[test]
    fn garbage_never_panics(text in "\\PC{0,80}") {
        let _ = parse(&text);
    }
}
