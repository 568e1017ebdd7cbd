//! What a program is given at its start: the auxiliary vector, above its environment on the stack (getauxval(3)).

use rustix::io::Errno;

use crate::sys::{Registers, remote};

/// Words that are read at a time.
const WORDS: usize = 512;
/// Most words that are looked through: arguments and environment have at most 6 MiB, each of them a byte and a pointer.
const MOST: u64 = 8 << 20;

const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_RANDOM: u64 = 25;
const AT_SYSINFO_EHDR: u64 = 33;

/// Reads words of a process's memory in order.
struct Words {
    thread: i32,
    /// Address of the next word.
    at: u64,
    read: Vec<u64>,
    next: usize,
}

impl Words {
    fn next(&mut self) -> Result<u64, Errno> {
        if self.next == self.read.len() {
            // Up to the end of a page: what lies behind it need not be there.
            let want = (4096 - self.at as usize % 4096).min(WORDS * 8);
            let mut bytes = vec![0; want];
            let got = remote::read(self.thread as u32, &[(self.at, want)], &mut bytes)?;
            let words = bytes[..got].as_chunks::<8>().0;
            self.read = words.iter().map(|word| u64::from_ne_bytes(*word)).collect();
            self.next = 0;
        }
        let word = self.read.get(self.next).copied().ok_or(Errno::FAULT)?;
        self.next += 1;
        self.at += 8;
        Ok(word)
    }
}

/// Hides the vDSO, and gives the program other random bytes if there are any.
pub(super) fn prepare(thread: i32, random: Option<[u8; 16]>) -> Result<(), Errno> {
    let stack = Registers::of(thread)?.stack();
    let mut words = Words { thread, at: stack, read: Vec::new(), next: 0 };
    let arguments = words.next()?;
    if arguments > MOST {
        return Err(Errno::TOOBIG);
    }
    // The arguments and the NULL behind them, then the environment.
    for _ in 0..=arguments {
        words.next()?;
    }
    while words.next()? != 0 {
        if words.at - stack > 8 * MOST {
            return Err(Errno::TOOBIG);
        }
    }
    loop {
        let at = words.at;
        let (kind, value) = (words.next()?, words.next()?);
        match (kind, random) {
            (AT_NULL, _) => return Ok(()),
            (AT_SYSINFO_EHDR, _) => remote::write(thread as u32, at, &AT_IGNORE.to_ne_bytes())?,
            (AT_RANDOM, Some(random)) => remote::write(thread as u32, value, &random)?,
            _ => {}
        }
        if at - stack > 9 * MOST {
            return Err(Errno::TOOBIG);
        }
    }
}
