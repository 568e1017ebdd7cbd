//! What can be begun by a template.

use std::fmt;
use std::str::FromStr;

/// How a new stage makes what it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A configure script, as by Autoconf.
    Autotools,
    /// `CMakeLists.txt`.
    Cmake,
    /// `meson.build`.
    Meson,
    /// A makefile alone.
    Make,
    /// A module for the kernel of stage `kernel`.
    KernelModule,
    /// Images of what another stage leaves.
    Image,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 6] = [Self::Autotools, Self::Cmake, Self::Meson, Self::Make, Self::KernelModule, Self::Image];

    /// Its name, and that of its folder below `templates/stage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Autotools => "autotools",
            Self::Cmake => "cmake",
            Self::Meson => "meson",
            Self::Make => "make",
            Self::KernelModule => "kernel-module",
            Self::Image => "image",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let none =
            || format!("`{}` is no template: there are {}", name.escape_debug(), Self::ALL.map(Self::name).join(", "));
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(none)
    }
}
