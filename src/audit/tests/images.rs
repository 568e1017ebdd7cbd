//! Image layouts: layers over each other.

use super::*;
use crate::digest::Digest;

/// A layer: paths with contents; a path that ends with `/` is a directory, `a -> b` a link.
fn layer(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o755);
        header.set_size(0);
        if let Some((path, target)) = path.split_once(" -> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            archive.append_link(&mut header, path, target).expect("memory takes it");
        } else if path.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
            archive.append_data(&mut header, path, std::io::empty()).expect("memory takes it");
        } else {
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, content.as_bytes()).expect("memory takes it");
        }
    }
    archive.into_inner().expect("memory takes it")
}

fn blob(folder: &Path, bytes: &[u8]) -> String {
    let hex = Digest::of(bytes).hex();
    write(folder, &format!("blobs/sha256/{hex}"), bytes);
    format!("{{\"digest\":\"sha256:{hex}\",\"size\":{}}}", bytes.len())
}

fn layout(folder: &Path, layers: &[Vec<u8>]) {
    write(folder, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    let layers: Vec<String> = layers.iter().map(|layer| blob(folder, layer)).collect();
    let manifest = blob(folder, format!("{{\"layers\":[{}]}}", layers.join(",")).as_bytes());
    write(folder, "index.json", format!("{{\"manifests\":[{manifest}]}}"));
}

fn ends(report: &Report) -> Vec<String> {
    let short = |finding: &Finding| {
        let object = finding.object.rsplit('!').next().unwrap_or_default();
        format!("{} {object}", finding.rule.id)
    };
    report.findings.iter().map(short).collect()
}

#[test]
fn layers_and_whiteouts() {
    let folder = tempfile::tempdir().expect("a folder");
    let base = layer(&[
        ("etc/", ""),
        ("bin/", ""),
        ("bin/sh", "x"),
        ("bin/gone", "#!/none\n"),
        ("bin/script", "#!/bin/perl\n"),
        ("opt/", ""),
        ("opt/a", "#!/none\n"),
        ("bin/link -> ../opt/a", ""),
        ("replaced/", ""),
        ("replaced/x", "#!/none\n"),
    ]);
    let top = layer(&[
        ("bin/.wh.gone", ""),
        ("bin/perl", "x"),
        ("opt/.wh..wh..opq", ""),
        ("opt/b", "x"),
        ("replaced", "now a file"),
        ("bin/new", "#!/usr/bin/none\n"),
    ]);
    layout(folder.path(), &[base, top]);
    let report = report(folder.path(), &Config::default());
    // `gone`, `opt/a` and `replaced/x` are not in the image; `perl` comes from the upper layer; the link lost its target.
    assert_eq!(ends(&report), ["script-interpreter-missing bin/new", "symlink-dangling bin/link"]);
}

#[test]
fn a_layout_in_an_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    layout(folder.path(), &[layer(&[("etc/", ""), ("bin/sh", "x"), ("bin/x", "#!/none\n")])]);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all(".", folder.path()).expect("memory takes it");
    let other = tempfile::tempdir().expect("a folder");
    write(other.path(), "image.tar", archive.into_inner().expect("memory takes it"));
    let report = report(&other.path().join("image.tar"), &Config::default());
    assert_eq!(ends(&report), ["script-interpreter-missing bin/x"]);
}

#[test]
fn images_beside_other_files() {
    // Each layer would lack what the other has.
    let base = layer(&[("etc/", ""), ("etc/passwd", "x"), ("bin/", ""), ("bin/sh", "x"), ("bin/perl", "x")]);
    let top = layer(&[
        ("etc/", ""),
        ("etc/os-release", "x"),
        ("bin/", ""),
        ("bin/sh", "y"),
        ("bin/x", "#!/bin/perl\n"),
        ("bin/y", "#!/none\n"),
    ]);
    let (oci, docker, both) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    layout(oci.path(), &[base.clone(), top.clone()]);
    write(docker.path(), "a.tar", base);
    write(docker.path(), "b.tar", top);
    write(
        docker.path(),
        "manifest.json",
        "[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"a.tar\",\"b.tar\"]}]",
    );
    for (name, folder) in [("oci.tar", &oci), ("docker.tar", &docker)] {
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_dir_all("", folder.path()).expect("memory takes it");
        write(both.path(), name, archive.into_inner().expect("memory takes it"));
    }
    let report = report(both.path(), &Config::default());
    assert_eq!(ends(&report), ["script-interpreter-missing bin/y", "script-interpreter-missing bin/y"]);
}

#[test]
fn a_layout_that_lacks_a_layer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    layout(folder.path(), &[layer(&[("bin/sh", "x")])]);
    for entry in std::fs::read_dir(folder.path().join("blobs/sha256")).expect("it can be listed").flatten() {
        if std::fs::read(entry.path()).expect("it can be read").len() > 500 {
            std::fs::remove_file(entry.path()).expect("it can be removed");
        }
    }
    let needles = Needles::new(&Surroundings::default(), &[]);
    let options = Options {
        name: "x",
        stage: None,
        machine: None,
        config: &Config::default(),
        needles: &needles,
        list: false,
        cancel: None,
    };
    let error = audit(Subject::open(folder.path()).expect("it is there"), &options).unwrap_err();
    assert!(error.to_string().contains("is missing or no archive"), "{error}");
}
