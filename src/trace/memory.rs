//! Strings and pointers in the memory of a process that waits.

use rustix::io::Errno;

use crate::sys::remote;

const PAGE: usize = 4096;
/// Longest path (PATH_MAX), and longest argument that is kept whole.
const LONGEST: usize = 4096;
/// Most bytes of arguments that are kept.
pub(super) const ARGUMENTS: usize = 128 << 10;
/// How much of a string is asked for at first: most are shorter.
const GUESS: usize = 128;

/// From an address, as much as is surely in one page, and at most this.
fn within(address: u64, most: usize) -> usize {
    (PAGE - address as usize % PAGE).min(most)
}

/// Reads a string up to its NUL into `into`; of a longer one the first [`LONGEST`] bytes, and gives whether it was
/// whole.
///
/// # Errors
/// The memory is not there, or may not be read.
pub(super) fn string(thread: u32, address: u64, into: &mut Vec<u8>) -> Result<bool, Errno> {
    into.clear();
    let mut at = address;
    let mut guess = GUESS;
    while into.len() < LONGEST {
        let want = within(at, guess);
        let had = into.len();
        into.resize(had + want, 0);
        let got = match remote::read(thread, &[(at, want)], &mut into[had..]) {
            Ok(0) => Err(Errno::FAULT),
            other => other,
        };
        into.truncate(had + *got.as_ref().unwrap_or(&0));
        let got = got?;
        if let Some(end) = into[had..].iter().position(|byte| *byte == 0) {
            into.truncate(had + end);
            return Ok(true);
        }
        at = at.wrapping_add(got as u64);
        guess = PAGE;
    }
    Ok(false)
}

/// Reads `N` bytes.
pub(super) fn bytes<const N: usize>(thread: u32, address: u64) -> Option<[u8; N]> {
    let mut out = [0; N];
    (remote::read(thread, &[(address, N)], &mut out) == Ok(N)).then_some(out)
}

/// Reads the strings of an array that ends with a null pointer, and says whether something was left out.
pub(super) fn strings(thread: u32, address: u64) -> (Vec<Vec<u8>>, bool) {
    let mut out: Vec<Vec<u8>> = Vec::new();
    let mut total = 0;
    let mut at = address;
    let mut page = [0; PAGE];
    loop {
        // Aligned as the kernel wants it or not: what is read does not cross a page.
        let want = within(at, 512);
        let Ok(got) = remote::read(thread, &[(at, want)], &mut page[..want]) else { return (out, address != 0) };
        let pointers: Vec<u64> = page[..got].as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        if pointers.is_empty() {
            // An array that is not aligned and crosses a page.
            let Some(one) = bytes::<8>(thread, at) else { return (out, true) };
            match u64::from_le_bytes(one) {
                0 => return (out, false),
                pointer => append(thread, &[pointer], &mut out, &mut total),
            }
            at = at.wrapping_add(8);
        } else {
            let end = pointers.iter().position(|pointer| *pointer == 0);
            let whole = &pointers[..end.unwrap_or(pointers.len())];
            whole.chunks(remote::PIECES).for_each(|some| append(thread, some, &mut out, &mut total));
            if end.is_some() {
                return (out, total > ARGUMENTS);
            }
            at = at.wrapping_add(8 * pointers.len() as u64);
        }
        if total > ARGUMENTS {
            return (out, true);
        }
    }
}

/// Reads strings: the beginnings of all with one call, the rest of the long ones each by itself.
fn append(thread: u32, pointers: &[u64], out: &mut Vec<Vec<u8>>, total: &mut usize) {
    let mut pieces = [(0, 0); remote::PIECES];
    for (piece, pointer) in pieces.iter_mut().zip(pointers) {
        *piece = (*pointer, within(*pointer, GUESS));
    }
    let pieces = &pieces[..pointers.len().min(remote::PIECES)];
    let mut all = vec![0; pieces.iter().map(|(_, length)| length).sum()];
    let got = remote::read(thread, pieces, &mut all).unwrap_or(0);
    let mut at = 0;
    for (address, length) in pieces {
        let have = all.get(at..(at + length).min(got)).unwrap_or_default();
        at += length;
        let text = match have.iter().position(|byte| *byte == 0) {
            Some(end) => have[..end].to_vec(),
            None => long(thread, *address),
        };
        *total += text.len() + 1;
        if *total > ARGUMENTS {
            return;
        }
        out.push(text);
    }
}

fn long(thread: u32, address: u64) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut part = Vec::new();
    while whole.len() < ARGUMENTS {
        match string(thread, address.wrapping_add(whole.len() as u64), &mut part) {
            Ok(ended) => {
                whole.extend_from_slice(&part);
                if ended {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    whole
}
