//! Image layouts made by hand: what is taken, what is refused, and what becomes of several.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{Error, Held, Layout, Packer, attach};
use crate::digest::Digest;
use crate::fs::{Content, Dir};
use crate::image::oci::{CONFIG, INDEX, MANIFEST, Platform, Referrer, Subject, blob_name};
use crate::image::{Format, Recipe};
use crate::store::{Store, TreeBuilder};
use crate::sys::CancelToken;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Files of a layout.
#[derive(Default)]
struct Made {
    files: BTreeMap<String, Vec<u8>>,
    manifests: Vec<Value>,
}

impl Made {
    fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        self.files.insert(blob_name(&digest), bytes.to_vec());
        json!({"mediaType": media_type, "digest": format!("sha256:{}", digest.hex()), "size": digest.size})
    }

    fn json(&mut self, media_type: &str, value: &Value) -> Value {
        self.blob(media_type, value.to_string().as_bytes())
    }

    /// A manifest of this configuration, with one layer and further fields.
    fn manifest(&mut self, config: &Value, more: &Value) -> Value {
        let config = self.json(CONFIG, config);
        let layer = self.blob(LAYER, b"a layer");
        let mut manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
        for (field, value) in more.as_object().into_iter().flatten() {
            manifest[field] = value.clone();
        }
        let described = self.json(MANIFEST, &manifest);
        self.manifests.push(described.clone());
        described
    }

    fn of(architecture: &str, variant: &str) -> Self {
        let mut made = Self::default();
        made.manifest(&json!({"os": "linux", "architecture": architecture, "variant": variant}), &Value::Null);
        made
    }

    fn finish(&mut self) -> &mut Self {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        self.files.entry("index.json".to_owned()).or_insert_with(|| index.to_string().into_bytes());
        let version = json!({"imageLayoutVersion": "1.0.0"});
        self.files.entry("oci-layout".to_owned()).or_insert_with(|| version.to_string().into_bytes());
        self
    }

    fn tar(&self, twice: &[&str]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let again = self.files.iter().filter(|(name, _)| twice.contains(&name.as_str()));
        for (name, bytes) in self.files.iter().chain(again) {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, bytes.as_slice()).expect("memory does not fail");
        }
        tar.into_inner().expect("memory does not fail")
    }

    fn layout(&mut self, name: &str) -> Layout {
        of(name, self.finish().tar(&[]))
    }
}

fn of(name: &str, bytes: Vec<u8>) -> Layout {
    let content = Content::of_bytes(bytes);
    Layout::tar(name, content.clone(), content.reader()).expect("it is a tar")
}

#[track_caller]
fn refused(made: &mut Made, words: &str) {
    let error = made.layout("x.tar").held().expect_err(words);
    assert!(error.to_string().contains(words), "{words}: {error}");
    assert!(error.to_string().starts_with("image layout `x.tar`: ") && error.hint().is_some(), "{error}");
}

