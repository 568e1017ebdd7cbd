//! Projects made in temporary folders, and what loading them gives.

mod actions;
mod arbitrary;
mod graph;
mod images;
mod messages;
mod roots;
mod schemas;
mod when;

use std::path::Path;

use super::{Graph, Mistakes, ParamValues};

/// A project in a temporary folder.
pub(super) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A project with a sysroot `seed`, sources `gcc` and `musl`, and nothing to build.
    pub(super) fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a temporary folder can be made") };
        project.write("stages/sources.toml", SOURCES);
        project.write("sysroots/archives.toml", ARCHIVES);
        project.write("sysroots/seed.toml", SEED);
        project
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("the path has a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
        self
    }

    /// A stage with `schema`, `summary` and `tools` given, and a script.
    pub(super) fn stage(&self, name: &str, rest: &str) -> &Self {
        let head = "schema = 1\nsummary = \"a stage\"\ntools = [\"sysroot:seed\"]\n";
        self.write(&format!("stages/{name}/stage.toml"), format!("{head}{rest}\n"));
        self.write(&format!("stages/{name}/build.sh"), "true\n")
    }

    pub(super) fn load(&self) -> Result<Graph, Mistakes> {
        Graph::load(self.path(), &ParamValues::default())
    }

    pub(super) fn graph(&self) -> Graph {
        self.load().unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    /// The mistakes as people see them.
    pub(super) fn mistakes(&self) -> String {
        self.load().expect_err("the project has mistakes").to_string()
    }
}

pub(super) const SOURCES: &str = r#"
[gcc]
version = "12.2.0"
license = "GPL-3.0-or-later"
urls = ["mirror://debian/pool/main/g/gcc-12/gcc-12_12.2.0.orig.tar.xz"]

[musl]
version = "1.2.3"
license = "MIT"
urls = ["mirror://debian/pool/main/m/musl/musl_1.2.3.orig.tar.gz", "https://musl.example/musl-1.2.3.tar.gz"]
"#;

pub(super) const ARCHIVES: &str = r#"
schema = 1
[debian]
suite = "bookworm"
component = "main"
architecture = "amd64"
base = "mirror://debian/"
keys = "sysroots/keys/debian.asc"
"#;

pub(super) const SEED: &str = r#"
schema = 1
summary = "the seed"
archive = "debian"
packages = ["gcc-12", "g++-12"]
exclude = ["dpkg"]
remove = ["usr/share/doc/**"]
links = [{ path = "usr/bin/cc", to = "gcc-12" }]
files = [{ path = "etc/passwd", text = "root:x:0:0::/:/bin/sh\n" }, { path = "usr/bin/x", text = "", mode = "0755" }]
dirs = ["tmp"]
wins = [{ path = "usr/bin/*", package = "gcc-12" }]
"#;

/// A `stage.toml` that uses every key.
pub(super) const FULL: &str = r#"
schema = 1
summary = "every key"
params = ["arch", "profile"]
tools = ["sysroot:seed", "stage:binutils"]
target = ["stage:musl/dev"]
inputs = ["stage:rootfs"]
script = "make.sh"
shell = ["/bin/sh", "-e"]
outputs = ["tools", "dev"]
test = false
[sources.gcc]
writable = true
inner = "gcc-12.2.0.tar.xz"
[sources.musl]
unpack = false
[env]
CFLAGS = "-O2 --target={arch} ${HOME} {}"
[[wins]]
path = "usr/include/{arch}/*.h"
input = "stage:musl/dev"
[limits]
time = "1h30m"
silence = "90s"
processes = 100
memory = "2GiB"
scratch = "512 MiB"
inodes = 1000
"#;

impl Project {
    /// A project whose stage `full` uses every key.
    pub(super) fn full() -> Self {
        let project = Self::new();
        project.stage("binutils", "").stage("musl", "outputs = [\"dev\"]").stage("rootfs", "");
        project.write("stages/full/stage.toml", FULL).write("stages/full/make.sh", "");
        project
    }
}
