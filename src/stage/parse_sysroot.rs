//! `sysroots/<name>.toml` and `sysroots/archives.toml`: from text to types, and `extends` resolved.

use std::collections::{BTreeMap, BTreeSet};

use super::mistake::{Mistake, did_you_mean};
use super::reader::{At, Doc, Fields};
use super::sysroot::{ArchiveDef, PackageWin, SysrootDef, SysrootFile, SysrootLink};
use super::values::{self, Wrong};

/// Keys of the tables, which the schema must have too.
pub(super) const SYSROOT: &[&str] =
    &["schema", "summary", "archive", "extends", "packages", "exclude", "remove", "links", "files", "dirs", "wins"];
pub(super) const LINK: &[&str] = &["path", "to"];
pub(super) const FILE: &[&str] = &["path", "text", "mode"];
pub(super) const PACKAGE_WIN: &[&str] = &["path", "package"];
pub(super) const ARCHIVE: &[&str] = &["suite", "component", "architecture", "base", "keys"];

/// A definition with the places of what only all definitions together can check.
pub(super) struct ParsedSysroot {
    pub def: SysrootDef,
    pub archive: Option<At<String>>,
    pub extends: Vec<At<String>>,
}

/// Reads one sysroot, `extends` not yet resolved. Without a result the text was no TOML.
pub(super) fn sysroot(name: &str, file: &str, text: &str) -> (Option<ParsedSysroot>, Vec<Mistake>) {
    let doc = Doc::new(file, text);
    let parsed = doc.parse().map(|table| read_sysroot(name, &Fields::new(&doc, &table, 0..0)));
    (parsed, doc.finish())
}

fn read_sysroot(name: &str, fields: &Fields<'_, '_>) -> ParsedSysroot {
    fields.only(SYSROOT);
    fields.schema();
    let summary = fields.required("summary", "summary = \"what the sysroot is for\"");
    let archive = fields.string("archive");
    let extends = fields.set("extends");
    if archive.is_none() && extends.is_empty() && !fields.has("archive") {
        fields.missing("archive", "archive = \"NAME\"");
    }
    let checked = |key: &str, check: fn(&str) -> Result<(), Wrong>| -> Vec<String> {
        let good = |at: &At<String>| fields.doc.take(&at.span, check(&at.value)).is_some();
        fields.set(key).into_iter().filter(good).map(|at| at.value).collect()
    };
    let def = SysrootDef {
        name: name.to_owned(),
        summary: summary.map_or_else(String::new, |at| at.value),
        archive: archive.as_ref().map_or_else(String::new, |at| at.value.clone()),
        packages: checked("packages", values::name),
        exclude: checked("exclude", values::name),
        remove: checked("remove", values::glob),
        links: links(fields),
        files: files(fields),
        dirs: checked("dirs", values::relative_path),
        wins: wins(fields),
    };
    let mut paths = BTreeSet::new();
    let made = def.links.iter().map(|l| &l.path).chain(def.files.iter().map(|f| &f.path)).chain(&def.dirs);
    for path in made.filter(|path| !paths.insert(path.as_str())) {
        fields.doc.wrong(&fields.span, format!("`{path}` is made twice by `links`, `files` and `dirs`"), None);
    }
    ParsedSysroot { def, archive, extends }
}

/// A path of an entry in a list of tables.
fn path(entry: &Fields<'_, '_>, example: &str) -> Option<String> {
    let found = entry.required("path", example)?;
    entry.doc.take(&found.span, values::relative_path(&found.value))?;
    Some(found.value)
}

fn links(fields: &Fields<'_, '_>) -> Vec<SysrootLink> {
    let read = |entry: Fields<'_, '_>| {
        entry.only(LINK);
        let (path, to) = (path(&entry, "path = \"usr/bin/awk\""), entry.required("to", "to = \"gawk\""));
        Some(SysrootLink { path: path?, to: to?.value })
    };
    fields.tables("links").into_iter().filter_map(read).collect()
}

fn files(fields: &Fields<'_, '_>) -> Vec<SysrootFile> {
    let read = |entry: Fields<'_, '_>| {
        entry.only(FILE);
        let path = path(&entry, "path = \"etc/hosts\"");
        if !entry.has("text") {
            entry.missing("text", "text = \"\"");
        }
        let text = entry.string("text");
        let mode = entry.string("mode").map(|at| entry.doc.take(&at.span, values::mode(&at.value)));
        Some(SysrootFile { path: path?, text: text?.value, mode: mode.flatten().unwrap_or(0o644) })
    };
    fields.tables("files").into_iter().filter_map(read).collect()
}

fn wins(fields: &Fields<'_, '_>) -> Vec<PackageWin> {
    let read = |entry: Fields<'_, '_>| {
        entry.only(PACKAGE_WIN);
        let path = entry.required("path", "path = \"usr/bin/*\"");
        let package = entry.required("package", "package = \"NAME\"");
        let path = path.filter(|at| entry.doc.take(&at.span, values::glob(&at.value)).is_some());
        let package = package.filter(|at| entry.doc.take(&at.span, values::name(&at.value)).is_some());
        Some(PackageWin { path: path?.value, package: package?.value })
    };
    fields.tables("wins").into_iter().filter_map(read).collect()
}

