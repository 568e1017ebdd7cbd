//! Who lost: files of the same name in other folders of a search path.

use super::answer::{Lost, Search};
use super::error::Error;
use super::index::Index;
use super::inputs::{Inputs, Item, Trees};
use super::what::What;
use crate::trace::{PathId, ROOT, Ways};

/// Where compilers and linkers look by default, on this machine and below `/target`.
const HEADERS: [&str; 3] = ["/usr/include", "/usr/local/include", "/target/usr/include"];
const LIBRARIES: [&str; 6] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/local/lib",
    "/target/usr/lib",
];

/// How a header, start file or library was found that a process read; none if there was nothing to choose.
///
/// Folders are those that the process asked about, those in its command line and those where compilers look by
/// themselves. What is called lost was not necessarily on the search path: it is what a wrong path would have found.
pub(super) fn search(
    index: &mut Index,
    inputs: &Inputs,
    trees: &mut Trees<'_>,
    winner: PathId,
    reader: u32,
    what: What,
) -> Result<Option<Search>, Error> {
    let (fixed, option): (&[&str], &[&[u8]]) = match what {
        What::Header => (&HEADERS, &[b"-I", b"-isystem", b"-iquote", b"-idirafter"]),
        What::StartFile | What::Archive | What::Library => (&LIBRARIES, &[b"-L"]),
        _ => return Ok(None),
    };
    let mut folders: Vec<PathId> = Vec::new();
    let mut absent: Vec<PathId> = Vec::new();
    for touch in index.touches(reader) {
        let name = index.names.name(touch.path);
        let whole = touch.any(Ways::LOOKED.and(Ways::LISTED)) && !touch.any(Ways::ABSENT.and(Ways::READ));
        if whole && (name.starts_with(b"include") || name.starts_with(b"lib")) {
            folders.push(touch.path);
        }
        if touch.any(Ways::ABSENT) && !touch.any(Ways::READ) && touch.path != winner && name == index.names.name(winner)
        {
            absent.push(touch.path);
        }
    }
    let mut named: Vec<(PathId, Vec<u8>)> = Vec::new();
    for program in index.programs(reader) {
        let mut words = program.arguments.iter();
        while let Some(word) = words.next() {
            let Some(rest) = option.iter().find_map(|option| word.strip_prefix(*option)) else { continue };
            let folder = if rest.is_empty() { words.next().map(Vec::as_slice) } else { Some(rest) };
            named.extend(folder.map(|folder| (program.directory, folder.to_vec())));
        }
    }
    folders.extend(named.iter().map(|(from, folder)| index.names.find(*from, folder)));
    folders.extend(fixed.iter().map(|folder| index.names.find(ROOT, folder.as_bytes())));
    folders.sort_unstable();
    folders.dedup();
    // What was asked for is the path below the folder that it was found in.
    let mut parts = 1;
    let mut at = index.names.parent(winner);
    let mut asked = 1;
    while at != ROOT {
        if folders.binary_search(&at).is_ok() {
            asked = parts;
            break;
        }
        (at, parts) = (index.names.parent(at), parts + 1);
    }
    let mut found = Search::default();
    // Others that end alike were asked for by another name: `sys/x.h` is not `x.h`.
    absent.retain(|path| index.names.shared_end(*path, winner) >= asked);
    found.absent.extend(absent.iter().map(|path| index.names.text(index.names.above(*path, asked))));
    found.absent.sort();
    found.absent.dedup();
    let won = index.names.text(winner);
    let suffix = index
        .names
        .text(winner)
        .rsplitn(asked + 1, '/')
        .take(asked)
        .fold(String::new(), |rest, part| if rest.is_empty() { part.to_owned() } else { format!("{part}/{rest}") });
    for folder in folders {
        let path = format!("{}/{suffix}", index.names.text(folder));
        let Some((path, there)) = inputs.resolve(trees, &path)? else { continue };
        if let Item::File(digest) = there.item
            && path != won
            && found.lost.iter().all(|lost| lost.path != path)
        {
            let root = &inputs.roots[there.root];
            found.lost.push(Lost { path, role: root.role, input: root.name.clone(), digest });
        }
    }
    Ok((!found.absent.is_empty() || !found.lost.is_empty()).then_some(found))
}
