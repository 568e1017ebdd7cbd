//! Stages that state images.

use super::Project;
use crate::image::{Compression, Format, Recipe};
use crate::stage::{InputRef, WRITER};

const GOOD: &str = r#"
schema = 1
summary = "images"
params = ["arch"]
inputs = ["stage:rootfs/base", "stage:kernel"]

[image."root.tar"]
format = "tar"
root = "kernel"

[image."root.squashfs"]
format = "squashfs"
root = "rootfs/root"
table = "rootfs/manifest"
compress = "zstd:19"

[image."disk.img"]
format = "disk"
kernel = "kernel/bzImage"
initramfs = "kernel/init-{arch}"
partitions = ["root.squashfs"]

[image."oci.tar"]
format = "oci"
root = "rootfs/root"
command = ["/bin/sh", "-l"]
labels = { org = "a", "b c" = "{arch}" }
"#;

fn project(text: &str) -> Project {
    let project = Project::new();
    project.stage("rootfs", "").stage("kernel", "").write("stages/image/stage.toml", text);
    project
}

#[test]
fn recipes_are_what_is_run() {
    let project = project(GOOD);
    let graph = project.graph();
    let stage = graph.stage("image").expect("it is there");
    let names = ["disk.img", "oci.tar", "root.squashfs", "root.tar"];
    assert_eq!(stage.images.keys().map(String::as_str).collect::<Vec<_>>(), names);
    assert_eq!(stage.outputs.as_deref().map(<[String]>::len), Some(4));
    assert_eq!(stage.inputs.iter().filter_map(InputRef::stage).collect::<Vec<_>>(), ["kernel", "rootfs"]);
    let squashfs = Recipe {
        root: Some("rootfs/root".to_owned()),
        table: Some("rootfs/manifest".to_owned()),
        compress: Some(Compression::Zstd(19)),
        ..Recipe::new(Format::Squashfs)
    };
    assert_eq!(stage.images["root.squashfs"], squashfs);
    assert_eq!(stage.images["disk.img"].initramfs.as_deref(), Some("kernel/init-x86_64"));
    assert_eq!(stage.images["oci.tar"].labels["b c"], "x86_64");
    let argv = stage.argv();
    assert_eq!(argv[..2], [WRITER, "1"]);
    let told: std::collections::BTreeMap<String, Recipe> = serde_json::from_str(&argv[2]).expect("it is JSON");
    assert_eq!(told, stage.images);
}

#[test]
fn mistakes_in_partitions_and_volumes() {
    let more = r#"
[image.SUMS]
format = "sums"

[image."all.img"]
format = "disk"
kernel = "kernel/bzImage"
initramfs = "kernel/init"
partitions = ["disk.img", "SUMS", "root.squashfs"]

[image."both.img"]
format = "fat"
root = "kernel"
kernel = "kernel/bzImage"

[image."neither.img"]
format = "fat"

[image."init.img"]
format = "fat"
root = "kernel"
initramfs = "kernel/init"

[image."root.sqfs"]
format = "sqashfs"
root = "kernel"
"#;
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_mistakes_partitions", project(&format!("{GOOD}{more}")).mistakes());
    });
}

#[test]
fn mistakes_in_container_images() {
    let more = r#"
[image."layers.tar"]
format = "oci"
root = "kernel"
layers = ["/lib", "b[", "bin"]

[image."both.tar"]
format = "oci"
root = "kernel"
images = ["oci.tar"]

[image."neither.tar"]
format = "oci"

[image."docker.tar"]
format = "docker"
root = "kernel"
annotations = { a = "b" }

[image."all.tar"]
format = "oci"
images = ["oci.tar", "kernel/arm64.tar", "kernle/arm64.tar", "root.tar", "oic.tar", "both.tar"]
user = "0"
"#;
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_mistakes_containers", project(&format!("{GOOD}{more}")).mistakes());
    });
}

#[test]
fn container_images_say_what_they_are_made_of() {
    let more = r#"
layers = ["lib/**", "usr/{arch}/**"]
ports = ["80/tcp"]
volumes = ["/data"]
stop-signal = "SIGINT"
annotations = { "org.opencontainers.image.title" = "{arch}" }

[image."all.tar"]
format = "oci"
images = ["oci.tar", "kernel/{arch}.tar"]
"#;
    let project = project(&format!("{GOOD}{more}"));
    let graph = project.graph();
    let images = &graph.stage("image").expect("it is there").images;
    let oci = &images["oci.tar"];
    assert_eq!(oci.layers, ["lib/**", "usr/x86_64/**"]);
    assert_eq!(oci.annotations["org.opencontainers.image.title"], "x86_64");
    assert_eq!((oci.ports.len(), oci.volumes.len(), oci.stop_signal.as_deref()), (1, 1, Some("SIGINT")));
    assert_eq!(images["all.tar"].images, ["oci.tar", "kernel/x86_64.tar"]);
    // What a recipe does not say is not in the key.
    let plain = serde_json::to_string(&images["root.tar"]).expect("it is JSON");
    assert_eq!(plain, r#"{"format":"tar","root":"kernel"}"#);
}

#[test]
fn mistakes_in_images() {
    let wrong = GOOD
        .replace("root = \"kernel\"", "root = \"kernle\"\nlabel = \"x\"")
        .replace("zstd:19", "zstd:23")
        .replace("kernel = \"kernel/bzImage\"\n", "")
        .replace("[\"root.squashfs\"]", "[\"root.squash\"]")
        .replace("command =", "comand =")
        .replace("params", "tools = [\"sysroot:seed\"]\nparams");
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_mistakes_images", project(&wrong).mistakes());
    });
}
