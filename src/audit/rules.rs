//! The catalogue: every rule of the audit with its reason and its cure. One place, so that `--explain`, the reports and
//! `audit.toml` speak of the same things.

use super::Error;
use super::finding::Severity;
use crate::stage::nearest;

/// A rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Its name in reports and in `audit.toml`.
    pub id: &'static str,
    /// How bad a violation is, unless the project says otherwise.
    pub severity: Severity,
    /// What it forbids, in one line.
    pub title: &'static str,
    /// Why.
    pub why: &'static str,
    /// What to do about a violation.
    pub cure: &'static str,
}

macro_rules! catalogue {
    ($($name:ident = $severity:ident, $id:literal, $title:literal, $why:literal, $cure:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Rule =
                Rule { id: $id, severity: Severity::$severity, title: $title, why: $why, cure: $cure };
        )*

        /// All rules, in the order in which they are documented.
        pub static ALL: &[&Rule] = &[$(&$name),*];
    };
}

/// The rule of that name.
///
/// # Errors
/// There is none.
pub fn find(name: &str) -> Result<&'static Rule, Error> {
    ALL.iter().copied().find(|rule| rule.id == name).ok_or_else(|| Error::UnknownRule {
        name: name.to_owned(),
        nearest: nearest(name, ALL.iter().map(|rule| rule.id)),
    })
}

