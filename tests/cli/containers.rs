//! Container images: layers that a recipe states, images of several platforms, and what the specification's schemas say.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use crate::environment::Project;
use crate::image::tool;

const ROOT: &str = r#"
mkdir -p /out/root/bin /out/root/etc /out/root/usr/lib/a
echo hello >/out/root/etc/motd
echo '#!/bin/hi' >/out/root/bin/hi
chmod 755 /out/root/bin/hi
ln -s hi /out/root/bin/ho
echo one >/out/root/usr/lib/one
echo two >/out/root/usr/lib/a/two
"#;

const IMAGES: &str = r#"
schema = 1
summary = "images"
inputs = ["stage:one"]
[image."amd64.tar"]
format = "oci"
root = "one/root"
platform = "linux/amd64"
layers = ["usr/lib/**", "bin"]
command = ["/bin/hi"]
environment = ["A=b"]
directory = "/etc"
user = "0:0"
ports = ["80/tcp"]
volumes = ["/data"]
stop-signal = "SIGINT"
labels = { name = "small" }
annotations = { "org.opencontainers.image.title" = "small" }
label = "localhost/small:1"
compress = "gzip"
[image."arm64.tar"]
format = "oci"
root = "one/root"
platform = "linux/arm64/v8"
label = "localhost/small:1"
compress = "gzip"
[image."docker.tar"]
format = "docker"
root = "one/root"
platform = "linux/amd64"
layers = ["usr/lib/**"]
label = "localhost/small:1"
[image."all.tar"]
format = "oci"
images = ["arm64.tar", "amd64.tar"]
label = "localhost/small:1"
annotations = { "org.opencontainers.image.title" = "small" }
"#;

fn project() -> Project {
    let project = Project::script(ROOT);
    project.write("project/stages/image/stage.toml", IMAGES);
    project.build(&["build", "one", "image", "--plain"]).ends(0);
    std::fs::create_dir(project.path("work")).expect("it is new");
    project
}

/// What `skopeo` says in the folder `work`; none, aloud, where there is no such tool.
fn skopeo(project: &Project, args: &[&str]) -> Option<String> {
    tool(&project.path("work"), "skopeo", &[&["--insecure-policy"], args].concat())
}

/// The files of an image layout in a tar.
fn layout(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let file = std::fs::File::open(path).expect("it is there");
    for entry in tar::Archive::new(file).entries().expect("it is a tar") {
        let mut entry = entry.expect("it is whole");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("it is whole");
        let name = entry.path().expect("it has a name").display().to_string();
        assert!(files.insert(name, bytes).is_none(), "each file once");
    }
    files
}

/// Finds what schemas refer to among those of the image specification.
struct Beside;

impl jsonschema::Retrieve for Beside {
    fn retrieve(&self, uri: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Ok(schema(uri.path().as_str().rsplit('/').next().unwrap_or_default()))
    }
}

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/image-spec").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut schema: Value = serde_json::from_slice(&bytes).expect("it is JSON");
    // They are of draft 4, and name it by `https`, which nothing is known by.
    schema.as_object_mut().expect("an object").remove("$schema");
    schema
}

/// What a schema finds wrong.
fn faults(name: &str, value: &Value) -> Vec<String> {
    let schema = schema(name);
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft4).with_retriever(Beside);
    let validator = options.build(&schema).expect("it is a schema");
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[track_caller]
fn valid(name: &str, bytes: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(bytes).expect("it is JSON");
    assert_eq!(faults(name, &value), Vec::<String>::new(), "{value:#}");
    value
}

fn blob<'f>(files: &'f BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'f [u8] {
    let digest = descriptor["digest"].as_str().expect("a digest");
    &files[&format!("blobs/{}", digest.replace(':', "/"))]
}

/// Holds a layout against the schemas of the specification; gives its manifests and configurations.
fn images(files: &BTreeMap<String, Vec<u8>>) -> Vec<(Value, Value)> {
    valid("image-layout-schema.json", &files["oci-layout"]);
    let mut found = Vec::new();
    let mut indices = vec![valid("image-index-schema.json", &files["index.json"])];
    while let Some(index) = indices.pop() {
        for described in index["manifests"].as_array().expect("a list") {
            assert_eq!(faults("content-descriptor.json", described), Vec::<String>::new());
            let bytes = blob(files, described);
            if described["mediaType"] == "application/vnd.oci.image.index.v1+json" {
                indices.push(valid("image-index-schema.json", bytes));
                continue;
            }
            let manifest = valid("image-manifest-schema.json", bytes);
            let config = valid("config-schema.json", blob(files, &manifest["config"]));
            found.push((manifest, config));
        }
    }
    found
}

