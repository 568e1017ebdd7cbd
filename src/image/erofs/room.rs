//! Room for inodes.

use super::BLOCK;

/// What an inode's place is a multiple of.
pub(super) const SLOT: u64 = 32;
/// How many blocks back an inode may be put: that keeps those of one folder near each other.
const BACK: usize = 64;

/// Finds places in blocks, of which any number follows the last.
#[derive(Debug)]
pub(super) struct Room {
    /// Blocks with room, the newest last: number, and bytes taken.
    open: Vec<(u64, u64)>,
    /// The first block that is not taken.
    pub next: u64,
}

impl Room {
    pub fn new(next: u64) -> Self {
        Self { open: Vec::new(), next }
    }

    /// A place for `size` bytes: in one block if they fit into one, else in blocks of their own.
    pub fn take(&mut self, size: u64) -> u64 {
        let found = self.open.iter_mut().filter(|(_, taken)| taken + size <= BLOCK).max_by_key(|(_, taken)| *taken);
        if let Some((block, taken)) = found {
            let at = *block * BLOCK + *taken;
            *taken = (*taken + size).next_multiple_of(SLOT);
            return at;
        }
        let at = self.next * BLOCK;
        self.next += size.div_ceil(BLOCK).max(1);
        if self.open.len() == BACK {
            self.open.remove(0);
        }
        let taken = (at + size).next_multiple_of(SLOT) - (self.next - 1) * BLOCK;
        self.open.push((self.next - 1, taken));
        at
    }
}