catalogue! {
    RPATH_BUILD = Error, "elf-rpath-build",
        "a search path (DT_RPATH or DT_RUNPATH) leads into a build directory, a home or a store",
        "The loader looks there first. Where the program runs, that path does not exist, or belongs to someone who may put \
         a library of their own there.",
        "link without that -rpath, or remove the tag after the build (`patchelf --remove-rpath`, `chrpath -d`)";
    RPATH_MISSING = Error, "elf-rpath-missing",
        "a search path names a directory that the system does not have",
        "It costs a failed lookup for each library, and whoever can create the directory decides which library is loaded.",
        "remove the element, or deliver the directory";
    RPATH_ABSOLUTE = Warning, "elf-rpath-absolute",
        "a search path is absolute",
        "The object works at this place of this system only; a directory that the loader searches anyway is superfluous, and \
         one that it does not belongs into $ORIGIN terms or the loader's configuration.",
        "use $ORIGIN, or allow it for private directories of a package";
    RPATH_RELATIVE = Error, "elf-rpath-relative",
        "a search path is relative to the current directory",
        "Which library is loaded then depends on where the program is started from: anyone's directory will do.",
        "use $ORIGIN for paths relative to the object";
    RPATH_EMPTY = Error, "elf-rpath-empty",
        "a search path has an empty element, which means the current directory",
        "An empty element (`a::b`, a leading or trailing colon) is the current directory of whoever starts the program. It \
         comes from scripts that join an unset variable.",
        "do not join an empty variable into -rpath";
    RPATH_ORIGIN_ESCAPES = Error, "elf-rpath-origin-escapes",
        "a search path leads out of the root: after $ORIGIN there are too many `..`",
        "There are more `..` than directories above the object: the path was made for another depth, and what it names \
         depends on where the root is mounted.",
        "count the directories: $ORIGIN is the one that the object lies in";
    INTERPRETER_MISSING = Error, "elf-interpreter-missing",
        "the program's loader (PT_INTERP) is not in the system, or cannot be executed",
        "execve(2) fails with ENOENT, which shells report as if the program itself were missing; if it is init, the kernel \
         panics.",
        "deliver the loader at exactly that path, or link the program for the loader that there is";
    INTERPRETER_FOREIGN = Error, "elf-interpreter-foreign",
        "the program's loader (PT_INTERP) is relative or lies in a build directory",
        "The program only starts where it was built, or in one directory.",
        "link with -Wl,--dynamic-linker and the loader's path in the system";
    NEEDED_MISSING = Error, "elf-needed-missing",
        "a needed library (DT_NEEDED) is found nowhere by the loader's own search order",
        "The program stops before main, or the plug-in cannot be loaded.",
        "deliver the library into a directory that the loader searches, or do not link against it";
    NEEDED_PATH = Error, "elf-needed-path",
        "a needed library (DT_NEEDED) is named by a path",
        "A name with a slash is opened as it stands, past the search order: a library without a soname was linked by its \
         path.",
        "give the library a soname (-Wl,-soname) and link with -l";
    NEEDED_UNUSED = Warning, "elf-needed-unused",
        "a needed library gives the object none of its symbols",
        "It is loaded, relocated and initialised for nothing, and must be delivered for nothing.",
        "link with -Wl,--as-needed, or drop the -l";
    VERSION_MISSING = Error, "elf-version-missing",
        "the library that is found does not have a symbol version that the object asks for",
        "The loader refuses to start the program: the object was linked against a newer library than the one delivered.",
        "deliver the library that the object was linked against";
    SYMBOL_MISSING = Error, "elf-symbol-missing",
        "no library of the closure defines a symbol that the object needs",
        "The program stops at start, or at the first call when binding is lazy.",
        "link against the library that defines it (-Wl,-z,defs shows it at link time)";
    SONAME_DUPLICATE = Error, "elf-soname-duplicate",
        "two different libraries of one soname lie where the loader searches",
        "The order of directories decides which one is loaded; what was tested with the other one may not work.",
        "deliver one of them";
    SONAME_VERSIONS = Note, "elf-soname-versions",
        "several versions of one library are delivered",
        "Both may end up in one process, through different dependencies, with two copies of their state.",
        "rebuild the users of the older one, and drop it";
    LIBC_MIXED = Error, "elf-libc-mixed",
        "the loader of one C library is to load another C library",
        "musl's loader cannot host glibc's libc, nor the other way round: the program crashes or does not start.",
        "compile and link the object with one toolchain and its own sysroot";
    TEXT_RELOCATIONS = Error, "elf-text-relocations",
        "the loader must write into code (text relocations)",
        "Pages of code become private and writable for a moment; hardened kernels refuse it, musl does not support it on all \
         machines.",
        "compile with -fPIC, mend assembler files, and link with -Wl,-z,text";
    EXECUTABLE_STACK = Error, "elf-executable-stack",
        "the stack is to be executable",
        "It makes the exploitation of every overflow trivial. It comes from nested functions or from an assembler file \
         without a .note.GNU-stack section. A library with it makes the stack of its host executable.",
        "add the section to assembler files, or link with -Wl,-z,noexecstack";
    WRITABLE_CODE = Warning, "elf-writable-code",
        "a segment is writable and executable",
        "What can be written and executed is where injected code goes.",
        "link with -Wl,-z,separate-code and without -N";
    WRONG_MACHINE = Error, "elf-wrong-machine",
        "the object is for another machine or class than the system",
        "The host's compiler or a prebuilt file got in: it cannot run here.",
        "build it with the target's compiler, or do not deliver it";
    MALFORMED = Warning, "elf-malformed",
        "the file begins as an ELF object and cannot be read as one",
        "It is cut short or damaged, and no rule could look at it.",
        "build it anew; allow it if it is meant as data";
    TOOLCHAIN_UNEXPECTED = Error, "toolchain-unexpected",
        "a part of the object was made by a compiler that `audit.toml` does not expect",
        "Code of the host, of a prebuilt archive, or of another toolchain was linked in.",
        "find the archive or the start file that it comes from; expected compilers are `compilers` in audit.toml";
    STATIC_NSS = Error, "static-glibc-nss",
        "a static program of glibc looks up names, users or groups (NSS)",
        "It loads libnss_* at run time, of exactly the glibc that it was linked with: elsewhere names are not resolved, or \
         it crashes.",
        "link it dynamically, or against a C library without NSS such as musl";
    STATIC_DLOPEN = Warning, "static-glibc-dlopen",
        "a static program of glibc calls dlopen or iconv",
        "Both load objects of exactly the glibc that it was linked with: elsewhere they fail.",
        "link it dynamically, or against another C library";
    NSS_MODULE_MISSING = Warning, "nss-module-missing",
        "nsswitch.conf names a service whose library is not in the system",
        "glibc passes it over without a word: names, users or groups of that service are not found.",
        "deliver libnss_NAME.so.2, or take the service out of nsswitch.conf";
    GCONV_MODULE_MISSING = Warning, "gconv-module-missing",
        "a list of iconv's modules names one that is not in the system",
        "Conversions between the character sets that it names fail.",
        "deliver the modules, or make the list anew from those that are delivered";
    DLOPEN_MISSING = Note, "dlopen-missing",
        "an object that calls dlopen holds the name of a library that is not in the system",
        "What the library is for will not work; many programs try several names and do without.",
        "deliver the library if the feature is wanted";
    LEAK_BUILD_PATH = Error, "leak-build-path",
        "the path of a build directory stands in a delivered file",
        "It tells where the file was built, differs between builders, and often is a path that the program tries to open.",
        "map it away (-ffile-prefix-map=/build=.), or fix the script that writes it";
    LEAK_STORE_PATH = Error, "leak-store-path",
        "the path of a build tool's store stands in a delivered file",
        "Stores exist on the machine that builds only.",
        "find the wrapper or the configure script that took it from its environment";
    LEAK_HOME_PATH = Warning, "leak-home-path",
        "the path of somebody's home directory stands in a delivered file",
        "It tells who built the file and where, and differs between builders.",
        "map it away (-ffile-prefix-map, --remap-path-prefix), or build at a neutral path";
    LEAK_USER_NAME = Warning, "leak-user-name",
        "the name of the user who builds stands in a delivered file",
        "It differs between builders, and is nobody's business.",
        "set the variable that the build takes it from (KBUILD_BUILD_USER, USER, LOGNAME)";
    LEAK_HOST_NAME = Warning, "leak-host-name",
        "the name of the machine that builds stands in a delivered file",
        "It differs between builders, and is nobody's business.",
        "set the variable that the build takes it from (KBUILD_BUILD_HOST), or do not call hostname and uname";
    LEAK_HOST_KERNEL = Warning, "leak-host-kernel",
        "the release of the kernel of the machine that builds stands in a delivered file",
        "A configure script asked `uname -r` where it should have asked the target's headers.",
        "give the script the target's values; build where `uname` says the same for everybody";
    DWARF_BUILD_PATH = Warning, "dwarf-build-path",
        "debugging information names an absolute directory of the build",
        "DW_AT_comp_dir and the line tables name the directories of the build: they differ between builders, and debuggers do \
         not find the sources by them.",
        "compile with -ffile-prefix-map=DIR=/usr/src/NAME, or strip";
    SCRIPT_INTERPRETER_MISSING = Error, "script-interpreter-missing",
        "the interpreter of an executable script is not in the system",
        "Executing the script fails with ENOENT, as if the script itself were missing.",
        "deliver the interpreter, name the one that is there, or do not deliver the script";
    SCRIPT_INTERPRETER_FOREIGN = Error, "script-interpreter-foreign",
        "the interpreter of an executable script is relative or lies in a build directory",
        "The script runs where it was built, or in one directory, only.",
        "write the interpreter's path in the system into the first line";
    SCRIPT_LINE_TOO_LONG = Error, "script-line-too-long",
        "the first line of a script is longer than the kernel reads",
        "Linux reads 256 bytes of a file to find its interpreter (BINPRM_BUF_SIZE); a longer line fails or is cut.",
        "name an interpreter with a shorter path";
    LIBTOOL_FOREIGN = Error, "libtool-foreign-path",
        "a libtool archive (.la) names a path that is not in the system",
        "Whoever links against it gets flags for directories that exist on the builder's machine only.",
        "delete .la files, or correct libdir and dependency_libs";
    PKGCONFIG_FOREIGN = Error, "pkgconfig-foreign-path",
        "a .pc file names a path that is not in the system",
        "Whoever compiles with it gets flags for directories that exist on the builder's machine only.",
        "configure with the prefix of the system and install with DESTDIR";
    CMAKE_FOREIGN = Error, "cmake-foreign-path",
        "a CMake package file names a path that is not in the system",
        "Whoever finds the package gets files that exist on the builder's machine only.",
        "export targets with relative paths (install(EXPORT) does) and without absolute link libraries";
    SYMLINK_DANGLING = Error, "symlink-dangling",
        "a symbolic link leads to nothing",
        "What was linked to was not delivered, or not at that place; nobody notices until it is used.",
        "deliver the target, or remove the link";
    SYMLINK_LOOP = Error, "symlink-loop",
        "symbolic links lead to each other in a circle",
        "Opening the path fails with ELOOP.",
        "let one of them lead to the file";
    SYMLINK_ESCAPES = Error, "symlink-escapes",
        "a symbolic link leads out of the root with `..`",
        "There are more `..` than directories above the link: at the place where it runs the kernel cuts them off, elsewhere \
         (in a container's lower directory, in an unpacked archive) it leads to the host's files.",
        "make the link relative to its own directory";
    SYMLINK_FOREIGN = Error, "symlink-foreign",
        "a symbolic link leads into a build directory, a home or a store",
        "The target exists on the machine that builds only.",
        "install with DESTDIR, and make links relative or to paths of the system";
    SYMLINK_ABSOLUTE = Note, "symlink-absolute",
        "a symbolic link is absolute",
        "It leads somewhere else wherever the tree is not the root: in a sysroot, in a container's lower directory.",
        "make the link relative";
    MODE_SETUID = Error, "mode-setuid",
        "a program runs with its owner's rights (setuid)",
        "Each is a way to become root if it has a bug; it has to be meant.",
        "drop the bit, or allow it with the reason in audit.toml";
    MODE_SETGID = Error, "mode-setgid",
        "a program runs with its group's rights (setgid)",
        "Each is a way to other people's files if it has a bug; it has to be meant.",
        "drop the bit, or allow it with the reason in audit.toml";
    MODE_WORLD_WRITABLE = Error, "mode-world-writable",
        "everybody may write to a file, or to a directory without the sticky bit",
        "Any user can replace what others run or read.",
        "set the mode when installing; directories for everybody are 1777";
    KERNEL_MODULE_VERSION = Error, "kernel-module-version",
        "a kernel module is for another kernel than the one whose directory it lies in, or that is delivered",
        "The kernel refuses it: vermagic must be the same.",
        "build the modules with the kernel that is delivered";
    KERNEL_MODULE_DEPENDENCY = Error, "kernel-module-dependency",
        "a kernel module, or modules.dep, names a module that is not delivered",
        "modprobe fails.",
        "deliver the module, and run depmod on what is delivered";
    KERNEL_TOO_OLD = Error, "kernel-too-old",
        "an object asks for a newer kernel than the one that is delivered",
        "The C library was configured for newer kernels (.note.ABI-tag): it stops with `kernel too old`.",
        "configure the C library with --enable-kernel no newer than the kernel";
    KERNEL_HEADERS_NEWER = Warning, "kernel-headers-newer",
        "the kernel's headers are newer than the kernel that is delivered",
        "Programs that are compiled against them use calls that the kernel does not have.",
        "take the headers from the source of the kernel that is delivered";
    LEAK_HEADER = Error, "leak-header",
        "a header of `tools` went into what is delivered",
        "`tools` is what runs while something is built; what it is compiled against stands in `target`. A header of the \
         machine that builds describes another C library and another kernel: constants, structures and versions of theirs \
         end up in the object, and nothing fails until it runs.",
        "compile with the target's compiler or --sysroot=/target, without -I of a path outside of /target";
    LEAK_START_FILE = Error, "leak-start-file",
        "a start file of `tools` (crt1.o, crti.o, crtbegin.o) went into what is delivered",
        "It is code of another C library, or of another compiler, that runs before main.",
        "link with the target's compiler, or with -nostartfiles and the target's start files";
    LEAK_LIBRARY = Error, "leak-library",
        "a library or object of `tools` was linked into what is delivered",
        "Foreign code is delivered, or foreign symbol versions are asked for. A check of a configure script that finds a \
         library on the machine that builds is enough.",
        "declare the library as a stage and take it as `target`; link with --sysroot=/target, without -L outside of it";
    HOST_LOOKUP = Warning, "host-lookup",
        "a process looked for a path that only a host has",
        "The sandbox has no /home, /usr/local or /opt: there the build finds nothing, elsewhere it would find something else. \
         What a program of `tools` has built in as its own search path does not count.",
        "tell the build system where things are, so that it does not search";
    SOURCE_WRITTEN = Warning, "source-written",
        "a source that is not declared writable was written to",
        "What is read-only stays as it was, and whoever writes there counts on something that does not happen.",
        "build outside of the source, or declare it `writable = true` in stage.toml";
    SEARCH_OUTSIDE = Warning, "search-outside-sysroot",
        "a description of a package (.pc, .la, .cmake) among the tools was read while something was compiled for a target",
        "It describes a library of the machine that builds: flags and versions of it are those of another library.",
        "set PKG_CONFIG_LIBDIR and CMAKE_FIND_ROOT_PATH to folders below /target";
    FOREIGN_EXECUTION = Warning, "foreign-execution",
        "a program for another machine was executed",
        "It ran because the machine that builds emulates the other one; elsewhere the build fails.",
        "build programs that run while something is built with the compiler of the machine that builds";
    LOADER_MISMATCH = Error, "loader-mismatch",
        "a process ran with the loader of one input and the C library of another",
        "A loader and its C library share private structures: other versions of each other, or another implementation, crash \
         or go wrong without a word.",
        "take both from one input, or link the program statically";
    INPUT_UNUSED = Note, "input-unused",
        "nothing of a declared input was used",
        "Each change of it builds the stage anew, for nothing.",
        "remove it from stage.toml";
    UNDECLARED_READ = Error, "undeclared-read",
        "a file was read that no input has and that the stage did not make",
        "Whatever it was, it is not in the action's key: the sandbox has a hole, or the trace is not of this stage.",
        "look at it with `repro trace STAGE`, and report it";
    NOT_TRACED = Warning, "not-traced",
        "a stage that what is delivered was made of has no trace",
        "What went into its output is not known, and no rule about that could be applied.",
        "have it traced with `repro trace STAGE`";
    FILE_UNREADABLE = Warning, "audit-unreadable",
        "a file or an archive could not be read",
        "No rule has looked at what is in it.",
        "repair it, or allow it if it is meant to be so";
    LIMIT_EXCEEDED = Warning, "audit-limit",
        "a file is too large, or nested too deeply, to be looked at in full",
        "Some rules have not looked at all of it.",
        "audit what is in it by itself";
    EXCEPTION_UNUSED = Note, "audit-exception-unused",
        "an exception in audit.toml matches nothing",
        "An exception that nothing needs hides the next violation.",
        "remove it";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_texts_are_texts() {
        let mut ids: Vec<&str> = ALL.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        for rule in ALL {
            assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.id);
            assert!(!rule.title.ends_with('.') && rule.why.ends_with('.') && !rule.cure.ends_with('.'), "{}", rule.id);
            assert!(!rule.why.contains("  ") && !rule.title.contains("  "), "{}", rule.id);
        }
    }

    #[test]
    fn a_near_miss_is_told() {
        assert_eq!(find("elf-rpath-empty").map(|rule| rule.id).ok(), Some("elf-rpath-empty"));
        let error = find("elf-rpath-emtpy").unwrap_err();
        assert_eq!(error.hint().as_deref(), Some("did you mean `elf-rpath-empty`?"));
    }
}
