//! A project in a temporary folder, and `repro` run on it with nothing of this machine's environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A project with its own home and store.
pub struct Project {
    folder: tempfile::TempDir,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Project {
    /// No files at all.
    pub fn empty() -> Self {
        let project = Self { folder: tempfile::tempdir().expect("temporary folder") };
        std::fs::create_dir(project.path("home")).expect("make a home");
        std::fs::create_dir(project.path("project")).expect("make a folder");
        project
    }

    /// Two stages, one of which needs the other, and two sources on the mirror `test`; no sysroot.
    pub fn small() -> Self {
        let project = Self::empty();
        project.write("project/stages/sources.toml", sources("mirror://test/"));
        project.stage("lib", "tools = []\n[sources.alpha]\n[sources.beta]\n");
        project.stage("app", "tools = []\ntarget = [\"stage:lib\"]\nparams = [\"profile\"]\n");
        project.write("mirror/alpha.tar", "alpha's bytes");
        project.write("mirror/beta.tar", "beta's bytes");
        project
    }

    pub fn stage(&self, name: &str, rest: &str) {
        let text = format!("schema = 1\nsummary = \"a stage\"\n{rest}");
        self.write(&format!("project/stages/{name}/stage.toml"), &text);
        self.write(&format!("project/stages/{name}/build.sh"), "true\n");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("make folders");
        std::fs::write(path, bytes).expect("write a file");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("read a file")
    }

    /// The command, ready to run in the project's folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
        command.args(args).env_clear().current_dir(self.path("project"));
        command.env("HOME", self.path("home")).env("REPRO_STORE", self.path("store"));
        command.env("REPRO_MIRROR_TEST", self.path("mirror")).env("LC_ALL", "C.UTF-8").env("COLUMNS", "100");
        command
    }

    pub fn repro(&self, args: &[&str]) -> Said {
        self.said(self.command(args).output().expect("run repro"))
    }

    pub fn said(&self, output: Output) -> Said {
        use std::os::unix::process::ExitStatusExt;
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).expect("repro writes UTF-8");
            text.replace(&self.folder.path().display().to_string(), "[DIR]")
        };
        let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0));
        Said { code, out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// The text of sources.toml, with places below `base`.
pub fn sources(base: &str) -> String {
    ["alpha", "beta"]
        .map(|name| format!("[{name}]\nversion = \"1\"\nlicense = \"MIT\"\nurls = [\"{base}{name}.tar\"]\n"))
        .concat()
}

impl Said {
    /// Code, stdout and stderr as one text.
    pub fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.out, self.err)
    }

    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }
}

/// Copies a folder over another.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("make a folder");
    for entry in std::fs::read_dir(from).expect("list a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("copy a file");
        }
    }
}

/// Compares with the committed text under snapshots/.
pub fn snapshot(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    insta::with_settings!({snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
}
