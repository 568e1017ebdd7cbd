//! Stages that compose a root file system.

use super::Project;
use crate::stage::{COMPOSER, Deliver, InputRef, RootDef, RootWin};

const GOOD: &str = r#"
schema = 1
summary = "a root"
params = ["arch"]
inputs = ["stage:musl/run", "stage:busybox"]

[root]
components = ["busybox", "musl"]
directories = ["proc", "tmp"]
links = { init = "sbin/init", "etc/mtab" = "../proc/self/mounts" }
templates = { "usr/lib/os-release" = "os-release.{arch}" }
overlays = ["files", "more/{arch}"]
manifests = ["manifest/base"]
component-manifests = { musl = "manifest/musl" }
deliver = "closure"
roots = ["sbin/init", "bin/*"]
keep = ["etc/**"]
may-miss = ["lib/firmware/**"]
nss = ["files", "dns"]
needs = { busybox = ["musl"], musl = [] }
budgets = { busybox = "2MiB" }

[[root.wins]]
path = "bin/**"
component = "busybox"
"#;

fn project(text: &str) -> Project {
    let project = Project::new();
    project.stage("musl", "").stage("busybox", "").stage("kernel", "").write("stages/root/stage.toml", text);
    for file in ["os-release.x86_64", "files/etc/motd", "more/x86_64/etc/issue", "manifest/base", "manifest/musl"] {
        project.write(&format!("stages/root/{file}"), "");
    }
    project
}

#[test]
fn the_definition_is_what_is_run() {
    let project = project(GOOD);
    let graph = project.graph();
    let stage = graph.stage("root").expect("it is there");
    let root = stage.root.as_ref().expect("it states one");
    assert_eq!(root.components, ["busybox", "musl"]);
    assert_eq!(root.overlays, ["files", "more/x86_64"]);
    assert_eq!(root.templates["usr/lib/os-release"], "os-release.x86_64");
    assert_eq!(root.links["init"], "sbin/init");
    assert_eq!(root.wins, [RootWin { path: "bin/**".to_owned(), component: "busybox".to_owned() }]);
    assert_eq!((root.deliver, root.budgets["busybox"]), (Deliver::Closure, 2 << 20));
    assert_eq!(
        stage.outputs.as_deref().map(|names| names.join(" ")).as_deref(),
        Some("manifest pack-log.jsonl report.json root")
    );
    assert_eq!(stage.inputs.iter().filter_map(InputRef::stage).collect::<Vec<_>>(), ["busybox", "musl"]);
    let argv = stage.argv();
    assert_eq!(argv[..2], [COMPOSER, "1"]);
    assert_eq!(&serde_json::from_str::<RootDef>(&argv[2]).expect("it is JSON"), root);
}

#[test]
fn mistakes_in_roots() {
    let wrong = GOOD
        .replace("components = [\"busybox\", \"musl\"]", "components = [\"busybox\", \"zlib\"]")
        .replace("\"stage:busybox\"]", "\"stage:busybox\", \"stage:kernel\"]")
        .replace("\"closure\"", "\"closed\"")
        .replace("\"files\", \"more", "\"/files\", \"moer")
        .replace("roots = [\"sbin/init\", \"bin/*\"]\n", "")
        .replace("\"2MiB\"", "\"2MB\"")
        .replace("os-release.{arch}", "os-release.{libc_}")
        .replace("component = \"busybox\"", "component = \"bash\"")
        .replace("nss =", "nssw =")
        .replace("params", "tools = [\"sysroot:seed\"]\nparams");
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_mistakes_root", project(&wrong).mistakes());
    });
}
