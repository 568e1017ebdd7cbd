//! Images that skopeo and umoci take, and what they make of them.

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::digest::Digest;
use crate::image::tests::archive::{
    Memory, TIME, builder, expected, may_extract, meta, noise, same, sample, seen, tool,
};
use crate::image::{Builder, Compression, Error, Kind, Problem, Tree};

/// Files in a folder.
struct Folder {
    root: PathBuf,
    file: Option<fs::File>,
}

impl Write for Folder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().expect("a file was begun").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Folder {
    fn begin(&mut self) -> io::Result<()> {
        assert!(self.file.is_none(), "one file at a time");
        fs::create_dir_all(self.root.join("blobs/sha256"))?;
        self.file = Some(fs::File::create(self.root.join("new"))?);
        Ok(())
    }

    fn end(&mut self, name: &str) -> io::Result<()> {
        self.file = None;
        let place = self.root.join(name);
        assert!(!place.exists(), "{name} twice");
        fs::rename(self.root.join("new"), place)
    }
}

fn platform(architecture: &str, variant: &str) -> Platform {
    Platform { os: "linux".into(), architecture: architecture.into(), variant: variant.into() }
}

fn image(trees: &[&'static Tree]) -> Image<'static> {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let config = Config {
        entrypoint: texts(&["/bin/sh", "-c"]),
        cmd: texts(&["exec /bin/server"]),
        env: [("PATH".to_owned(), "/bin:/usr/bin".to_owned())].into(),
        working_dir: "/home".into(),
        user: "1000:100".into(),
        exposed_ports: ["80/tcp".to_owned(), "53/udp".to_owned()].into(),
        volumes: ["/data".to_owned()].into(),
        labels: [("org.opencontainers.image.title".to_owned(), "sample \"image\"".to_owned())].into(),
        stop_signal: "SIGTERM".into(),
    };
    let annotations = [("org.opencontainers.image.version".to_owned(), "1".to_owned())].into();
    let layers = trees.iter().zip(1..).map(|(tree, at)| Layer { tree, comment: format!("layer {at}") }).collect();
    Image { platform: platform("amd64", ""), config, annotations, layers }
}

/// Two trees, and the contents of both: the upper has lost, changed and gained things.
fn trees() -> (&'static Tree, &'static Tree, Memory) {
    let (lower, mut memory) = sample(100);
    let mut builder = Builder::default();
    let mut grown = meta(0o711);
    grown.time += 5;
    for inode in lower.inodes.iter().filter(|inode| !inode.path.starts_with(b"many") && inode.path != b"home") {
        match &inode.kind {
            Kind::Folder(_) if inode.path == b"usr/share/a/b" => builder.folder(&inode.path, grown.clone()),
            Kind::Folder(_) => builder.folder(&inode.path, inode.meta.clone()),
            _ if inode.path == b"etc/empty" => builder.add_other(b"etc/full", meta(0o600), memory.file(b"no more")),
            _ if inode.path == b"dev/pipe" => builder.folder(b"dev/pipe", meta(0o755)),
            // One name of three is gone.
            _ => builder.add_other(&inode.path, inode.meta.clone(), inode.kind.clone()),
        }
        .expect("it is new");
    }
    builder.link(b"bin/sh", b"bin/busybox").expect("it is new");
    builder.link(b"dev/ttyS9", b"dev/console").expect("it is new");
    builder.folder(b"many", meta(0o755)).expect("it is new");
    builder.add_other(b"many/other", meta(0o644), memory.file(&noise(5000))).expect("it is new");
    builder.add_other(b"home", meta(0o644), memory.file(b"a file now")).expect("it is new");
    builder.add_other(b"dev/pipe/in", meta(0o644), Kind::Fifo).expect("it is new");
    let upper = builder.finish().expect("a whole tree");
    (Box::leak(Box::new(lower)), Box::leak(Box::new(upper)), memory)
}

fn leak(tree: Result<Tree, Error>) -> &'static Tree {
    Box::leak(Box::new(tree.expect("a difference")))
}

fn layout(place: &Path, name: &str, images: &[Image], compression: Compression, memory: &Memory) -> Digest {
    let options = Options { created: TIME, compression };
    let mut sink = Folder { root: place.join(name), file: None };
    write_layout(images, &[], Some("v1"), &options, memory, &mut sink).expect("it can be written")
}

fn read(place: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(place.join(name)).expect("it is there")).expect("it is JSON")
}