#[test]
fn what_is_no_layout_is_refused() {
    let mut made = Made::of("amd64", "");
    made.finish().files.remove("oci-layout");
    let error = of("x.tar", made.tar(&[])).held().expect_err("a file is missing");
    assert_eq!(error.to_string(), "image layout `x.tar`: there is no file `oci-layout`, or two");
    let error =
        of("x.tar", Made::of("amd64", "").finish().tar(&["index.json"])).held().expect_err("a file is there twice");
    assert_eq!(error.to_string(), "image layout `x.tar`: there is no file `index.json`, or two");

    let with = |name: &str, bytes: &[u8]| {
        let mut made = Made::of("amd64", "");
        made.files.insert(name.to_owned(), bytes.to_vec());
        made
    };
    refused(&mut with("oci-layout", br#"{"imageLayoutVersion": "2"}"#), "`imageLayoutVersion` is not 1.0.0");
    refused(&mut with("index.json", b"{"), "`index.json` is no JSON: EOF");
    refused(&mut with("index.json", b"[]"), "`index.json`: `manifests` is not a list");
    refused(&mut with("index.json", &vec![b' '; (4 << 20) + 1]), "`index.json` has 4194305 bytes, at most 4194304");
    refused(&mut Made::default(), "it holds no image");
    let mut nested = Made::default();
    let index = nested.json(INDEX, &json!({"schemaVersion": 2, "manifests": []}));
    nested.manifests.push(index);
    refused(&mut nested, "it is an index of several platforms already");
    let tar = Content::of_bytes(vec![b'x'; 4096]);
    let error = Layout::tar("x.tar", tar.clone(), tar.reader()).expect_err("it is no tar");
    assert!(matches!(error, Error::Tar(_)) && error.to_string().contains("x.tar"), "{error}");
}

#[test]
fn descriptors_are_held_to_what_they_say() {
    for (field, value) in [
        ("digest", json!("sha512:00")),
        ("digest", json!(format!("sha256:{}", "A".repeat(64)))),
        ("digest", json!("sha256:../../../etc/passwd")),
        ("size", json!(-1)),
        ("size", json!("12")),
        ("mediaType", Value::Null),
    ] {
        let mut made = Made::of("amd64", "");
        made.manifests[0][field] = value;
        refused(&mut made, "`index.json`: `manifests` is not a descriptor: a media type, a SHA-256 and a size");
    }
    let mut other = Made::of("amd64", "");
    other.manifests[0]["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json");
    refused(&mut other, "`index.json`: `mediaType` is not application/vnd.oci.image.manifest.v1+json");
    let mut longer = Made::of("amd64", "");
    longer.manifests[0]["size"] = json!(1);
    refused(&mut longer, " bytes, and 1 are stated");
    let mut gone = Made::of("amd64", "");
    gone.files.remove(&blob_name(&Digest::of(b"a layer")));
    refused(&mut gone, "there is no file `blobs/sha256/");
    // Other bytes of the same size.
    let mut made = Made::of("amd64", "");
    let name = format!("blobs/sha256/{}", &made.manifests[0]["digest"].as_str().expect("a digest")[7..]);
    made.files.get_mut(&name).expect("it is there")[0] = b'[';
    refused(&mut made, "has other bytes than its name says");
}

#[test]
fn manifests_are_those_of_images() {
    let config = json!({"os": "linux", "architecture": "amd64"});
    for (more, words) in [
        (json!({"mediaType": INDEX}), "`mediaType` is not application/vnd.oci.image.manifest.v1+json"),
        (json!({"manifests": []}), "`manifests` is not absent in a manifest"),
        (json!({"layers": 1}), "`layers` is not a list"),
        (json!({"config": {"mediaType": CONFIG, "size": 2}}), "`config` is not a descriptor"),
        (json!({"subject": 1}), "`subject` is not a descriptor"),
    ] {
        let mut made = Made::default();
        made.manifest(&config, &more);
        refused(&mut made, words);
    }
    let mut artifact = Made::default();
    let config_of_it = artifact.blob("application/vnd.oci.empty.v1+json", b"{}");
    artifact.manifest(&config, &json!({"config": config_of_it}));
    refused(&mut artifact, "is a manifest of something that is no image");
    let mut orphan = Made::of("amd64", "");
    let subject = json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 7});
    orphan.manifest(&config, &json!({"subject": subject}));
    refused(&mut orphan, "something refers to `blobs/sha256/0000");
    for (config, words) in [
        (json!({"os": "linux"}), "`architecture` is not a word"),
        (json!({"os": "lin\u{1b}ux", "architecture": "amd64"}), "`os` is not a word"),
        (json!({"os": "linux", "architecture": "arm64", "variant": 8}), "`variant` is not a word"),
        (json!({"os": "windows", "architecture": "amd64", "os.version": "10"}), "`os.version` is not absent"),
    ] {
        let mut made = Made::default();
        made.manifest(&config, &Value::Null);
        refused(&mut made, words);
    }
}

