//! Locking against an archive that is made here, signed with a key that is made here.

use std::io::Write;

use liblzma::write::XzEncoder;
use pgp::composed::{Deserializable, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::KeyDetails;

use super::server::Server;
use super::signing::{NOW, Says, key, public, sign};
use super::*;
use crate::fetch::debian::openpgp::{SignatureError, is_strong, verify};
use crate::fetch::lock::{ArchiveRequest, Disagreement, Request, SysrootRequest, Update, check, resolve};
use crate::lockfile::{KnownOutput, Lockfile};

const DEBIAN_KEYS: &str = include_str!("../../../sysroots/keys/debian-bookworm.asc");

fn at(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

#[test]
fn signatures_by_listed_keys_are_taken_and_no_others() {
    let (ours, theirs) = (key(1), key(2));
    let text = "Suite: x\n- dash\nend\n";
    let good = sign(text, &ours.primary_key, Says::default());
    assert_eq!(verify(&good, &public(&ours), at(NOW)).unwrap(), text);
    let sub = sign(text, &ours.secret_subkeys[0].key, Says::default());
    assert_eq!(verify(&sub, &public(&ours), at(NOW)).unwrap(), text, "a subkey for signing does as well");

    let finding = |message: &str, keys: &str, now| match verify(message, keys, at(now)) {
        Err(SignatureError::NoneValid { findings }) => findings.join("; "),
        other => panic!("{other:?}"),
    };
    let name = format!("{:X}", ours.primary_key.fingerprint());
    assert_eq!(finding(&good, &public(&theirs), NOW), format!("signature by {name}: the key is not listed"));
    let changed = good.replace("end", "END");
    assert_eq!(finding(&changed, &public(&ours), NOW), format!("signature by {name}: it is not of this text"));
    assert!(finding(&good, &public(&ours), NOW - 86_400 * 3).contains("from the future"));
    let forged =
        sign(text, &theirs.primary_key, Says { issuer: Some(ours.primary_key.fingerprint()), ..Says::default() });
    assert!(finding(&forged, &public(&ours), NOW).contains("not of this text"));
    assert!(is_strong(HashAlgorithm::Sha512) && !is_strong(HashAlgorithm::Sha1) && !is_strong(HashAlgorithm::Md5));

    // What stands before or after the signed text is not part of it.
    assert!(verify(&format!("Suite: evil\n{good}"), &public(&ours), at(NOW)).is_err());
    let after = verify(&format!("{good}\nSuite: evil\n"), &public(&ours), at(NOW));
    assert!(after.is_err() || after.unwrap() == text);
    assert!(matches!(verify(text, &public(&ours), at(NOW)), Err(SignatureError::Message { .. })));
    assert!(matches!(verify(&good, "no keys", at(NOW)), Err(SignatureError::Keys { .. })));
}

#[test]
fn the_archive_keys_are_readable_and_expire() {
    let keys: Vec<SignedPublicKey> =
        SignedPublicKey::from_armor_many(DEBIAN_KEYS.as_bytes()).unwrap().0.map(Result::unwrap).collect();
    let names: Vec<String> = keys.iter().map(|key| format!("{:X}", key.primary_key.fingerprint())).collect();
    assert_eq!(names, ["B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8", "4D64FEC119C2029067D6E791F8D2585B8783D481"]);
    // A signature that only claims to be by them shows when their time is over: both expire in January 2031.
    let ours = key(1);
    for issuer in [
        keys[0].primary_key.fingerprint(),
        keys[0].public_subkeys[0].key.fingerprint(),
        keys[1].primary_key.fingerprint(),
    ] {
        let claim = sign("text", &ours.primary_key, Says { issuer: Some(issuer), ..Says::default() });
        let finding = |now| verify(&claim, DEBIAN_KEYS, at(now)).unwrap_err().to_string();
        assert!(finding(NOW).contains("not of this text"), "{}", finding(NOW));
        assert!(finding(1_940_000_000).contains("key has expired"), "{}", finding(1_940_000_000));
    }
}

/// An archive in a folder.
struct Archive {
    folder: tempfile::TempDir,
}

impl Archive {
    fn new() -> Self {
        let archive = Self { folder: tempfile::tempdir().unwrap() };
        archive.release(
            "Sat, 05 Sep 2026 10:00:00 UTC",
            &[("gcc", "12-1", "libc (>= 2)"), ("libc", "2-1", "")],
            |text| sign(text, &key(1).primary_key, Says::default()),
        );
        archive
    }

    /// Writes the packages and the signed index.
    fn release(&self, date: &str, packages: &[(&str, &str, &str)], sign: impl Fn(&str) -> String) {
        let top = self.folder.path().join("dists/bookworm");
        let folder = top.join("main/binary-amd64");
        fs::create_dir_all(&folder).unwrap();
        let mut index = String::new();
        for (name, version, depends) in packages {
            let path = format!("pool/{name}_{version}.deb");
            let bytes = format!("{name} {version} file");
            fs::create_dir_all(self.folder.path().join("pool")).unwrap();
            fs::write(self.folder.path().join(&path), &bytes).unwrap();
            let digest = Digest::of(bytes.as_bytes());
            index.push_str(&format!(
                "Package: {name}\nVersion: {version}\nArchitecture: amd64\nDepends: {depends}\nFilename: {path}\n\
                 Size: {}\nSHA256: {}\n\n",
                digest.size,
                digest.hex()
            ));
        }
        let mut encoder = XzEncoder::new(Vec::new(), 0);
        encoder.write_all(index.as_bytes()).unwrap();
        let packed = encoder.finish().unwrap();
        fs::write(folder.join("Packages.xz"), &packed).unwrap();
        let line = |bytes: &[u8], path: &str| format!(" {} {} {path}\n", Digest::of(bytes).hex(), bytes.len());
        let text = format!(
            "Suite: oldstable\nCodename: bookworm\nDate: {date}\nAcquire-By-Hash: yes\nSHA256:\n{}{}",
            line(index.as_bytes(), "main/binary-amd64/Packages"),
            line(&packed, "main/binary-amd64/Packages.xz")
        );
        fs::write(top.join("InRelease"), sign(&text)).unwrap();
    }

    fn config(&self) -> Config {
        Config { mirrors: folder_mirror("debian", self.folder.path()), ..quick() }
    }
}

fn request(packages: &[&str]) -> Request {
    let archive = ArchiveRequest {
        suite: "bookworm".to_owned(),
        component: "main".to_owned(),
        architecture: "amd64".to_owned(),
        base: "mirror://debian/".to_owned(),
        keys: public(&key(1)),
    };
    let seed = SysrootRequest {
        name: "seed".to_owned(),
        archive: "debian".to_owned(),
        packages: packages.iter().map(|name| (*name).to_owned()).collect(),
        exclude: vec![],
    };
    Request {
        archives: BTreeMap::from([("debian".to_owned(), archive)]),
        sysroots: vec![seed],
        sources: BTreeMap::new(),
    }
}

fn versions(lockfile: &Lockfile) -> Vec<String> {
    lockfile.sysroots["seed"].packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
}

#[test]
fn a_sysroot_is_locked_and_its_packages_can_be_fetched() {
    let archive = Archive::new();
    let store = Folder::new();
    let fetcher = Fetcher::new(&store, archive.config(), &Silent);
    let request = request(&["gcc"]);
    let lockfile = resolve(&fetcher, &request, None, Update::Needed, at(NOW)).unwrap();
    lockfile.validate().unwrap();
    assert_eq!(versions(&lockfile), ["gcc 12-1", "libc 2-1"]);
    assert_eq!(lockfile.archives["debian"].timestamp, "20260905T100000Z");
    assert!(store.contains(lockfile.archives["debian"].inrelease));
    assert!(check(&request, &lockfile).is_empty());
    let pins: Vec<Pin> =
        lockfile.sysroots["seed"].packages.iter().map(|p| Pin::of_package("mirror://debian/", p)).collect();
    assert_eq!(pins[0].urls, ["mirror://debian/pool/gcc_12-1.deb"]);
    fetcher.fetch(&pins).unwrap();
    assert_eq!(store.get_bytes(pins[0].digest.unwrap()).unwrap(), b"gcc 12-1 file");
}

#[test]
fn only_what_changed_is_resolved_again() {
    let archive = Archive::new();
    let store = Folder::new();
    let fetcher = Fetcher::new(&store, archive.config(), &Silent);
    let mut request = request(&["gcc"]);
    let mut old = resolve(&fetcher, &request, None, Update::Needed, at(NOW)).unwrap();
    let output = KnownOutput { action: Digest::of(b"action"), tree: Digest::of(b"tree") };
    old.set_output("stage", "any", output);
    let newer = [("gcc", "12-2", "libc (>= 2)"), ("libc", "2-1", ""), ("make", "4", "libc")];
    archive.release("Sun, 06 Sep 2026 10:00:00 UTC", &newer, |text| sign(text, &key(1).primary_key, Says::default()));
    let offline = Fetcher::new(&store, Config { offline: true, ..quick() }, &Silent);
    let same = resolve(&offline, &request, Some(&old), Update::Needed, at(NOW)).unwrap();
    assert_eq!(same, old, "nothing to do needs no network");
    let all = resolve(&fetcher, &request, Some(&old), Update::All, at(NOW)).unwrap();
    assert_eq!(versions(&all), ["gcc 12-2", "libc 2-1"]);
    assert_eq!(all.known_output("stage", "any"), Some(output));
    request.sysroots[0].packages.push("make".to_owned());
    assert_eq!(check(&request, &old), [Disagreement::SysrootChanged { name: "seed".to_owned() }]);
    let more = resolve(&fetcher, &request, Some(&old), Update::Needed, at(NOW)).unwrap();
    assert_eq!(versions(&more), ["gcc 12-2", "libc 2-1", "make 4"]);
    // Back in time: refused.
    archive.release("Sat, 05 Sep 2026 10:00:00 UTC", &newer, |text| sign(text, &key(1).primary_key, Says::default()));
    let error = resolve(&fetcher, &request, Some(&more), Update::All, at(NOW)).unwrap_err();
    assert_eq!(error.to_string(), "accept the index of the archive `debian`");
    assert!(error.hint().unwrap().contains("remove the archive"), "{:?}", error.hint());
}

#[test]
fn what_is_wrong_with_an_archive_is_said() {
    let archive = Archive::new();
    let store = Folder::new();
    let fetcher = Fetcher::new(&store, archive.config(), &Silent);
    let error = resolve(&fetcher, &request(&["gcc", "nonesuch"]), None, Update::Needed, at(NOW)).unwrap_err();
    assert_eq!(error.to_string(), "resolve the sysroot `seed`:\n  `nonesuch` wanted by the definition");
    assert!(error.hint().unwrap().contains("`exclude`"));

    let mut other = request(&["gcc"]);
    other.archives.get_mut("debian").unwrap().keys = public(&key(2));
    let error = resolve(&fetcher, &other, None, Update::Needed, at(NOW)).unwrap_err();
    assert!(matches!(error, crate::fetch::lock::Error::Signature { .. }), "{error}");
    other.sysroots[0].archive = "ubuntu".to_owned();
    assert!(matches!(
        resolve(&fetcher, &other, None, Update::Needed, at(NOW)),
        Err(crate::fetch::lock::Error::NoArchive { .. })
    ));

    let index = archive.folder.path().join("dists/bookworm/main/binary-amd64/Packages.xz");
    let mut bytes = fs::read(&index).unwrap();
    bytes[20] ^= 1;
    fs::write(&index, bytes).unwrap();
    let fresh = Folder::new();
    let fetcher = Fetcher::new(&fresh, archive.config(), &Silent);
    let error = resolve(&fetcher, &request(&["gcc"]), None, Update::Needed, at(NOW)).unwrap_err();
    assert!(error.to_string().contains(", got "), "a changed index is not the signed one: {error}");
}

#[test]
fn sources_are_believed_once() {
    let server =
        Server::new(|asked, answer| answer.serve(asked, format!("{} {}", asked.path, asked.before).as_bytes(), ""));
    let store = Folder::new();
    let fetcher = Fetcher::new(&store, quick(), &Silent);
    let (a, b) = (server.url("/a"), server.url("/b"));
    let mut wanted = Request { sources: BTreeMap::from([("src".to_owned(), vec![a.clone()])]), ..Request::default() };
    let first = resolve(&fetcher, &wanted, None, Update::Needed, at(NOW)).unwrap();
    assert_eq!(first.sources["src"].digest, Digest::of(b"/a 0"));
    assert!(store.contains(Digest::of(b"/a 0")), "what was hashed is in the store");
    let again = resolve(&fetcher, &wanted, Some(&first), Update::All, at(NOW)).unwrap();
    assert_eq!(again, first);
    wanted.sources.insert("src".to_owned(), vec![b.clone(), a]);
    assert_eq!(check(&wanted, &first), [Disagreement::SourceUrls { name: "src".to_owned() }]);
    let more = resolve(&fetcher, &wanted, Some(&first), Update::Needed, at(NOW)).unwrap();
    assert_eq!(more.sources["src"].digest, first.sources["src"].digest, "another mirror has the same bytes");
    assert_eq!(server.asked().len(), 1);
    wanted.sources.insert("src".to_owned(), vec![server.url("/c")]);
    let moved = resolve(&fetcher, &wanted, Some(&more), Update::Needed, at(NOW)).unwrap();
    assert_eq!(moved.sources["src"].digest, Digest::of(b"/c 0"));
    wanted.sources.clear();
    assert_eq!(check(&wanted, &moved), [Disagreement::SourceUnused { name: "src".to_owned() }]);
}

#[test]
fn a_definition_is_a_set() {
    let base = request(&["gcc", "libc"]);
    let archive = &base.archives["debian"];
    let digest = |packages: &[&str]| request(packages).sysroots[0].definition(archive);
    assert_eq!(digest(&["gcc", "libc"]), digest(&["libc", "gcc", "gcc"]));
    assert_ne!(digest(&["gcc", "libc"]), digest(&["gcc"]));
    let mut excluding = base.sysroots[0].clone();
    excluding.exclude.push("libc".to_owned());
    assert_ne!(excluding.definition(archive), base.sysroots[0].definition(archive));
    // Kept in lockfiles: a change of this value makes all of them out of date.
    assert_eq!(
        digest(&["gcc"]).hex(),
        Digest::of(b"sysroot 1\narchive debian\nbookworm main amd64\npackage gcc\n").hex()
    );
}
