//! Statements that go with an image: they are added to its layout, a folder or a tar.
//!
//! Nothing that is there changes but the layout's index. A tar is written anew beside the old one and takes its name when it
//! is whole; in a folder the index is replaced last, when all that it names is there.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::Path;

use super::error::Error;
use super::packer::unwritten;
use crate::fs::{self, Dir};
use crate::image::oci::{Attached, Referrer, Sink, TarSink, attach as add, referrers_place};

const INDEX: &str = "index.json";
const VERSION: &str = "oci-layout";
/// An index or a manifest is small.
const LARGEST: u64 = 4 << 20;

/// Adds what refers to the image of the layout at `path`: again and again the same once.
///
/// # Errors
/// There is no layout with one image, or it cannot be written.
pub fn attach(path: &Path, referrers: &[Referrer<'_>]) -> Result<Attached, Error> {
    if fs::exists(&path.join(INDEX))? { to_folder(path, referrers) } else { to_tar(path, referrers) }
}

fn to_folder(path: &Path, referrers: &[Referrer<'_>]) -> Result<Attached, Error> {
    let index = fs::read(&path.join(INDEX))?;
    let list = referrers_place(&index)?.map(|place| fs::read(&path.join(place))).transpose()?;
    let attached = add(&index, list.as_deref(), referrers)?;
    for (place, bytes) in &attached.blobs {
        let place = path.join(place);
        if !fs::exists(&place)? {
            fs::replace(&place, bytes)?;
        }
    }
    fs::replace(&path.join(INDEX), &attached.index)?;
    if let Some(gone) = &attached.gone {
        fs::remove_file(&path.join(gone))?;
    }
    Ok(attached)
}

fn to_tar(path: &Path, referrers: &[Referrer<'_>]) -> Result<Attached, Error> {
    let wrong = |reason: &str| Error::Layout { path: path.display().to_string(), reason: reason.to_owned() };
    let mut index = None;
    let mut time = 0;
    each(path, &mut |name, found, entry| {
        time = found;
        if name == INDEX {
            index = Some(small(entry)?);
        }
        Ok(())
    })?;
    let index = index.ok_or_else(|| wrong("it has no `index.json`"))?;
    let mut list = None;
    if let Some(place) = referrers_place(&index)? {
        each(path, &mut |name, _, entry| {
            if name == place {
                list = Some(small(entry)?);
            }
            Ok(())
        })?;
        if list.is_none() {
            return Err(wrong("a blob that its index names is missing"));
        }
    }
    let mut attached = add(&index, list.as_deref(), referrers)?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| wrong("its name is no UTF-8"))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = Dir::open(parent)?;
    let partial = format!(".{name}.repro-partial");
    folder.remove(&partial)?;
    let out = folder.create(&partial, 0o644)?;
    let written = rewrite(path, out, time, &mut attached);
    if let Err(error) = written {
        folder.remove(&partial)?;
        return Err(error);
    }
    folder.rename(&partial, &folder, name)?;
    Ok(attached)
}

/// Everything that stays, in its order, then what is new, and the index and the version last.
fn rewrite(path: &Path, out: File, time: u32, attached: &mut Attached) -> Result<(), Error> {
    let mut sink = TarSink::new(BufWriter::with_capacity(1 << 18, out), time);
    let mut version = None;
    let mut new = attached.blobs.clone();
    each(path, &mut |name, _, entry| {
        if name == VERSION {
            version = Some(small(entry)?);
        } else if name != INDEX && attached.gone.as_deref() != Some(name) {
            new.remove(name);
            sink.begin()?;
            io::copy(entry, &mut sink)?;
            sink.end(name)?;
        }
        Ok(())
    })?;
    new.insert(INDEX.to_owned(), attached.index.clone());
    let mut files: Vec<(String, Vec<u8>)> = new.into_iter().collect();
    files.extend(version.map(|version| (VERSION.to_owned(), version)));
    for (name, bytes) in files {
        sink.begin().and_then(|()| sink.write_all(&bytes)).and_then(|()| sink.end(&name)).map_err(unwritten)?;
    }
    sink.finish().map(drop).map_err(unwritten)
}

/// Calls `visit` with the name, the time and the bytes of each file of a tar.
fn each(path: &Path, visit: &mut dyn FnMut(&str, u32, &mut dyn Read) -> io::Result<()>) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Layout { path: path.display().to_string(), reason: source.to_string() };
    let mut archive = tar::Archive::new(io::BufReader::new(fs::open(path)?));
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        if entry.header().entry_type() == tar::EntryType::Directory {
            continue;
        }
        let bytes = entry.path_bytes().into_owned();
        let name = String::from_utf8(bytes).map_err(io::Error::other).map_err(failed)?;
        let name = name.trim_start_matches("./");
        let is_blob = name.strip_prefix("blobs/").is_some_and(|rest| !rest.split('/').any(|part| part == ".."));
        if entry.header().entry_type() != tar::EntryType::Regular || !(is_blob || name == INDEX || name == VERSION) {
            return Err(failed(io::Error::other(format!("`{}` is no file of an image layout", name.escape_debug()))));
        }
        let time = entry.header().mtime().ok().and_then(|time| u32::try_from(time).ok()).unwrap_or(0);
        visit(name, time, &mut entry).map_err(failed)?;
    }
    Ok(())
}

fn small(entry: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(io::Error::other("an index of more than 4 MiB")) } else { Ok(bytes) }
}
