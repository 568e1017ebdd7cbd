//! What people read when a definition is wrong.

use super::Project;

/// Asserts the whole text that a project's mistakes give.
macro_rules! says {
    ($name:literal, $project:expr) => {
        insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(concat!("stage_mistakes_", $name), $project.mistakes());
        });
    };
}

/// A project with one stage `a` that has this text after its head.
fn with(rest: &str) -> Project {
    let project = Project::new();
    project.stage("a", rest).stage("binutils", "outputs = [\"tools\", \"dev\"]");
    project
}

#[test]
fn unknown_keys() {
    says!(
        "unknown_keys",
        with("tolls = []\nzzzzzzzz = 1\n[limits]\nmemroy = \"1GiB\"\n[sources.gcc]\nwriteable = true")
    );
}

#[test]
fn wrong_types() {
    says!(
        "wrong_types",
        with("test = \"true\"\ntarget = \"stage:binutils\"\nscript = 7\nparams = [1]\nenv = []\nwins = {}")
    );
}

#[test]
fn values_of_env_are_strings() {
    says!("env_types", with("[env]\nJOBS = 4\n1X = \"a\"\nMAKEFLAGS = \"-j8\"\nREPRO_ARCH = \"a\""));
}

#[test]
fn limits() {
    says!(
        "limits",
        with(
            "[limits]\ntime = \"60\"\nsilence = \"0s\"\nmemory = \"8GB\"\nscratch = \"lots\"\nprocesses = 0\ninodes = -1"
        )
    );
}

#[test]
fn no_toml() {
    says!("no_toml", with("target = [\"stage:binutils\"\noutputs = [\"\n"));
}

#[test]
fn a_key_twice() {
    says!("key_twice", with("test = true\ntest = false"));
}

#[test]
fn missing_keys() {
    let project = Project::new();
    says!("missing_keys", project.write("stages/a/stage.toml", "\n# nothing\n").write("stages/a/build.sh", ""));
}

#[test]
fn another_schema() {
    let project = Project::new();
    project.write("stages/a/stage.toml", "schema = 2\nsummary = \"s\"\ntools = []\n").write("stages/a/build.sh", "");
    says!("schema", project);
}

#[test]
fn unknown_names() {
    says!(
        "unknown_names",
        with(
            "target = [\"stage:binutlis\", \"sysroot:sed\", \"sysroot:binutils\", \"stage:seed\"]\nparams = [\"arhc\"]\n[sources.gc]\n[sources.linux]"
        )
    );
}

#[test]
fn references_that_are_none() {
    says!(
        "references",
        with("target = [\"binutils\", \"Stage:x\", \"sysroot:seed/usr\", \"stage:UP\", \"stage:binutils/../x\", \"\"]")
    );
}

#[test]
fn paths() {
    says!(
        "paths",
        with(
            "script = \"/bin/sh\"\noutputs = [\"..\", \"a/b\", \"\"]\nshell = [\"sh\"]\n[sources.gcc]\ninner = \"../x\""
        )
    );
}

#[test]
fn duplicates() {
    says!(
        "duplicates",
        with(
            "target = [\"stage:binutils\", \"stage:binutils\"]\ninputs = [\"stage:binutils/dev\", \"stage:binutils/tools\"]"
        )
    );
}

#[test]
fn a_sub_tree_that_is_not_declared() {
    says!("sub_tree", with("target = [\"stage:binutils/tool/bin\", \"stage:binutils/dev/x\", \"stage:binutils/zz\"]"));
}

#[test]
fn a_test_as_input() {
    let project = with("target = [\"stage:boot-test\"]");
    says!("test_as_input", project.stage("boot-test", "test = true"));
}

#[test]
fn cycles() {
    let project = Project::new();
    project.stage("a", "target = [\"stage:b\", \"stage:c\"]").stage("b", "target = [\"stage:c\"]");
    project.stage("c", "target = [\"stage:d\", \"stage:b\"]").stage("d", "target = [\"stage:a\"]");
    project.stage("self", "inputs = [\"stage:self\"]").stage("user", "inputs = [\"stage:a\"]");
    says!("cycles", project);
}

