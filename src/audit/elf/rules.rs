//! Rules that one object breaks by itself, wherever it lies.

use object::elf as raw;

use super::facts::{Elf, Stack};
use crate::audit::finding::{Evidence, Finding};
use crate::audit::leak::Needles;
use crate::audit::rules;

/// Directories that only exist where sources are kept on purpose, or that compilers make up.
const SOURCES: [&str; 2] = ["/usr/", "/rustc/"];
/// Evidence shown of a list.
const SHOWN: usize = 5;

/// Judges an object. `compilers`: beginnings of what compilers may call themselves; empty: any.
pub(in crate::audit) fn check(
    elf: &Elf,
    bytes: &[u8],
    object: &str,
    needles: &Needles,
    compilers: &[String],
) -> Vec<Finding> {
    let mut found = Vec::new();
    search_paths(elf, object, needles, &mut found);
    names(elf, object, needles, &mut found);
    memory(elf, object, &mut found);
    statics(elf, bytes, object, &mut found);
    origin(elf, object, needles, compilers, &mut found);
    found
}

/// The tags that hold search paths, each with its elements.
pub(in crate::audit) fn search_tags(elf: &Elf) -> impl Iterator<Item = (&'static str, &str)> {
    let tags = [("DT_RPATH", &elf.rpath), ("DT_RUNPATH", &elf.runpath)];
    tags.into_iter().filter_map(|(tag, value)| Some((tag, value.as_deref()?)))
}

fn search_paths(elf: &Elf, object: &str, needles: &Needles, found: &mut Vec<Finding>) {
    for (tag, list) in search_tags(elf) {
        for element in list.split(':') {
            let (rule, what) = if element.is_empty() {
                (&rules::RPATH_EMPTY, "has an empty element".to_owned())
            } else if element.starts_with('$') {
                continue;
            } else if !element.starts_with('/') {
                (&rules::RPATH_RELATIVE, format!("has the relative path `{element}`"))
            } else if needles.is_foreign(element) {
                (&rules::RPATH_BUILD, format!("leads to `{element}`"))
            } else {
                // Whether it is there is a matter of the root.
                continue;
            };
            let finding = Finding::new(rule, object, format!("{tag} {what}"));
            found.push(finding.because(Evidence::value(tag, list)));
        }
    }
}

fn names(elf: &Elf, object: &str, needles: &Needles, found: &mut Vec<Finding>) {
    if let Some(path) = &elf.interpreter
        && (!path.starts_with('/') || needles.is_foreign(path))
    {
        let finding = Finding::new(&rules::INTERPRETER_FOREIGN, object, format!("its loader is `{path}`"));
        found.push(finding.because(Evidence::value("PT_INTERP", path)));
    }
    for name in elf.needed.iter().filter(|name| name.contains('/')) {
        let finding = Finding::new(&rules::NEEDED_PATH, object, format!("it needs the path `{name}`"));
        found.push(finding.because(Evidence::value("DT_NEEDED", name)));
    }
}

fn memory(elf: &Elf, object: &str, found: &mut Vec<Finding>) {
    if elf.text_relocations {
        let finding = Finding::new(&rules::TEXT_RELOCATIONS, object, "its code is relocated when it is loaded");
        found.push(finding.because(Evidence::value("dynamic section", "DT_TEXTREL")));
    }
    let linked = elf.kind == raw::ET_EXEC.0 || elf.kind == raw::ET_DYN.0;
    match elf.stack {
        Stack::Executable => {
            let place = if elf.is_relocatable() { ".note.GNU-stack" } else { "PT_GNU_STACK" };
            let finding = Finding::new(&rules::EXECUTABLE_STACK, object, "it asks for an executable stack");
            found.push(finding.because(Evidence::value(place, "executable")));
        }
        Stack::Unsaid if linked && elf.dynamic => {
            let finding = Finding::new(&rules::EXECUTABLE_STACK, object, "it does not say that its stack is plain");
            found.push(finding.because(Evidence::value("PT_GNU_STACK", "missing: loaders take that for executable")));
        }
        _ => {}
    }
    if elf.writable_code && linked {
        let finding = Finding::new(&rules::WRITABLE_CODE, object, "it has a segment that is writable and executable");
        found.push(finding.because(Evidence::value("PT_LOAD", "read, write, execute")));
    }
}

/// glibc marks what is linked with it by the kernel that it needs; other C libraries do not.
fn statics(elf: &Elf, bytes: &[u8], object: &str, found: &mut Vec<Finding>) {
    if !elf.is_static() || elf.kernel.is_none() {
        return;
    }
    // The path is in the program as soon as the code that reads it is, stripped or not.
    if memchr::memmem::find(bytes, b"/etc/nsswitch.conf").is_some() {
        let finding = Finding::new(&rules::STATIC_NSS, object, "it is static, of glibc, and looks names up");
        found.push(finding.because(Evidence::value("constant", "/etc/nsswitch.conf")));
    }
    let calls: Vec<&str> = elf.static_calls.iter().map(String::as_str).collect();
    if !calls.is_empty() {
        let finding =
            Finding::new(&rules::STATIC_DLOPEN, object, "it is static, of glibc, and loads objects at run time");
        found.push(finding.because(Evidence::value("calls", calls.join(", "))));
    }
}

fn origin(elf: &Elf, object: &str, needles: &Needles, compilers: &[String], found: &mut Vec<Finding>) {
    // What lies below a build directory is found as a leak; the directory itself is no path to be found by its bytes.
    let bare = |path: &&String| needles.is_foreign(path) && path.matches('/').count() == 1;
    if let Some(path) = elf.directories.iter().find(bare) {
        let finding = Finding::new(&rules::LEAK_BUILD_PATH, object, format!("it was compiled in `{path}`"));
        found.push(finding.because(Evidence::value("DWARF", path)));
    }
    let own = |path: &&String| SOURCES.iter().any(|start| path.starts_with(start)) || *path == "/";
    let foreign: Vec<&String> = elf.directories.iter().filter(|path| !own(path) && !needles.is_foreign(path)).collect();
    if let Some(first) = foreign.first() {
        let mut finding =
            Finding::new(&rules::DWARF_BUILD_PATH, object, format!("its debugging information names `{first}`"));
        finding.evidence = foreign.iter().take(SHOWN).map(|path| Evidence::value("DWARF", path.as_str())).collect();
        finding.more = foreign.len().saturating_sub(SHOWN) as u64;
        found.push(finding);
    }
    let expected = |name: &&String| compilers.iter().any(|start| name.starts_with(start.as_str()));
    let strange: Vec<&String> = elf.compilers.iter().filter(|name| !expected(name)).collect();
    if let (false, Some(first)) = (compilers.is_empty(), strange.first()) {
        let mut finding = Finding::new(&rules::TOOLCHAIN_UNEXPECTED, object, format!("`{first}` had a part in it"));
        finding.evidence =
            strange.iter().take(SHOWN).map(|name| Evidence::value(".comment, DW_AT_producer", name.as_str())).collect();
        finding.more = strange.len().saturating_sub(SHOWN) as u64;
        found.push(finding);
    }
}
