//! The kinds of causes: what each is called, how it comes about, what cures it.

use schemars::JsonSchema;
use serde::Serialize;

macro_rules! classes {
    ($( $class:ident $name:literal $sentence:literal $cure:literal )*) => {
        /// Why a file differs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Class {
            $( #[doc = $sentence] $class, )*
        }

        impl Class {
            /// All of them, in the order of the manual.
            pub const ALL: &'static [Self] = &[ $( Self::$class ),* ];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $( Self::$class => $name ),* }
            }

            /// What it is.
            pub fn sentence(self) -> &'static str {
                match self { $( Self::$class => $sentence ),* }
            }

            /// What cures it.
            pub fn cure(self) -> &'static str {
                match self { $( Self::$class => $cure ),* }
            }
        }
    };
}

classes! {
    GzipTime "gzip-time"
        "the header of a gzip file has the time at which it was packed, or that of the file"
        "`gzip -n`; in a program set the header's time to 0 or to SOURCE_DATE_EPOCH"
    DateMacro "date-macro"
        "the compiler put the time of the build in place of `__DATE__` or `__TIME__`"
        "leave the macros out (`-Werror=date-time` finds them), or let the compiler see SOURCE_DATE_EPOCH"
    TextTime "text-time"
        "the time of the build is written into a text"
        "write `date -u -d @$SOURCE_DATE_EPOCH` or nothing"
    DataTime "data-time"
        "the time of the build is written into a program or other data"
        "take SOURCE_DATE_EPOCH in place of the clock, or leave the field 0"
    BytecodeTime "bytecode-time"
        "compiled Python has the time of its source in its header"
        "`python3 -m compileall --invalidation-mode unchecked-hash`"
    ArTime "ar-time"
        "an archive of objects has times, owners and modes of its members: it was made by `ar` without `D`"
        "`ar rcsD`, `ranlib -D`; or binutils configured with `--enable-deterministic-archives`"
    MemberTime "member-time"
        "members of an archive have the times at which their files were written"
        "`tar --mtime=@$SOURCE_DATE_EPOCH`; `find -print0 | xargs -0 touch -hd @$SOURCE_DATE_EPOCH` before cpio and zip (`-X`)"
    MemberOwner "member-owner"
        "members of an archive have the user and group of whoever packed it"
        "`tar --owner=0 --group=0 --numeric-owner`; `cpio -R 0:0`; `ar` with `D`"
    MemberMode "member-mode"
        "members of an archive have modes that the umask decided"
        "`tar --mode=go=rX,u+rw,a-s`, or `chmod` before packing; `install -m` makes files with a mode of their own"
    MemberOrder "member-order"
        "members of an archive stand in the order in which a directory was listed"
        "`tar --sort=name`; `find … | LC_ALL=C sort` before cpio, zip and ar"
    MemberNumber "member-number"
        "members of an archive have the inode and device numbers of their files"
        "`cpio --reproducible` (`--renumber-inodes --ignore-devno`)"
    DebugPath "debug-path"
        "debugging information has the folder in which was compiled"
        "`-ffile-prefix-map=$PWD=.` (or `-fdebug-prefix-map`), for the assembler `--debug-prefix-map`"
    BuildPath "build-path"
        "the folder in which was built is written into a file, for instance by `__FILE__`"
        "`-ffile-prefix-map=$PWD=.` (or `-fmacro-prefix-map`), relative paths in what is generated"
    RunPath "run-path"
        "the program looks for libraries in the folder in which it was built (DT_RUNPATH, DT_RPATH)"
        "link without `-rpath`, or relative to `$ORIGIN`"
    Umask "umask"
        "the umask decided what was written"
        "`umask 022` at the beginning, `install -m` and `chmod` with a mode in full"
    ListingOrder "listing-order"
        "lines or parts stand in the order in which a directory was listed"
        "sort what is listed (`LC_ALL=C sort`, `sorted(os.listdir())`, `$(sort $(wildcard …))`)"
    HashSeed "hash-seed"
        "a hash table was walked in its order, which is otherwise in each run"
        "sort the keys; PYTHONHASHSEED=0, PERL_HASH_SEED=0 hide it"
    Random "random"
        "random numbers were written"
        "seed the generator with a constant, or derive the value from the content"
    TemporaryName "temporary-name"
        "the random name of a temporary file is written, or is a file's own"
        "give the file a name of its own, or do not write where it was"
    Uuid "uuid"
        "a random UUID was made"
        "derive it from a name (`uuidgen --sha1`), or give it (`mke2fs -U`)"
    BuildId "build-id"
        "the linker was told to make a random build ID"
        "`-Wl,--build-id=sha1`, which is a digest of what is linked"
    Padding "padding"
        "bytes that nobody has set were written: gaps in a structure, memory that was not cleared"
        "clear it (`memset`, `calloc`, `= {0}`), or write field by field"
    Address "address"
        "an address in memory was written, or decided an order"
        "write a number of your own, and sort by content and not by pointer"
    Locale "locale"
        "the locale decided order, messages or numbers"
        "`LC_ALL=C` for what is generated"
    TimeZone "time-zone"
        "a time was written in the local time zone"
        "`TZ=UTC`, `date -u`, `gmtime` in place of `localtime`"
    Environment "environment"
        "variables of the environment were written, or their number or size mattered"
        "write the variables that are meant, by name; `env -i`"
    Home "home"
        "the home folder was written or looked into"
        "`HOME=/nonexistent`, and no path from `~` in what is generated"
    UserName "user-name"
        "the name or number of the user was written"
        "write a constant; configure with a name (`--with-packager`, KBUILD_BUILD_USER)"
    HostName "host-name"
        "the name of the machine was written"
        "write a constant (KBUILD_BUILD_HOST)"
    KernelRelease "kernel-release"
        "the version of the running kernel was written"
        "tell what it is built for (`--host`, `uname` only for that), and not where"
    CoreCount "core-count"
        "the number of processors was written, or decided how work was cut"
        "a fixed number of parts (`xz -T1`, `--threads=1`), independent of how many work on them"
    MemorySize "memory-size"
        "the size of the machine's memory was written, or decided how work was cut"
        "fixed sizes of buffers (`sort -S`)"
    Race "race"
        "several processes wrote side by side, and whoever was first is first"
        "each into a file of its own, put together in a fixed order; a missing dependency in the makefile"
    ProcessId "process-id"
        "a process id was written, or is part of a name"
        "a constant name in a folder of its own"
    FileData "file-data"
        "times, inode numbers, sizes or blocks of files as the file system has them were written"
        "do not write what `stat`, `ls -l` and `df` say besides mode and length"
    Load "load"
        "how long something took was written, or decided what was done"
        "no durations, benchmarks or time-outs in what decides or is written"
    Unknown "unknown"
        "what causes it was not found"
        "look at the processes that wrote it, and at what they read"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Class;

    #[test]
    fn each_has_a_name_of_its_own_and_a_cure() {
        let names: BTreeSet<&str> = Class::ALL.iter().map(|class| class.name()).collect();
        assert_eq!(names.len(), Class::ALL.len());
        for class in Class::ALL {
            assert!(!class.cure().is_empty() && !class.sentence().ends_with('.'), "{}", class.name());
        }
    }
}