#[test]
fn layouts_are_what_the_specification_says() {
    // A check that finds nothing wrong in what is wrong would be none.
    assert!(!faults("image-manifest-schema.json", &json!({"schemaVersion": 2, "layers": []})).is_empty());
    assert!(!faults("image-index-schema.json", &json!({"schemaVersion": 2, "manifests": [{"size": 1}]})).is_empty());
    assert!(!faults("config-schema.json", &json!({"os": "linux", "rootfs": {"type": 1}})).is_empty());
    let project = project();
    for (name, count) in [("amd64.tar", 1), ("arm64.tar", 1), ("all.tar", 2)] {
        let files = layout(&project.path(&format!("project/out/image/{name}")));
        assert_eq!(images(&files).len(), count, "{name}");
    }
    let files = layout(&project.path("project/out/image/amd64.tar"));
    let (manifest, config) = images(&files).remove(0);
    assert_eq!(manifest["annotations"], json!({"org.opencontainers.image.title": "small"}));
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(3));
    let expected = json!({
        "Cmd": ["/bin/hi"], "Env": ["A=b"], "WorkingDir": "/etc", "User": "0:0", "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}}, "StopSignal": "SIGINT", "Labels": {"name": "small"},
    });
    assert_eq!(config["config"], expected);
    let comments: Vec<&Value> =
        config["history"].as_array().expect("a list").iter().map(|step| &step["comment"]).collect();
    assert_eq!(comments, ["amd64.tar: usr/lib/**", "amd64.tar: bin", "amd64.tar"]);
}

/// What lies below a folder: names, and bytes or targets.
fn below(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).expect("it is a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(folder).expect("it is below").display().to_string();
            let what = if path.is_symlink() {
                std::fs::read_link(&path).expect("it is a link").display().to_string()
            } else if path.is_dir() {
                open.push(path.clone());
                "/".to_owned()
            } else {
                std::fs::read_to_string(&path).expect("it is text")
            };
            found.insert(name, what);
        }
    }
    found
}

#[test]
fn layers_on_each_other_are_the_root() {
    let project = project();
    let root = below(&project.path("project/out/one/root"));
    for (kind, name, count) in [("oci", "amd64", 3), ("docker", "docker", 2)] {
        let from = format!("{kind}-archive:{}", project.path(&format!("project/out/image/{name}.tar")).display());
        let Some(said) = skopeo(&project, &["inspect", &from]) else { return };
        let said: Value = serde_json::from_str(&said).expect("it says JSON");
        assert_eq!(said["Layers"].as_array().map(Vec::len), Some(count), "{said}");
        unpacked(&project, &["copy", "--quiet", &from], name, &root);
    }
}

/// What umoci unpacks of what skopeo copies is `root`.
fn unpacked(project: &Project, copy: &[&str], name: &str, root: &BTreeMap<String, String>) {
    skopeo(project, &[copy, &[&format!("oci:{name}:v1")]].concat());
    let (image, bundle) = (format!("{name}:v1"), format!("{name}-bundle"));
    if tool(&project.path("work"), "umoci", &["unpack", "--rootless", "--image", &image, &bundle]).is_some() {
        assert_eq!(&below(&project.path(&format!("work/{bundle}/rootfs"))), root, "{name}");
    }
}

