//! Keys in files, ours and openssl's.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::*;

#[test]
fn a_new_key_is_its_owners_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let (public, file) = new_key(&path).unwrap();
    assert_eq!(file, folder.path().join("key.pub"));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(PublicKey::load(&file).unwrap(), public);
    assert_eq!(SecretKey::load(&path).unwrap().public(), public);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(new_key(&path), Err(Error::KeyExists { path: there }) if there == path));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(new_key(&path), Err(Error::KeyExists { path: there }) if there == file));
    assert!(!path.exists(), "half a key is none");
    std::fs::remove_file(&file).unwrap();
    let (other, _) = new_key(&path).unwrap();
    assert_ne!(other, public);
    assert_ne!(std::fs::read(&path).unwrap(), before);
    assert!(matches!(new_key(Path::new("/")), Err(Error::KeyName { .. })));
}

#[test]
fn what_is_no_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    new_key(&path).unwrap();
    let (public, private) = (folder.path().join("key.pub"), path);
    let fails = |error: Error, reason: &str, hint: &str| {
        let text = format!("{error}; {}", error.hint().unwrap_or_default());
        assert!(text.contains(reason) && text.contains(hint), "{text}");
    };
    fails(PublicKey::load(&private).unwrap_err(), "it is a private key", "-pubout");
    fails(SecretKey::load(&public).unwrap_err(), "no section `PRIVATE KEY`", "--new-key");
    let other = folder.path().join("other");
    let write = |text: &str| std::fs::write(&other, text).unwrap();
    write("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    fails(SecretKey::load(&other).unwrap_err(), "it is encrypted", "openssl pkey");
    write("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    fails(PublicKey::load(&other).unwrap_err(), "it is no ed25519 key", "pubout");
    write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    fails(SecretKey::load(&other).unwrap_err(), "it is no ed25519 key", "genpkey");
    let twice = std::fs::read_to_string(&public).unwrap().repeat(2);
    write(&twice);
    fails(PublicKey::load(&other).unwrap_err(), "it has several keys", "");
    write("");
    fails(PublicKey::load(&other).unwrap_err(), "no section `PUBLIC KEY`", "");
    std::fs::write(&other, vec![b'-'; 70_000]).unwrap();
    fails(PublicKey::load(&other).unwrap_err(), "more than 65536 bytes", "");
    fails(PublicKey::load(folder.path()).unwrap_err(), "read", "");
    fails(PublicKey::load(&folder.path().join("none")).unwrap_err(), "find", "");
}

#[test]
fn trusted_keys_have_names_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let key = |name: &str| {
        new_key(&folder.path().join(name)).unwrap();
        folder.path().join(format!("{name}.pub")).display().to_string()
    };
    let (a, b) = (key("a"), key("b.pem"));
    let trust = Trust::load(&[&a, &b]).unwrap();
    assert_eq!(trust.len(), 2);
    let signed = envelope(b"", &[]);
    assert!(trust.judge(&signed).is_empty());
    for (words, reason) in [
        (vec![a.clone(), format!("other={a}")], "the key is already `a`"),
        (vec![format!("x={a}"), format!("x={b}")], "another key named `x`"),
        (vec![format!("={a}")], "it has no name"),
    ] {
        let error = Trust::load(&words).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// The openssl program, if it is here.
fn openssl(folder: &Path, args: &[&str]) -> Option<String> {
    let run = Command::new("openssl").args(args).current_dir(folder).output();
    let Ok(output) = run else {
        assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "openssl is not here");
        println!("skipped: openssl is not here");
        return None;
    };
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (public, file) = new_key(&at("ours")).unwrap();
    let Some(pem) = openssl(folder.path(), &["pkey", "-in", "ours", "-pubout"]) else { return };
    assert_eq!(pem, std::fs::read_to_string(file).unwrap());
    assert_eq!(pem, public.to_pem());
    openssl(folder.path(), &["genpkey", "-algorithm", "ed25519", "-out", "theirs"]).unwrap();
    openssl(folder.path(), &["pkey", "-in", "theirs", "-pubout", "-out", "theirs.pub"]).unwrap();
    let (key, public) = (SecretKey::load(&at("theirs")).unwrap(), PublicKey::load(&at("theirs.pub")).unwrap());
    assert_eq!(key.public(), public);
    // Its signatures, and ours.
    std::fs::write(at("message"), b"hello").unwrap();
    openssl(folder.path(), &["pkeyutl", "-sign", "-inkey", "theirs", "-rawin", "-in", "message", "-out", "sig"])
        .unwrap();
    let signature = std::fs::read(at("sig")).unwrap();
    assert!(public.verify(b"hello", &signature));
    assert_eq!(key.sign(b"hello"), signature);
    let signature = SecretKey::load(&at("ours")).unwrap().sign(b"hello");
    std::fs::write(at("sig"), signature).unwrap();
    let check = ["pkeyutl", "-verify", "-pubin", "-inkey", "ours.pub", "-rawin", "-in", "message", "-sigfile", "sig"];
    openssl(folder.path(), &check).unwrap();
    // The name of a key is what `openssl` and `sha256sum` say, too.
    openssl(folder.path(), &["pkey", "-pubin", "-in", "theirs.pub", "-outform", "DER", "-out", "der"]).unwrap();
    assert_eq!(Digest::of(&std::fs::read(at("der")).unwrap()).hex(), public.id());
    // Of another kind.
    openssl(folder.path(), &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec"])
        .unwrap();
    openssl(folder.path(), &["pkey", "-in", "ec", "-pubout", "-out", "ec.pub"]).unwrap();
    assert!(SecretKey::load(&at("ec")).unwrap_err().to_string().contains("it is no ed25519 key"));
    assert!(PublicKey::load(&at("ec.pub")).unwrap_err().to_string().contains("it is no ed25519 key"));
    openssl(folder.path(), &["pkey", "-in", "theirs", "-aes256", "-passout", "pass:x", "-out", "locked"]).unwrap();
    assert!(SecretKey::load(&at("locked")).unwrap_err().to_string().contains("it is encrypted"));
}
