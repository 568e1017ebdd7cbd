//! The texts that lie in the program.

use crate::stage::{self, SourceDef};

/// A path and what it holds.
type Text = (&'static str, &'static str);

/// Embeds files of this repository by their paths in it.
macro_rules! texts {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)))),*]
    };
}

/// The same, as files of another folder: each with the path that it has there.
macro_rules! texts_as {
    ($($path:literal from $from:literal)*) => {
        &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $from)))),*]
    };
}

/// What new stages begin with, below `templates/`.
pub(super) const TEMPLATES: &[Text] = texts_as! {
    "stage/autotools/build.sh" from "stage/autotools/build.sh"
    "stage/autotools/stage.toml" from "stage/autotools/stage.toml"
    "stage/cmake/build.sh" from "stage/cmake/build.sh"
    "stage/cmake/stage.toml" from "stage/cmake/stage.toml"
    "stage/image/stage.toml" from "stage/image/stage.toml"
    "stage/kernel-module/build.sh" from "stage/kernel-module/build.sh"
    "stage/kernel-module/stage.toml" from "stage/kernel-module/stage.toml"
    "stage/make/build.sh" from "stage/make/build.sh"
    "stage/make/stage.toml" from "stage/make/stage.toml"
    "stage/meson/build.sh" from "stage/meson/build.sh"
    "stage/meson/stage.toml" from "stage/meson/stage.toml"
};

/// What build scripts of templates end with: it stands for `@deliver@`.
pub(super) const DELIVER: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/stage/deliver.sh"));

/// A new project.
pub(super) const PROJECT: &[Text] = texts_as! {
    ".gitignore" from "project/gitignore"
    "README.md" from "project/README.md"
    "audit.toml" from "project/audit.toml"
    "stages/hello/build.sh" from "project/stages/hello/build.sh"
    "stages/hello/stage.toml" from "project/stages/hello/stage.toml"
    "stages/image/stage.toml" from "project/stages/image/stage.toml"
    "stages/sources.toml" from "project/stages/sources.toml"
};

/// What templates refer to, and what that refers to.
pub(super) const SHIPPED: &[Text] = texts! {
    "stages/binutils/build.sh"
    "stages/binutils/stage.toml"
    "stages/cross/build.sh"
    "stages/cross/cross.cmake"
    "stages/cross/cross.meson"
    "stages/cross/cross.sh"
    "stages/cross/pkg-config"
    "stages/cross/stage.toml"
    "stages/gcc-deps/build.sh"
    "stages/gcc-deps/stage.toml"
    "stages/gcc-libs/build.sh"
    "stages/gcc-libs/stage.toml"
    "stages/gcc/build.sh"
    "stages/gcc/stage.toml"
    "stages/glibc/build.sh"
    "stages/glibc/stage.toml"
    "stages/kernel/aarch64.config"
    "stages/kernel/build.sh"
    "stages/kernel/builtin-initrd.patch"
    "stages/kernel/common.config"
    "stages/kernel/stage.toml"
    "stages/kernel/x86_64.config"
    "stages/linux-headers/build.sh"
    "stages/linux-headers/stage.toml"
    "stages/musl-headers/build.sh"
    "stages/musl-headers/stage.toml"
    "stages/musl/build.sh"
    "stages/musl/stage.toml"
    "sysroots/archives.toml"
    "sysroots/emulator.toml"
    "sysroots/keys/debian-bookworm.asc"
    "sysroots/pkgconf.toml"
    "sysroots/seed.toml"
    "sysroots/tools.toml"
};

/// What templates refer to besides, and the project that is shipped has no use for.
const BESIDES: &[Text] = texts_as! {
    "sysroots/cmake.toml" from "sysroots/cmake.toml"
    "sysroots/meson.toml" from "sysroots/meson.toml"
};

/// Sources of what is shipped.
const SOURCES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/stages/sources.toml"));
/// Exceptions of the audit for what is shipped.
const AUDIT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/audit.toml"));

/// What is shipped below a path, or at it.
pub(super) fn below(path: &str) -> Vec<Text> {
    SHIPPED.iter().chain(BESIDES).filter(|(other, _)| other.starts_with(path)).copied().collect()
}

/// A source of what is shipped.
pub(super) fn source(name: &str) -> Option<SourceDef> {
    stage::sources_of(SOURCES).ok()?.remove(name)
}

/// The exceptions of the audit that are for a stage of what is shipped, as they stand there.
pub(super) fn allowed(stage: &str) -> String {
    let line = format!("stage = \"{stage}\"");
    let tables = AUDIT.split("[[allow]]").skip(1).filter(|table| table.lines().any(|text| text == line));
    tables.map(|table| format!("\n[[allow]]{}\n", table.trim_end())).collect()
}
