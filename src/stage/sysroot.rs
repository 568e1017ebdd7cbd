//! The words of `sysroots/<name>.toml` and `sysroots/archives.toml` as Rust types.

use serde::Serialize;

/// A sysroot, with everything taken over from the definitions that it extends.
///
/// Each list holds what was taken over first, then its own, without repetition. `exclude` and `wins` are its own only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SysrootDef {
    /// Name of the file below `sysroots/`, without `.toml`.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Key in `sysroots/archives.toml`; checked to be there.
    pub archive: String,
    /// Names of packages whose closure over their dependencies is taken.
    pub packages: Vec<String>,
    /// Names that the closure leaves out.
    pub exclude: Vec<String>,
    /// Globs of paths dropped after unpacking.
    pub remove: Vec<String>,
    /// Symbolic links made afterwards.
    pub links: Vec<SysrootLink>,
    /// Files made afterwards.
    pub files: Vec<SysrootFile>,
    /// Empty directories made afterwards.
    pub dirs: Vec<String>,
    /// Which package wins where two give one path different contents.
    pub wins: Vec<PackageWin>,
}

/// A symbolic link in a sysroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SysrootLink {
    /// Path in the sysroot, without a leading slash.
    pub path: String,
    /// Target, as text.
    pub to: String,
}

/// A file in a sysroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SysrootFile {
    /// Path in the sysroot, without a leading slash.
    pub path: String,
    /// Its content.
    pub text: String,
    /// 0o644 or 0o755.
    pub mode: u32,
}

/// A rule for one path that two packages carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageWin {
    /// Glob over paths in the sysroot.
    pub path: String,
    /// The package that wins.
    pub package: String,
}

/// One table of `sysroots/archives.toml`: where packages come from, and who signs for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveDef {
    /// The table's name.
    pub name: String,
    /// Release of the distribution.
    pub suite: String,
    /// Section of the release.
    pub component: String,
    /// Architecture, as the archive names it.
    pub architecture: String,
    /// Root of the archive, ending in `/`: `mirror://NAME/` or a URL.
    pub base: String,
    /// File with the armoured keys that sign the release, relative to the project.
    pub keys: String,
}