#[test]
fn folders_are_layouts_and_lead_nowhere() {
    let place = tempfile::tempdir().expect("a folder");
    let mut made = Made::of("arm64", "v8");
    let lay_out = |made: &Made, at: &Path| {
        for (name, bytes) in &made.files {
            std::fs::create_dir_all(at.join(name).parent().expect("it is in a folder")).expect("it can be made");
            std::fs::write(at.join(name), bytes).expect("it can be written");
        }
    };
    lay_out(made.finish(), &place.path().join("good"));
    let held = |name: &str| Layout::open(&place.path().join(name)).and_then(|layout| layout.held());
    let expected = made.layout("x").held().expect("it can be taken");
    let arm = Platform { os: "linux".to_owned(), architecture: "arm64".to_owned(), variant: "v8".to_owned() };
    assert_eq!(expected.images.iter().map(|(platform, _)| platform).collect::<Vec<_>>(), [&arm]);
    assert_eq!(expected.blobs.len(), 3);
    assert_eq!(held("good").expect("it can be taken"), expected);
    std::fs::write(place.path().join("good.tar"), made.tar(&[])).expect("it can be written");
    assert_eq!(held("good.tar").expect("it can be taken"), expected);
    // Blobs that lie elsewhere are none of the layout's.
    std::fs::create_dir(place.path().join("linked")).expect("it is new");
    for name in ["index.json", "oci-layout"] {
        std::fs::copy(place.path().join("good").join(name), place.path().join("linked").join(name))
            .expect("it is there");
    }
    std::os::unix::fs::symlink("../good/blobs", place.path().join("linked/blobs")).expect("it is new");
    let error = held("linked").expect_err("its blobs lie elsewhere").to_string();
    assert!(error.contains("`blobs/sha256/") && error.contains(" cannot be opened: "), "{error}");
    assert!(matches!(held("none"), Err(Error::Fs(_))));
}

fn joined(layouts: &[Layout], recipe: &Recipe) -> Result<Vec<u8>, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store")).expect("a store can be made");
    std::fs::create_dir(folder.path().join("out")).expect("it is new");
    let out = Dir::open(folder.path().join("out")).expect("it is there");
    let (inputs, cancel) = (BTreeMap::new(), CancelToken::new().expect("a token"));
    let packer = Packer { store: &store, inputs: &inputs, time: 9, folder: &out, threads: 1, cancel: &cancel };
    packer.join("all.tar", recipe, layouts)?;
    Ok(std::fs::read(folder.path().join("out/all.tar")).expect("it was written"))
}

fn recipe() -> Recipe {
    let annotations = [("org.opencontainers.image.title".to_owned(), "all".to_owned())].into();
    Recipe { label: Some("v1".to_owned()), annotations, ..Recipe::new(Format::Oci) }
}

#[test]
fn images_of_several_platforms_become_one_in_any_order() {
    let mut arm = Made::of("arm64", "v8");
    let subject = arm.manifests[0].clone();
    let about = json!({"subject": subject, "artifactType": "application/spdx+json", "annotations": {"a": "b"}});
    arm.manifest(&json!({}), &about);
    // Another name of the same image.
    arm.manifests.push(json!({"annotations": {"org.opencontainers.image.ref.name": "other"}}));
    for field in ["mediaType", "digest", "size"] {
        arm.manifests[2][field] = arm.manifests[0][field].clone();
    }
    let mut amd = Made::of("amd64", "");
    let mut riscv = Made::of("riscv64", "");
    let layouts = [arm.layout("arm.tar"), amd.layout("amd.tar"), riscv.layout("riscv.tar")];
    let bytes = joined(&layouts, &recipe()).expect("it can be written");
    let layouts = [riscv.layout("a"), amd.layout("b"), arm.layout("c")];
    assert!(bytes == joined(&layouts, &recipe()).expect("it can be written"), "neither order nor names say anything");
    let golden = "1d637a58278cec914a0e5a4df593319b984d003632171f54b44ad49d4e74aaa3/14336";
    assert_eq!(Digest::of(&bytes).to_string(), golden);

    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(bytes.as_slice()).entries().expect("it is a tar") {
        let mut entry = entry.expect("it is whole");
        let mut bytes = Vec::new();
        std::io::copy(&mut entry, &mut bytes).expect("it is whole");
        let name = entry.path().expect("it has a name").display().to_string();
        assert!(files.insert(name, bytes).is_none(), "each file once");
    }
    let json = |name: &str| serde_json::from_slice::<Value>(&files[name]).expect("it is JSON");
    let top = json("index.json");
    let [whole, referrer] = top["manifests"].as_array().expect("a list").as_slice() else { panic!("{top}") };
    assert_eq!(whole["annotations"], json!({"org.opencontainers.image.ref.name": "v1"}));
    assert_eq!(
        (&referrer["artifactType"], &referrer["annotations"]),
        (&json!("application/spdx+json"), &json!({"a": "b"}))
    );
    let index = json(&format!("blobs/sha256/{}", &whole["digest"].as_str().expect("a digest")[7..]));
    assert_eq!(index["annotations"], json!({"org.opencontainers.image.title": "all"}));
    let platforms: Vec<&Value> =
        index["manifests"].as_array().expect("a list").iter().map(|image| &image["platform"]["architecture"]).collect();
    assert_eq!(platforms, ["amd64", "arm64", "riscv64"]);
    // 3 manifests with their configurations, the referrer with its own, one layer for all, the index; and two files.
    assert_eq!(files.len(), 3 * 2 + 2 + 1 + 1 + 2);
    let Held { blobs, .. } = arm.layout("arm.tar").held().expect("it can be taken");
    assert!(blobs.iter().all(|blob| files.contains_key(&blob_name(blob))), "what refers to an image is kept");
}