/// What a descriptor leads to, held to its digest and size.
fn blob(place: &Path, descriptor: &Value) -> Vec<u8> {
    let hex = descriptor["digest"].as_str().expect("a digest").strip_prefix("sha256:").expect("of this kind");
    let bytes = fs::read(place.join("blobs/sha256").join(hex)).expect("it is there");
    assert_eq!((Digest::of(&bytes).hex(), bytes.len() as u64), (hex.to_owned(), descriptor["size"].as_u64().unwrap()));
    bytes
}

fn blob_json(place: &Path, descriptor: &Value) -> Value {
    serde_json::from_slice(&blob(place, descriptor)).expect("it is JSON")
}

#[test]
fn layers_on_each_other_are_the_upper_tree() {
    if !may_extract("the extraction of container images") {
        return;
    }
    let (lower, upper, memory) = trees();
    for (whiteouts, compression) in [
        (Whiteouts::Explicit, Compression::Gzip(6)),
        (Whiteouts::Opaque, Compression::Gzip(1)),
        (Whiteouts::Explicit, Compression::None),
    ] {
        let place = tempfile::tempdir().expect("a temporary folder can be made");
        let image = image(&[lower, leak(difference(lower, upper, whiteouts))]);
        layout(place.path(), "layout", &[image], compression, &memory);
        if tool(place.path(), "umoci", &["unpack", "--image", "layout:v1", "bundle"], None).is_some() {
            same(&seen(&place.path().join("bundle/rootfs")), &expected(upper));
        }
    }
}

#[test]
fn layers_of_one_tree_are_the_tree() {
    if !may_extract("the extraction of container images") {
        return;
    }
    let (tree, memory) = sample(100);
    let globs = ["bin/**", "dev", "usr/share/**", "many/*-7"].map(str::to_owned);
    let parts = split(&tree, &globs).expect("it can be split");
    assert_eq!(parts.len(), 5);
    let parts: Vec<&'static Tree> = parts.into_iter().map(|part| leak(Ok(part))).collect();
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    layout(place.path(), "layout", &[image(&parts)], Compression::Gzip(1), &memory);
    if tool(place.path(), "umoci", &["unpack", "--image", "layout:v1", "bundle"], None).is_some() {
        same(&seen(&place.path().join("bundle/rootfs")), &expected(&tree));
    }
    let options = Options { created: TIME, compression: Compression::None };
    let mut sink = TarSink::new(Cursor::new(Vec::new()), TIME);
    write_layout(&[image(&parts)], &[], None, &options, &memory, &mut sink).expect("it fits");
    let bytes = sink.finish().expect("memory does not fail").into_inner();
    let golden = "19e6240737dedc1052c6d7b4232c72bc0477917c0c0023b896c4d0e9255acebc/263680";
    assert_eq!(Digest::of(&bytes).to_string(), golden);
}