#[test]
fn images_of_several_platforms_are_one() {
    let project = project();
    let image = |name: &str| project.path(&format!("project/out/image/{name}")).display().to_string();
    let (amd, arm, all) = (image("amd64.tar"), image("arm64.tar"), image("all.tar"));
    let join = |images: &[&str]| {
        let args = ["image", "--format", "oci", "--label", "localhost/small:1", "-o", "../work/all.tar"];
        let title = ["--annotation", "org.opencontainers.image.title=small", "--images"];
        project.build(&[&args[..], &title, images].concat()).ends(0);
        std::fs::read(project.path("work/all.tar")).expect("it is there")
    };
    let stated = std::fs::read(&all).expect("it is there");
    assert!(join(&[&amd, &arm]) == stated && join(&[&arm, &amd]) == stated, "the order says nothing");

    let from = format!("oci-archive:{all}:localhost/small:1");
    let Some(said) = skopeo(&project, &["inspect", "--raw", &from]) else { return };
    let index = valid("image-index-schema.json", said.as_bytes());
    let platforms: Vec<&Value> =
        index["manifests"].as_array().expect("a list").iter().map(|image| &image["platform"]).collect();
    let arm_platform = json!({"os": "linux", "architecture": "arm64", "variant": "v8"});
    assert_eq!(platforms, [&json!({"os": "linux", "architecture": "amd64"}), &arm_platform]);
    let root = below(&project.path("project/out/one/root"));
    for (architecture, command) in [("amd64", json!(["/bin/hi"])), ("arm64", Value::Null)] {
        let arch = ["--override-os", "linux", "--override-arch", architecture];
        let said = skopeo(&project, &[&arch[..], &["inspect", "--config", &from]].concat()).expect("skopeo is here");
        let config: Value = serde_json::from_str(&said).expect("it says JSON");
        assert_eq!((&config["architecture"], &config["config"]["Cmd"]), (&json!(architecture), &command));
        unpacked(&project, &[&arch[..], &["copy", "--quiet", &from]].concat(), architecture, &root);
    }
    // As skopeo packs them, in folders and in its own tars, they are the same images.
    skopeo(&project, &["copy", "--quiet", "oci:arm64:v1", "oci-archive:arm.tar:other"]);
    assert!(join(&["../work/amd64", "../work/arm.tar"]) == stated, "how they were packed says nothing");

    // What is damaged is not taken.
    let layer = index_layer(&project, "work/amd64");
    let bytes = std::fs::read(&layer).expect("it is there");
    let mut other = bytes.clone();
    other[20] ^= 1;
    for (bytes, words) in [(&other, "has other bytes than its name says"), (&bytes[1..].to_vec(), "are stated")] {
        std::fs::write(&layer, bytes).expect("it can be written");
        let args = ["image", "--format", "oci", "-o", "bad.tar", "--images", "../work/amd64"];
        let said = project.build(&args).ends(2);
        assert!(
            said.err.contains("image layout `../work/amd64`: `blobs/sha256/") && said.err.contains(words),
            "{}",
            said.all()
        );
        assert!(!project.path("project/bad.tar").exists() && !project.path("project/.bad.tar.repro-partial").exists());
    }
}

/// The file of a layout's first layer.
fn index_layer(project: &Project, layout: &str) -> std::path::PathBuf {
    let read = |name: &str| {
        let bytes = std::fs::read(project.path(&format!("{layout}/{name}"))).expect("it is there");
        serde_json::from_slice::<Value>(&bytes).expect("it is JSON")
    };
    let name =
        |descriptor: &Value| format!("blobs/{}", descriptor["digest"].as_str().expect("a digest").replace(':', "/"));
    let manifest = read(&name(&read("index.json")["manifests"][0]));
    project.path(&format!("{layout}/{}", name(&manifest["layers"][0])))
}

#[test]
fn images_that_do_not_fit_are_told() {
    let project = project();
    let (amd, out) = ("out/image/amd64.tar", ["-o", "x"]);
    for (args, words) in [
        (&["--format", "oci", "--images", amd, amd][..], "both for linux/amd64"),
        (&["--format", "oci", "--images", "out/image/all.tar"], "it is an index of several platforms already"),
        (&["--format", "oci", "--images", "out/image/docker.tar"], "there is no file `oci-layout`"),
        (&["--format", "oci", "--images", "stages"], "image layout `stages`: there is no file `oci-layout`"),
        (&["--format", "oci", "--images", "stages/image/stage.toml"], "`stages/image/stage.toml`"),
        (&["--format", "oci", "--images", "none"], "cannot open `none`"),
        (&["--format", "docker", "--images", amd], "`docker` needs `root`"),
        (&["--format", "oci", "--images", amd, "--user", "1"], "`user` means nothing beside `images`"),
        (&["one", "--format", "oci", "--images", amd], "cannot be used with"),
        (&["one", "--format", "oci", "--platform", "a/b", "--layer", "opt/**"], "layer `opt/**`: it matches nothing"),
        (
            &["one", "--format", "oci", "--platform", "a/b", "--layer", "root", "--layer", "root/bin"],
            "layer `root/bin`: all that it matches is in lower layers",
        ),
        (&["one", "--format", "tar", "--layer", "bin"], "`layers` means nothing for `tar`"),
        (&["one", "--format", "docker", "--annotation", "a=b"], "`annotations` means nothing for `docker`"),
        (&["one", "--format", "oci", "--platform", "a/b", "--port", "x"], "option `exposed ports`: a port is a number"),
    ] {
        let said = project.build(&[&["image"], args, &out].concat()).ends(2);
        assert!(said.err.contains(words), "{words}: {}", said.all());
        assert!(!project.path("project/x").exists());
    }
}