#[test]
fn what_cannot_be_joined_is_told() {
    let say = |layouts: &[Layout], recipe: &Recipe| joined(layouts, recipe).expect_err("it cannot be").to_string();
    let (plain, same) = (Made::of("arm64", "").layout("a.tar"), Made::of("arm64", "v8").layout("b.tar"));
    assert_eq!(say(&[plain, same], &recipe()), "`a.tar` and `b.tar` are both for linux/arm64/v8");
    let mut damaged = Made::of("amd64", "");
    *damaged.files.get_mut(&blob_name(&Digest::of(b"a layer"))).expect("it is there") = b"A layer".to_vec();
    let said = say(&[damaged.layout("a.tar")], &recipe());
    let name = blob_name(&Digest::of(b"a layer"));
    assert_eq!(said, format!("image layout `a.tar`: `{name}` has other bytes than its name says"));
    let unnamed = Recipe { label: Some("a b".to_owned()), ..recipe() };
    assert!(say(&[Made::of("amd64", "").layout("a.tar")], &unnamed).starts_with("option `name`: "));
    let untitled = Recipe { annotations: [(String::new(), String::new())].into(), ..recipe() };
    assert!(say(&[Made::of("amd64", "").layout("a.tar")], &untitled).starts_with("option `annotations`: "));
}

#[test]
fn stages_name_images_of_their_own_and_of_inputs() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store")).expect("a store can be made");
    let mut tree = TreeBuilder::new(&store);
    tree.file("arm.tar", 0o644, &mut Made::of("arm64", "v8").finish().tar(&[]).as_slice()).expect("it is new");
    tree.file("root/etc/motd", 0o644, &mut b"hello\n".as_slice()).expect("it is new");
    let inputs = BTreeMap::from([("base".to_owned(), tree.finish().expect("it can be stored"))]);
    std::fs::create_dir(folder.path().join("out")).expect("it is new");
    let out = Dir::open(folder.path().join("out")).expect("it is there");
    let cancel = CancelToken::new().expect("a token");
    let packer = Packer { store: &store, inputs: &inputs, time: 9, folder: &out, threads: 1, cancel: &cancel };
    let text = |text: &str| Some(text.to_owned());
    let one = Recipe {
        root: text("base/root"),
        platform: text("linux/amd64"),
        layers: vec!["etc".to_owned()],
        ports: vec!["80/tcp".to_owned()],
        volumes: vec!["/data".to_owned()],
        stop_signal: text("SIGINT"),
        annotations: [("a".to_owned(), "b".to_owned())].into(),
        ..Recipe::new(Format::Oci)
    };
    packer.write("amd.tar", &one, &[]).expect("it can be written");
    let all = Recipe { images: vec!["amd.tar".to_owned(), "base/arm.tar".to_owned()], ..Recipe::new(Format::Oci) };
    assert_eq!(all.parts().collect::<Vec<_>>(), ["amd.tar"]);
    let written = packer.write("all.tar", &all, &[]).expect("it can be written");
    assert_eq!(written.read, [b"/out/amd.tar".to_vec(), b"/in/base/arm.tar".to_vec()]);
    for (images, words) in
        [(["amd.tar", "amd.tar"], "`amd.tar` and `amd.tar` are both for linux/amd64"), (["base/no.tar", ""], "no file")]
    {
        let wrong = Recipe { images: images.map(str::to_owned).to_vec(), ..Recipe::new(Format::Oci) };
        let error = packer.write("wrong.tar", &wrong, &[]).expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
        std::fs::remove_file(folder.path().join("out/wrong.tar")).expect("it was begun");
    }
    let wrong = Recipe { layers: vec!["opt/**".to_owned()], ..one };
    let error = packer.write("wrong.tar", &wrong, &[]).expect_err("nothing is there").to_string();
    assert_eq!(error, "layer `opt/**`: it matches nothing");
}

