//! Image layouts: blobs are compared with what has their part in the other image.

use std::fs;
use std::path::Path;

use super::folders::folders;
use crate::diff::Options;
use crate::digest::Digest;

/// A layout with a configuration and a layer for each text, below `root`.
fn layout(root: &Path, created: &str, layers: &[&str]) {
    let blobs = root.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    let blob = |bytes: &str| {
        let hex = Digest::of(bytes.as_bytes()).hex();
        fs::write(blobs.join(&hex), bytes).expect("a file");
        format!("{{\"digest\":\"sha256:{hex}\",\"size\":{}}}", bytes.len())
    };
    let config = blob(&format!("{{\"created\":\"{created}\"}}"));
    let layers: Vec<String> = layers.iter().map(|layer| blob(layer)).collect();
    let manifest = blob(&format!("{{\"config\":{config},\"layers\":[{}]}}", layers.join(",")));
    fs::write(root.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").expect("a file");
    fs::write(root.join("index.json"), format!("{{\"manifests\":[{manifest}]}}")).expect("a file");
}

#[test]
fn blobs_are_paired_by_what_they_are() {
    let pair = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    layout(&pair[0].path().join("image"), "now", &["base\n", "one\ntwo\n"]);
    layout(&pair[1].path().join("image"), "then", &["base\n", "one\n2\n", "more\n"]);
    fs::write(pair[0].path().join("image/blobs/sha256/stray"), "stray").expect("a file");
    let found = folders(pair[0].path(), pair[1].path(), &Options::default());
    let at = "image/blobs/sha256";
    let told = |part: &str| found.iter().filter(|fact| fact.starts_with(&format!("{at}/{part}: "))).count();
    assert_eq!(told("layer 1 of manifest 1"), 0, "{found:?}");
    assert!(found.contains(&format!("{at}/layer 2 of manifest 1: lines in 1 hunks")), "{found:?}");
    assert!(found.contains(&format!("{at}/layer 3 of manifest 1: only Right")), "{found:?}");
    assert!(found.contains(&format!("{at}/configuration of manifest 1: /created \"now\" \"then\"")), "{found:?}");
    assert!(found.contains(&format!("{at}/stray: only Left")), "{found:?}");
    assert!(told("manifest 1") > 0 && found.iter().any(|fact| fact.starts_with("image/index.json: ")), "{found:?}");
}

#[test]
fn layouts_that_lie_are_compared_all_the_same() {
    let pair = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    for (folder, index) in
        [(&pair[0], "{"), (&pair[1], "{\"manifests\":[{\"digest\":\"sha256:../x\"},7,{\"digest\":1}]}")]
    {
        layout(folder.path(), "now", &["one\n"]);
        fs::write(folder.path().join("index.json"), index).expect("a file");
    }
    let found = folders(pair[0].path(), pair[1].path(), &Options::default());
    assert_eq!(found, ["index.json: lines in 1 hunks"]);
    // An index that has itself as a manifest.
    for folder in &pair {
        let own = fs::read(folder.path().join("index.json")).expect("a file");
        fs::write(folder.path().join("blobs/sha256/x"), own).expect("a file");
        fs::write(
            folder.path().join("index.json"),
            "{\"manifests\":[{\"digest\":\"sha256:x\"},{\"digest\":\"sha256:x\"}]}",
        )
        .expect("a file");
    }
    let found = folders(pair[0].path(), pair[1].path(), &Options::default());
    assert_eq!(found, ["blobs/sha256/manifest 1: lines in 1 hunks"]);
}
