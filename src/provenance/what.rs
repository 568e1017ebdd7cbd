//! What a file is, by its name and how it was used.

use schemars::JsonSchema;
use serde::Serialize;

use super::class::{Class, Kind, base, is_shared, kind_of};

/// What a file is to what was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Compiled, assembled, or a template.
    Source,
    /// Included.
    Header,
    /// Code that runs before `main`: crt1.o and its like.
    StartFile,
    /// A static library.
    Archive,
    /// A shared library.
    Library,
    /// An object file.
    Object,
    /// Other data.
    Other,
    /// Compiler, assembler, linker.
    Compiler,
    /// Another program.
    Program,
    /// A script or makefile.
    Script,
}

impl What {
    /// Several of it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Source => "sources",
            Self::Header => "headers",
            Self::StartFile => "start files",
            Self::Archive => "static libraries",
            Self::Library => "shared libraries",
            Self::Object => "objects",
            Self::Other => "other files",
            Self::Compiler => "compiler",
            Self::Program => "programs",
            Self::Script => "scripts",
        }
    }

    /// What a file is that was used so; `executed`: by a process, or as its loader.
    pub(super) fn of(path: &str, class: Class, executed: bool) -> Self {
        let name = String::from_utf8_lossy(base(path.as_bytes())).into_owned();
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        if executed && is_compiler(&name) {
            return Self::Compiler;
        }
        if is_shared(&name) {
            return Self::Library;
        }
        match (class, end) {
            _ if executed => Self::Program,
            (Class::Control, _) => Self::Script,
            (_, "h" | "hh" | "hpp" | "hxx" | "h++" | "H" | "tcc" | "inc" | "ipp") => Self::Header,
            (_, "o") if name.contains("crt") => Self::StartFile,
            (_, "o") => Self::Object,
            (_, "a") => Self::Archive,
            (
                _,
                "c" | "cc" | "cpp" | "cxx" | "c++" | "C" | "s" | "S" | "asm" | "y" | "l" | "m4" | "in" | "def" | "map",
            ) => Self::Source,
            // Those of C++ have no ending.
            (_, "") if path.contains("/include/") => Self::Header,
            _ => Self::Other,
        }
    }
}

/// Whether a program turns sources into objects, or objects into programs.
fn is_compiler(name: &str) -> bool {
    let words =
        ["cc1", "cc1plus", "cc1obj", "lto1", "as", "ar", "ranlib", "strip", "objcopy", "nasm", "yasm", "rustc", "tcc"];
    let last = name.rsplit('-').next().unwrap_or(name);
    matches!(kind_of(name.as_bytes()), Kind::Driver | Kind::Linker) || words.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_and_use() {
        for (path, class, what) in [
            ("/usr/share/misc/magic", Class::Control, What::Script),
            ("/target/usr/include/stdio.h", Class::Data, What::Header),
            ("/target/usr/include/c++/12/vector", Class::Data, What::Header),
            ("/target/usr/lib/crt1.o", Class::Data, What::StartFile),
            ("/usr/lib/gcc/x/12/crtbeginS.o", Class::Data, What::StartFile),
            ("/target/usr/lib/libc.so", Class::Data, What::Library),
            ("/usr/lib/x/libc.so.6", Class::Tool, What::Library),
            ("/usr/lib/gcc/x/12/libgcc.a", Class::Data, What::Archive),
            ("/src/zlib/adler32.c", Class::Data, What::Source),
            ("/src/zlib/COPYING", Class::Data, What::Other),
            ("/usr/libexec/gcc/x/12/cc1", Class::Tool, What::Compiler),
            ("/usr/bin/x86_64-repro-linux-musl-gcc", Class::Tool, What::Compiler),
            ("/usr/bin/sed", Class::Tool, What::Program),
            ("/stage/build.sh", Class::Control, What::Script),
        ] {
            assert_eq!(What::of(path, class, class == Class::Tool), what, "{path}");
        }
    }
}