#[test]
fn statements_that_were_attached_stay() {
    let place = tempfile::tempdir().expect("a folder");
    let (tar, folder) = (place.path().join("arm.tar"), place.path().join("arm"));
    std::fs::write(&tar, Made::of("arm64", "v8").finish().tar(&[])).expect("it can be written");
    let plain = Layout::open(&tar).and_then(|layout| layout.held()).expect("it can be taken");
    let referrer = |bytes: &'static [u8]| Referrer {
        subject: Subject::Whole,
        artifact_type: "application/spdx+json".to_owned(),
        media_type: "application/spdx+json".to_owned(),
        bytes,
        annotations: BTreeMap::new(),
    };
    attach(&tar, &[referrer(b"{}"), referrer(b"[]")]).expect("it can be attached");
    let layout = Layout::open(&tar).expect("it is a tar");
    let held = layout.held().expect("it can be taken");
    assert_eq!((&held.images, held.referrers.len(), held.lists.len()), (&plain.images, 2, 1));
    let bytes = joined(&[Made::of("amd64", "").layout("amd.tar"), layout], &recipe()).expect("it can be written");
    std::fs::write(place.path().join("all.tar"), &bytes).expect("it can be written");
    let mut archive = tar::Archive::new(bytes.as_slice());
    archive.unpack(&folder).expect("it is a tar");
    assert!(held.blobs.iter().all(|blob| folder.join(blob_name(blob)).exists()));
    let index = std::fs::read(folder.join("index.json")).expect("it is there");
    let index: Value = serde_json::from_slice(&index).expect("it is JSON");
    let of = |key: &str| {
        let all = index["manifests"].as_array().expect("a list").iter();
        all.map(|one| one[key].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("artifactType"), ["", "application/spdx+json", "application/spdx+json", ""]);
    let tag = format!("sha256-{}", plain.images[0].1.hex());
    assert_eq!(index["manifests"][3]["annotations"], json!({"org.opencontainers.image.ref.name": tag}));
    // A list of something else, or of nothing that is there, is none.
    let mut other = Made::of("amd64", "");
    let image = other.manifests[0].clone();
    let mut list = other.json(INDEX, &json!({"schemaVersion": 2, "manifests": [image]}));
    list["annotations"] = json!({"org.opencontainers.image.ref.name": format!("sha256-{}", "0".repeat(64))});
    other.manifests.push(list);
    refused(&mut other, "something refers to `blobs/sha256/");
    let mut other = Made::of("amd64", "");
    let mut list = other.json(INDEX, &json!({"schemaVersion": 2, "manifests": []}));
    list["annotations"] = json!({"org.opencontainers.image.ref.name": format!("sha256-{}", "0".repeat(64))});
    other.manifests.push(list);
    refused(&mut other, "`org.opencontainers.image.ref.name` is not the digest of an image");
}
