//! Stages that compose a root file system.

use crate::environment::Project;

/// A component: a program, a link to it, and what a development kit has.
const COMPONENT: &str = r#"
mkdir -p /out/run/bin /out/run/usr/include
echo '#!/bin/hi' >/out/run/bin/hi
chmod 755 /out/run/bin/hi
ln -s hi /out/run/bin/ho
echo '#define X' >/out/run/usr/include/x.h
"#;

const ROOT: &str = r#"
schema = 1
summary = "a root"
params = ["arch"]
inputs = ["stage:one/run"]

[root]
components = ["one"]
directories = ["proc"]
links = { "etc/mtab" = "../proc/self/mounts" }
templates = { "etc/issue" = "issue.in" }
overlays = ["files"]
manifests = ["manifest"]
"#;

const MANIFEST: &str = "\
/ dir 0755 root root
/** dir 0755 root root
/** link 0777 root root
/usr/include omit
/bin/* file 0755 root root
/{etc,usr}/** file 0644 root root
/etc/shadow file 0600 root 7
";

const IMAGE: &str = r#"
schema = 1
summary = "an image of it"
inputs = ["stage:root"]
[image."root.tar"]
format = "tar"
root = "root/root"
table = "root/manifest"
"#;

fn project() -> Project {
    let project = Project::script(COMPONENT);
    for (path, text) in [
        ("root/stage.toml", ROOT),
        ("root/manifest", MANIFEST),
        ("root/issue.in", "{arch} {stamp}\n"),
        ("root/files/etc/passwd", "root:x:0:0::/:/bin/hi\n"),
        ("root/files/etc/group", "root:x:0:\n"),
        ("root/files/etc/shadow", "root:*\n"),
        ("root/files/bin/hi", "#!/bin/ho\n"),
        ("image/stage.toml", IMAGE),
    ] {
        project.write(&format!("project/stages/{path}"), text);
    }
    let program = project.path("project/stages/root/files/bin/hi");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(program, executable).expect("it is there");
    project
}

#[test]
fn a_stage_composes_a_root() {
    let project = project();
    project.build(&["build", "root", "image", "--plain"]).ends(0);
    let log = project.build(&["log", "root"]).ends(0);
    for line in
        ["shadowed: /bin/hi of one by that of overlay files", "not delivered: /usr/include of one: manifest:4 omits it"]
    {
        assert!(log.out.contains(line), "{line}: {}", log.all());
    }
    let read = |name: &str| project.read(&format!("project/out/{name}"));
    assert!(!project.path("project/out/root/root/usr/include").exists());
    let report: serde_json::Value = serde_json::from_str(&read("root/report.json")).expect("it is JSON");
    let stamp = &report["inputs"].as_str().expect("it has one")[..12];
    assert_eq!(read("root/root/etc/issue"), format!("x86_64 {stamp}\n"));
    assert_eq!(report["shadowed"][0]["hidden_source"], "/in/one/bin/hi");
    let manifest = read("root/root/usr/share/repro/manifest");
    assert!(manifest.contains(&format!("\n# merkle-root {}\n", report["merkle_root"].as_str().expect("it has one"))));
    assert!(manifest.contains("\nf 0600 0 7 "), "{manifest}");
    assert!(read("root/pack-log.jsonl").contains(r#""stage":"one","source":"/in/one/bin/ho","line":"manifest:3""#));
    // Nothing to do, and the same once more.
    let again = project.build(&["build", "image", "--json"]).ends(0);
    assert!(again.out.contains("\"built\":0,\"cached\":3"), "{}", again.all());
    project.build(&["verify", "--rebuild", "root", "--vary", "umask,time,jobs,order,owner,file-system"]).ends(0);
    // What made a file, and of what.
    let why = project.build(&["why", "root:/root/bin/hi"]).ends(0);
    assert!(why.out.contains("is a copy of `files/bin/hi` of stage"), "{}", why.all());
    let why = project.build(&["why", "root:/root/usr/share/repro/manifest"]).ends(0);
    assert!(why.out.contains("repro-root"), "{}", why.all());
    // There is no sandbox to be shown.
    let plan = project.build(&["plan", "root"]).ends(2);
    assert!(plan.err.contains("it has none, `repro` itself writes its output"), "{}", plan.all());
}

#[test]
fn what_does_not_fit_is_the_stages_fault() {
    let project = project();
    project.write("project/stages/root/manifest", format!("{MANIFEST}/etc/none file 0644 root root\n"));
    project.write("project/stages/root/files/etc/dangling", "x");
    std::fs::remove_file(project.path("project/stages/root/files/etc/group")).expect("it is there");
    let said = project.build(&["build", "root", "--plain"]).ends(3);
    for words in ["compose the root of stage `root`", "manifest:1: `root` is not in the image's group, and no number"] {
        assert!(said.err.contains(words), "{words}: {}", said.all());
    }
    project.write("project/stages/root/files/etc/group", "root:x:0:\n");
    let said = project.build(&["build", "root", "--plain"]).ends(3);
    assert!(said.err.contains("manifest:8: `/etc/none` decides no file"), "{}", said.all());
    project.write("project/stages/root/stage.toml", ROOT.replace("\"files\"", "\"file\""));
    let said = project.build(&["build", "root", "--plain"]).ends(2);
    assert!(said.err.contains("`file` of `overlays` is not in the stage's folder"), "{}", said.all());
}

#[test]
fn what_a_root_needs() {
    let project = project();
    project.build(&["build", "one", "--plain"]).ends(0);
    let said = project.build(&["closure", "one/run"]).ends(0);
    for words in ["1 path needed", "superfluous", "/usr/include/x.h", "/bin/ho"] {
        assert!(said.out.contains(words), "{words}: {}", said.all());
    }
    let said = project.build(&["closure", "one/run", "--roots", "bin/none"]).ends(1);
    assert!(said.out.contains("root `bin/none`"), "{}", said.all());
    let said = project.build(&["closure", "one/run", "--roots", "/bin/ho", "--json"]).ends(0);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("it is JSON");
    assert_eq!(report["needed"][0]["path"], "/bin/hi");
    assert_eq!(report["needed"][1]["needs"][0]["why"], "root `bin/ho`");
    // A folder of the host says the same.
    let folder = project.path("project/out/one/run").display().to_string();
    let same = project.build(&["closure", &folder, "--roots", "bin/ho", "--json"]).ends(0);
    let same: serde_json::Value = serde_json::from_str(&same.out).expect("it is JSON");
    for key in ["needed", "missing", "superfluous"] {
        assert_eq!(report[key], same[key], "{key}");
    }
    let said = project.build(&["closure", "one/none"]).ends(2);
    assert!(said.err.contains("its output has no directory `none`"), "{}", said.all());
}