#[test]
fn scripts() {
    let project = with("script = \"biuld.sh\"");
    project.write("stages/b/stage.toml", "schema = 1\nsummary = \"s\"\ntools = [\"sysroot:seed\"]\n");
    says!("scripts", project);
}

#[test]
fn parameters() {
    says!(
        "parameters",
        with("params = [\"arch\"]\n[env]\nA = \"{arch} {profile}\"\nB = \"{acrh}\"\nC = \"${not} {Not} { x } {\"")
    );
}

#[test]
fn wins() {
    says!(
        "wins",
        with(
            "[[wins]]\npath = \"/usr/*\"\ninput = \"sysroot:sead\"\n[[wins]]\npath = \"a[\"\n[[wins]]\ninput = \"stage:binutils\""
        )
    );
}

#[test]
fn sources() {
    let project = with("");
    project.write(
        "stages/sources.toml",
        "[Gcc]\nversion = 12\nlicense = \"\"\nurls = [\"ftp://a/b\", \"mirror://debian/\"]\nmirrors = []\n[musl]\nversion = \"1\"\nlicense = \"MIT\"\nurls = []",
    );
    says!("sources", project);
}

#[test]
fn sysroots() {
    let project = Project::new();
    let sysroot = |name: &str, rest: &str| {
        project.write(&format!("sysroots/{name}.toml"), format!("schema = 1\nsummary = \"s\"\n{rest}"));
    };
    sysroot("one", "archive = \"debain\"\nextends = [\"sed\"]");
    sysroot("two", "extends = [\"three\"]\nlinks = [{ path = \"/a\" }]");
    sysroot("three", "extends = [\"two\"]\nfiles = [{ path = \"a\", text = \"\", mode = \"4755\" }]\npackage = []");
    sysroot(
        "four",
        "packages = [\"A\"]\ndirs = [\"x\", \"x\"]\nlinks = [{ path = \"y\", to = \"z\" }, { path = \"y\", to = \"w\" }]",
    );
    says!("sysroots", project);
}

#[test]
fn archives() {
    let project = Project::new();
    project.write("sysroots/archives.toml", "[debian]\nsuite = \"bookworm\"\nbase = \"mirror://debian\"\nkey = \"a\"");
    says!("archives", project);
}

#[test]
fn folders() {
    let project = Project::new();
    project.write("stages/Upper/stage.toml", "").write("stages/empty/notes", "").write("stages/.git/x", "");
    project.stage("latin", "").write("stages/latin1/stage.toml", b"schema = 1\nsummary = \"caf\xe9\"\n");
    std::os::unix::fs::symlink("latin", project.path().join("stages/link")).expect("a link can be made");
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9");
    std::fs::write(project.path().join("stages/latin").join(name), "").expect("a file can be written");
    let text = project.mistakes().replace(&project.path().display().to_string(), "PROJECT");
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_mistakes_folders", text);
    });
}

#[test]
fn no_project() {
    let project = Project::new();
    std::fs::remove_dir_all(project.path().join("stages")).expect("the folder can be removed");
    let text = project.mistakes().replace(&project.path().display().to_string(), "PROJECT");
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_mistakes_no_project", text);
    });
}

#[test]
fn long_lines_are_cut_around_the_mark() {
    let project = with(&format!(
        "target = [{}\"stage:nowhere\", \"sysroot:seed\"]",
        "\"stage:binutils/dev\", ".to_owned() + &" ".repeat(300)
    ));
    says!("long_line", project);
}

#[test]
fn all_mistakes_of_all_files_come_at_once_and_sorted() {
    let project = Project::new();
    for name in ["z", "m", "a"] {
        project.stage(name, "tolls = 1\nscrpt = 2");
    }
    project.write("sysroots/bad.toml", "x");
    let mistakes = project.load().expect_err("every file is wrong").list;
    let places: Vec<_> = mistakes.iter().map(|m| (m.file.as_str(), m.line)).collect();
    assert_eq!(
        places,
        [
            ("stages/a/stage.toml", 4),
            ("stages/a/stage.toml", 5),
            ("stages/m/stage.toml", 4),
            ("stages/m/stage.toml", 5),
            ("stages/z/stage.toml", 4),
            ("stages/z/stage.toml", 5),
            ("sysroots/bad.toml", 1)
        ]
    );
}
