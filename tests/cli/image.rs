//! Images: stages that state them, and `repro image`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::environment::{Project, Said};

/// A root file system with its table, and a kernel that is none.
const ROOT: &str = r#"
mkdir -p /out/root/bin /out/root/etc
echo hello >/out/root/etc/motd
echo '#!/bin/hi' >/out/root/bin/hi
chmod 755 /out/root/bin/hi
ln -s hi /out/root/bin/ho
line() { echo "$1 $2 $3 $(sha256sum <"/out/root$4" | cut -d ' ' -f 1) $(stat -c %s "/out/root$4") $4"; }
{
    echo 'd 0755 0 0 - - /'
    echo 'd 0755 0 0 - - /bin'
    line f 0755 '0 0' /bin/hi
    echo 'l 0777 0 0 - hi /bin/ho'
    echo 'c 0600 0 5 - 5:1 /bin/console'
    echo 'd 0750 1 2 - - /etc'
    line f 0640 '1 2' /etc/motd
} >/out/manifest
"#;

const IMAGES: &str = r#"
schema = 1
summary = "images"
inputs = ["stage:one"]
[image."root.tar"]
format = "tar"
root = "one/root"
table = "one/manifest"
[image."root.cpio.gz"]
format = "cpio"
root = "one/root"
table = "one/manifest"
compress = "gzip"
[image."root.squashfs"]
format = "squashfs"
root = "one/root"
table = "one/manifest"
[image."root.erofs"]
format = "erofs"
root = "one/root"
table = "one/manifest"
[image."root.ext4"]
format = "ext4"
root = "one/root"
table = "one/manifest"
label = "root"
[image."oci.tar"]
format = "oci"
root = "one/root"
table = "one/manifest"
platform = "linux/amd64"
command = ["/bin/hi"]
[image.motd]
format = "file"
file = "one/root/etc/motd"
[image.SHA256SUMS]
format = "sums"
"#;

pub fn project() -> Project {
    let project = Project::script(ROOT);
    project.write("project/stages/image/stage.toml", IMAGES);
    project
}

/// What a host's tool says in a folder; none, aloud, where there is no such tool.
pub fn tool(folder: &Path, program: &str, args: &[&str]) -> Option<String> {
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let mut command = Command::new(program);
    command.args(args).env("PATH", path).env("LC_ALL", "C").env("TZ", "UTC").current_dir(folder);
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert!(output.status.success(), "{program}: {}{}", text(&output.stdout), text(&output.stderr));
            Some(text(&output.stdout))
        }
        Err(error) => {
            let must = std::env::var_os("REPRO_TEST_NO_SKIP").is_some();
            assert!(!must, "{program}: {error}");
            eprintln!("SKIPPED: what {program} says of the images: {error}");
            None
        }
    }
}