#[test]
fn a_difference_is_no_more_than_it_must_be() {
    let (lower, upper, _) = trees();
    let names = |whiteouts| -> Vec<String> {
        let tree = difference(lower, upper, whiteouts).expect("a difference");
        tree.names().map(|(path, ..)| String::from_utf8_lossy(&path).into_owned()).collect()
    };
    let opaque = names(Whiteouts::Opaque);
    let expected = [
        "bin",
        "bin/busybox",
        "bin/sh",
        "dev",
        "dev/pipe",
        "dev/pipe/in",
        "etc",
        "etc/.wh.empty",
        "etc/full",
        "home",
        "many",
        "many/.wh..wh..opq",
        "many/other",
        "usr",
        "usr/.wh.again",
        "usr/share",
        "usr/share/a",
        "usr/share/a/b",
    ];
    assert_eq!(opaque, expected);
    let explicit = names(Whiteouts::Explicit);
    assert_eq!(explicit.len(), expected.len() - 1 + 200);
    assert!(explicit.contains(&"many/.wh.a-name-that-is-not-short-7".to_owned()));
    let nothing = difference(upper, upper, Whiteouts::Explicit).expect("a difference");
    assert_eq!(nothing.inodes.len(), 1, "only the root");
}

#[test]
fn names_that_would_hide_others_are_errors() {
    let tree = |name: &[u8]| {
        let mut builder = Builder::default();
        builder.folder(b"", meta(0o755)).expect("it is new");
        builder.add_other(name, meta(0o644), Kind::Fifo).expect("it is new");
        builder.finish().expect("a whole tree")
    };
    let (hiding, plain) = (tree(b".wh.x"), tree(b"x"));
    let is_refused =
        |result: Result<(), Error>| matches!(result, Err(Error::Entry { problem: Problem::Unsupported { .. }, .. }));
    assert!(is_refused(difference(&plain, &hiding, Whiteouts::Explicit).map(drop)));
    let layers = vec![Layer { tree: &hiding, comment: String::new() }];
    let image = Image { platform: platform("amd64", ""), layers, ..Image::default() };
    let mut sink = TarSink::new(Cursor::new(Vec::new()), 0);
    assert!(is_refused(write_docker(&image, &[], &Options::default(), &Memory::default(), &mut sink).map(drop)));
    let long = difference(&tree(&[b'x'; 252]), &plain, Whiteouts::Explicit);
    assert!(matches!(long, Err(Error::Entry { problem: Problem::TooLarge { value: 252, .. }, .. })), "{long:?}");
}

#[test]
fn the_layout_holds_together() {
    let (lower, upper, memory) = trees();
    let images = [
        image(&[lower, leak(difference(lower, upper, Whiteouts::Explicit))]),
        Image { platform: platform("arm64", "v8"), ..image(&[lower]) },
    ];
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let place = place.path();
    let sbom = Referrer {
        subject: Subject::Image(1),
        artifact_type: "application/spdx+json".into(),
        media_type: "application/spdx+json".into(),
        bytes: b"{\"spdxVersion\":\"SPDX-2.3\"}",
        annotations: [("org.opencontainers.image.created".to_owned(), "2023-11-14T22:13:20Z".to_owned())].into(),
    };
    let whole = Referrer { subject: Subject::Whole, bytes: b"{}", ..sbom.clone() };
    let options = Options { created: TIME, compression: Compression::Zstd(3) };
    let mut sink = Folder { root: place.to_owned(), file: None };
    let digest = write_layout(&images, &[sbom, whole], Some("registry/name:v1"), &options, &memory, &mut sink)
        .expect("it can be written");

    assert_eq!(read(place, "oci-layout"), json!({"imageLayoutVersion": "1.0.0"}));
    let index = read(place, "index.json");
    let [top, of_image, of_whole] = index["manifests"].as_array().expect("a list").as_slice() else {
        panic!("{index}");
    };
    assert_eq!(top["digest"], format!("sha256:{}", digest.hex()));
    assert_eq!(top["annotations"]["org.opencontainers.image.ref.name"], "registry/name:v1");
    assert_eq!(top["mediaType"], "application/vnd.oci.image.index.v1+json");
    let top = blob_json(place, top);
    let platforms: Vec<_> = top["manifests"].as_array().expect("a list").iter().map(|one| &one["platform"]).collect();
    let arm = json!({"architecture": "arm64", "os": "linux", "variant": "v8"});
    assert_eq!(platforms, [&json!({"architecture": "amd64", "os": "linux"}), &arm]);

    let manifest = blob_json(place, &top["manifests"][0]);
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["annotations"], json!({"org.opencontainers.image.version": "1"}));
    let config = blob_json(place, &manifest["config"]);
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
    assert_eq!(config["config"]["ExposedPorts"], json!({"53/udp": {}, "80/tcp": {}}));
    assert_eq!(config["config"]["Env"], json!(["PATH=/bin:/usr/bin"]));
    assert_eq!(config["history"][1]["comment"], "layer 2");
    for (layer, id) in manifest["layers"].as_array().expect("a list").iter().zip(0..) {
        assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
        let plain = zstd::decode_all(blob(place, layer).as_slice()).expect("it is zstd");
        assert_eq!(config["rootfs"]["diff_ids"][id], format!("sha256:{}", Digest::of(&plain).hex()));
    }
    let other = blob_json(place, &top["manifests"][1]);
    assert_eq!(other["layers"][0], manifest["layers"][0], "one blob for both");

    for (listed, subject) in [(of_image, &top["manifests"][1]), (of_whole, &index["manifests"][0])] {
        assert_eq!(listed["artifactType"], "application/spdx+json");
        let manifest = blob_json(place, listed);
        assert_eq!(manifest["subject"]["digest"], subject["digest"]);
        assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.empty.v1+json");
        assert_eq!(blob(place, &manifest["config"]), b"{}");
        blob(place, &manifest["layers"][0]);
    }
    let bytes = fs::read(place.join("index.json")).expect("it is there");
    assert_eq!(bytes, json::canonical(&index), "sorted, without white space");
}