/// Reads `sysroots/archives.toml`. Without a result the text was no TOML.
pub(super) fn archives(file: &str, text: &str) -> (Option<BTreeMap<String, ArchiveDef>>, Vec<Mistake>) {
    let doc = Doc::new(file, text);
    let archives = doc.parse().map(|table| read_archives(&Fields::new(&doc, &table, 0..0)));
    (archives, doc.finish())
}

fn read_archives(fields: &Fields<'_, '_>) -> BTreeMap<String, ArchiveDef> {
    let mut archives = BTreeMap::new();
    if fields.has("schema") {
        fields.schema();
    }
    for key in fields.keys("schema") {
        fields.doc.take(&key.span, values::name(&key.value));
        let Some(entry) = fields.table(&key.value) else { continue };
        entry.only(ARCHIVE);
        let text = |field: &str, example: &str, check: fn(&str) -> Result<(), Wrong>| {
            let found = entry.required(field, example);
            let good = found.filter(|at| entry.doc.take(&at.span, check(&at.value)).is_some());
            good.map_or_else(String::new, |at| at.value)
        };
        let definition = ArchiveDef {
            name: key.value.clone(),
            suite: text("suite", "suite = \"bookworm\"", values::name),
            component: text("component", "component = \"main\"", values::name),
            architecture: text("architecture", "architecture = \"amd64\"", values::name),
            base: text("base", "base = \"mirror://NAME/\"", values::base_url),
            keys: text("keys", "keys = \"sysroots/keys/NAME.asc\"", values::relative_path),
        };
        archives.insert(key.value, definition);
    }
    archives
}

/// A file that was read: its path, its text, what it says.
pub(super) type Read<T> = (String, String, T);

/// Resolves `extends`, and checks the names of archives and of definitions that are extended. `known` are the names of
/// all definition files, also of those that could not be read.
pub(super) fn resolve(
    parsed: &BTreeMap<String, Read<ParsedSysroot>>,
    known: &BTreeSet<String>,
    archives: Option<&BTreeMap<String, ArchiveDef>>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<String, SysrootDef> {
    let mut done: BTreeMap<String, SysrootDef> = BTreeMap::new();
    for (file, text, one) in parsed.values() {
        if let (Some(archives), Some(at)) = (archives, &one.archive)
            && !archives.contains_key(&at.value)
        {
            let help = did_you_mean(&at.value, archives.keys().map(String::as_str))
                .or_else(|| Some("archives are defined in `sysroots/archives.toml`".to_owned()));
            let message = format!("there is no archive `{}`", at.value.escape_debug());
            mistakes.push(Mistake::at(file, text, &at.span, message, help));
        }
        for at in one.extends.iter().filter(|at| !known.contains(&at.value)) {
            let message = format!("there is no sysroot `{}`", at.value.escape_debug());
            let help = did_you_mean(&at.value, known.iter().map(String::as_str));
            mistakes.push(Mistake::at(file, text, &at.span, message, help));
        }
    }
    for name in parsed.keys() {
        visit(name, parsed, &mut done, &mut Vec::new(), mistakes);
    }
    done
}

fn visit(
    name: &str,
    parsed: &BTreeMap<String, Read<ParsedSysroot>>,
    done: &mut BTreeMap<String, SysrootDef>,
    path: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) {
    let Some((file, text, one)) = parsed.get(name).filter(|_| !done.contains_key(name)) else { return };
    path.push(name.to_owned());
    let mut whole = SysrootDef {
        packages: Vec::new(),
        remove: Vec::new(),
        links: Vec::new(),
        files: Vec::new(),
        dirs: Vec::new(),
        ..one.def.clone()
    };
    for at in &one.extends {
        if let Some(start) = path.iter().position(|seen| *seen == at.value) {
            let cycle: Vec<String> = path[start..].iter().chain([&at.value]).map(|n| format!("`{n}`")).collect();
            let message = format!("sysroots extend each other: {}", cycle.join(" -> "));
            mistakes.push(Mistake::at(file, text, &at.span, message, Some("take one of them out".to_owned())));
            continue;
        }
        visit(&at.value, parsed, done, path, mistakes);
        let Some(base) = done.get(&at.value) else { continue };
        if whole.archive.is_empty() {
            whole.archive.clone_from(&base.archive);
        } else if whole.archive != base.archive && !base.archive.is_empty() {
            let message =
                format!("`{}` takes packages from `{}`, not from `{}`", at.value, base.archive, whole.archive);
            mistakes.push(Mistake::at(file, text, &at.span, message, Some("a sysroot has one archive".to_owned())));
        }
        take_over(&mut whole, base);
    }
    take_over(&mut whole, &one.def);
    path.pop();
    done.insert(name.to_owned(), whole);
}

/// Adds the lists of `from`; for one path, what comes later replaces what came before.
fn take_over(whole: &mut SysrootDef, from: &SysrootDef) {
    fn union(whole: &mut Vec<String>, from: &[String]) {
        let seen: BTreeSet<String> = whole.iter().cloned().collect();
        whole.extend(from.iter().filter(|item| !seen.contains(*item)).cloned());
    }
    union(&mut whole.packages, &from.packages);
    union(&mut whole.remove, &from.remove);
    union(&mut whole.dirs, &from.dirs);
    whole.links.retain(|link| from.links.iter().all(|other| other.path != link.path));
    whole.links.extend(from.links.iter().cloned());
    whole.files.retain(|file| from.files.iter().all(|other| other.path != file.path));
    whole.files.extend(from.files.iter().cloned());
}