fn result(said: &Said, stage: &str) -> String {
    let mut events = said.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON line"));
    let event = events.find(|line| line["event"]["kind"] == "stage_finished" && line["event"]["stage"] == stage);
    event.map_or_else(String::new, |event| event["event"]["result"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_stage_states_images() {
    let project = project();
    project.build(&["build", "image", "--plain"]).ends(0);
    let images = project.path("project/out/image");
    tool(&images, "sha256sum", &["-c", "SHA256SUMS"]);
    if let Some(list) = tool(&images, "tar", &["--numeric-owner", "-tvf", "root.tar"]) {
        for line in ["-rw-r----- 1/2", "crw------- 0/5", "drwxr-x--- 1/2", "./", "bin/ho -> hi"] {
            assert!(list.contains(line), "{line}: {list}");
        }
    }
    tool(&images, "e2fsck", &["-fn", "root.ext4"]);
    tool(&images, "fsck.erofs", &["root.erofs"]);
    if let Some(list) = tool(&images, "unsquashfs", &["-lln", "root.squashfs"]) {
        assert!(list.contains("-rw-r----- 1/2"), "{list}");
    }
    // Nothing to do, and the same once more.
    let again = project.build(&["build", "image", "--json"]).ends(0);
    assert!(again.out.contains("\"built\":0,\"cached\":2"), "{}", again.all());
    project.build(&["verify", "--rebuild", "image", "--vary", "umask,time,jobs,order,owner,file-system"]).ends(0);
    // What made a file, and of what.
    let why = project.build(&["why", "image:/motd"]).ends(0);
    assert!(why.out.contains("repro-image"), "{}", why.all());
    let trace = project.build(&["trace", "image"]).ends(0);
    assert!(trace.out.contains("repro-image"), "{}", trace.all());
    // There is no sandbox to be shown.
    let plan = project.build(&["plan", "image"]).ends(2);
    assert!(plan.err.contains("it has none, `repro` itself writes its output"), "{}", plan.all());
    // The same bytes by hand.
    project.build(&["image", "one", "--format", "tar", "-o", "by-hand.tar"]).ends(0);
    let [by_hand, stated] = ["project/by-hand.tar", "project/out/image/root.tar"]
        .map(|name| std::fs::read(project.path(name)).expect("it is there"));
    assert!(by_hand == stated);
    // Another recipe is another action.
    project.write("project/stages/image/stage.toml", IMAGES.replace("label = \"root\"", "label = \"other\""));
    let again = project.build(&["build", "image", "--json"]).ends(0);
    assert_eq!(result(&again, "image"), "built", "{}", again.all());
}

#[test]
fn a_table_that_does_not_fit_is_the_stages_fault() {
    let project = project();
    project.write("project/stages/one/build.sh", format!("{ROOT}\necho more >/out/root/etc/more\n"));
    let said = project.build(&["build", "image", "--plain"]).ends(3);
    for words in ["write the image `oci.tar` of stage `image`", "`/etc/more` is in the tree, but not listed"] {
        assert!(said.err.contains(words), "{words}: {}", said.all());
    }
    let said = project.build(&["image", "one", "--format", "squashfs", "-o", "x"]).ends(2);
    assert!(said.err.contains("`/etc/more` is in the tree, but not listed"), "{}", said.all());
    assert!(!project.path("project/x").exists() && !project.path("project/.x.repro-partial").exists());
}

#[test]
fn options_that_do_not_fit_are_told() {
    let project = project();
    project.build(&["build", "one", "--plain"]).ends(0);
    for (args, words) in [
        (&["--format", "tar", "--size", "1MiB"][..], "`size` means nothing for `tar`"),
        (&["--format", "disk"], "`disk` needs `kernel`"),
        (&["--format", "ext4", "--size", "4KiB"], "at most"),
        (&["--format", "oci"], "cannot write `x`: option `platform`: there is no program"),
        (&["--format", "sums"], "a stage can state them"),
        (&["--format", "fat"], "symbolic"),
        (&["--format", "tar", "--root", "none"], "cannot write `x`: there is no tree `one/none`"),
        (&["--format", "tar", "-o", "none/x"], "cannot open `none`"),
        (&["--format", "tar", "-o", "stages"], "`stages` is a folder"),
    ] {
        let output: &[&str] = if args.contains(&"-o") { &[] } else { &["-o", "x"] };
        let args = [&["image", "one"], output, args].concat();
        let said = project.build(&args).ends(2);
        assert!(said.err.contains(words), "{words}: {}", said.all());
        assert!(!project.path("project/x").exists());
    }
}

#[test]
fn what_is_installed_is_verified() {
    let project = project();
    project.build(&["build", "one", "image", "--plain"]).ends(0);
    let images = project.path("project/out/image");
    let root = project.path("root");
    std::fs::create_dir(&root).expect("it is new");
    // As nobody in particular: owners and devices differ, contents do not.
    let told = tool(
        &images,
        "tar",
        &["--exclude=bin/console", "--no-same-owner", "-xpf", "root.tar", "-C", &root.display().to_string()],
    );
    if told.is_none() {
        return;
    }
    let table = project.path("project/out/one/manifest").display().to_string();
    let said = project.build(&["verify", "--installed", &root.display().to_string()]).ends(2);
    assert!(said.err.contains("--table"), "{}", said.all());
    let args = ["verify", "--installed", &root.display().to_string(), "--table", &table, "--json"];
    let said = project.build(&args).ends(1);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("it is JSON");
    let of = |kind: &str| {
        let all = report["deviations"].as_array().expect("a list").iter();
        all.filter(|found| found["deviation"] == kind)
            .map(|found| found["path"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("absent"), ["/bin/console"]);
    assert_eq!((of("content"), of("mode"), of("unlisted")), (Vec::new(), Vec::new(), Vec::new()));
    std::fs::write(root.join("etc/motd"), "jello\n").expect("it is there");
    let said = project.build(&args).ends(1);
    assert!(said.out.contains("\"deviation\": \"content\""), "{}", said.all());
}