#[test]
fn skopeo_takes_layouts_and_archives() {
    let (lower, upper, memory) = trees();
    let image = image(&[lower, leak(difference(lower, upper, Whiteouts::Explicit))]);
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let place = place.path();
    let options = Options { created: TIME, compression: Compression::Gzip(9) };
    let mut sink = TarSink::new(Cursor::new(Vec::new()), TIME);
    let digest = write_layout(std::slice::from_ref(&image), &[], Some("v1"), &options, &memory, &mut sink);
    let digest = digest.expect("it can be written");
    fs::write(place.join("oci.tar"), sink.finish().expect("memory does not fail").into_inner()).expect("it fits");
    let mut sink = TarSink::new(Cursor::new(Vec::new()), TIME);
    let names = ["registry/name:v1"];
    write_docker(&image, &names, &options, &memory, &mut sink).expect("it can be written");
    fs::write(place.join("docker.tar"), sink.finish().expect("memory does not fail").into_inner()).expect("it fits");

    let inspect = |of: &str| {
        let said = tool(place, "skopeo", &["--insecure-policy", "inspect", of], None)?;
        Some(serde_json::from_str::<Value>(&said).expect("it says JSON"))
    };
    let Some(oci) = inspect("oci-archive:oci.tar:v1") else { return };
    assert_eq!(oci["Digest"], format!("sha256:{}", digest.hex()));
    let docker = inspect("docker-archive:docker.tar:registry/name:v1").expect("skopeo is here");
    for said in [&oci, &docker] {
        assert_eq!((&said["Architecture"], &said["Os"]), (&json!("amd64"), &json!("linux")));
        assert_eq!(said["Env"], json!(["PATH=/bin:/usr/bin"]));
        assert_eq!(said["Created"], "2023-11-14T22:13:20Z");
        assert_eq!(said["Layers"].as_array().map(Vec::len), Some(2));
    }
    for from in ["oci-archive:oci.tar:v1", "docker-archive:docker.tar"] {
        let to = format!("oci:{}:v1", &from[..3]);
        tool(place, "skopeo", &["--insecure-policy", "copy", "--quiet", from, &to], None).expect("skopeo is here");
        if may_extract("the extraction of container images")
            && tool(place, "umoci", &["unpack", "--image", &to[4..], "bundle"], None).is_some()
        {
            same(&seen(&place.join("bundle/rootfs")), &expected(upper));
            fs::remove_dir_all(place.join("bundle")).expect("it is there");
        }
    }
}

#[test]
fn golden() {
    let (lower, upper, memory) = trees();
    let image = image(&[lower, leak(difference(lower, upper, Whiteouts::Opaque))]);
    let options = Options { created: TIME, compression: Compression::None };
    let archives = || {
        let mut sink = TarSink::new(Cursor::new(Vec::new()), TIME);
        write_layout(std::slice::from_ref(&image), &[], Some("v1"), &options, &memory, &mut sink).expect("it fits");
        let layout = sink.finish().expect("memory does not fail").into_inner();
        let mut sink = TarSink::new(Cursor::new(Vec::new()), TIME);
        write_docker(&image, &["a:b"], &options, &memory, &mut sink).expect("it fits");
        [layout, sink.finish().expect("memory does not fail").into_inner()].map(|bytes| Digest::of(&bytes).to_string())
    };
    assert_eq!(archives(), archives());
    let golden = [
        "29e04bd818c94ee924e9ce603ca0102bbaa29d9455586e189ee717f1328d7d71/281088",
        "ae45cef6f1dac9f1e4c52a407b77b476bc97fbdb75b46d8c97bb6ee99f432ac6/278528",
    ];
    assert_eq!(archives(), golden);
}

#[test]
fn what_is_not_possible_is_an_error() {
    let (tree, memory) = builder(100);
    let tree: &'static Tree = leak(tree.finish());
    let written = |images: &[Image], name: &str, compression| {
        let mut sink = TarSink::new(Cursor::new(Vec::new()), TIME);
        let options = Options { created: 0, compression };
        match write_layout(images, &[], Some(name), &options, &memory, &mut sink) {
            Ok(_) => "",
            Err(Error::Option { option, .. }) => option,
            Err(other) => panic!("{other}"),
        }
    };
    let good = || image(&[tree]);
    for name in ["v1", "a/b:c", "a--b", "x@sha256"] {
        assert_eq!(written(&[good()], name, Compression::None), "", "{name}");
    }
    for name in ["", "-a", "a//b", "a..b", "a b", "a---b", "a/"] {
        assert_eq!(written(&[good()], name, Compression::None), "name", "{name}");
    }
    assert_eq!(written(&[], "a", Compression::None), "images");
    assert_eq!(written(&[good(), good()], "a", Compression::None), "images");
    assert_eq!(written(&[good()], "a", Compression::Xz(6)), "compression");
    assert_eq!(written(&[image(&[])], "a", Compression::None), "layers");
    let mut other = good();
    other.config.exposed_ports.insert("80/http".to_owned());
    assert_eq!(written(&[other], "a", Compression::None), "exposed ports");
    let mut other = good();
    other.config.env.insert("A=B".to_owned(), String::new());
    assert_eq!(written(&[other], "a", Compression::None), "env");
    assert_eq!(written(&[Image { platform: Platform::default(), ..good() }], "a", Compression::None), "platform");
    for name in ["name", "Name:1", "name:", ":1", "name:-"] {
        let mut sink = TarSink::new(Cursor::new(Vec::new()), 0);
        let wrong = write_docker(&good(), &[name], &Options::default(), &memory, &mut sink);
        assert!(matches!(wrong, Err(Error::Option { option: "name", .. })), "{name}");
    }
}

#[test]
fn times_are_those_of_the_calendar() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_799, "2000-02-29T23:59:59Z"),
        (1_709_251_200, "2024-03-01T00:00:00Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (u32::MAX, "2106-02-07T06:28:15Z"),
    ] {
        assert_eq!(json::time(seconds), text);
    }
}
