//! A hash table of small numbers, whose keys lie elsewhere.
//!
//! The standard one has a random order and a slow hash; this one is never listed, only asked.

/// Numbers, found by what they stand for.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// A number plus one; 0 is empty. The length is a power of two, or nothing yet.
    slots: Vec<u32>,
    len: usize,
}

impl Table {
    /// The number with this hash of which `same` holds.
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            match self.slots[at].checked_sub(1) {
                None => return None,
                Some(number) if same(number) => return Some(number),
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    /// Adds a number that is not there; `hash_of` gives the hashes of all, this one too.
    pub(super) fn insert(&mut self, number: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.len + 1) * 2 > self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![0; (old.len() * 2).max(64)];
            for number in old.into_iter().filter_map(|slot| slot.checked_sub(1)) {
                self.put(number, hash_of(number));
            }
        }
        self.put(number, hash_of(number));
        self.len += 1;
    }

    fn put(&mut self, number: u32, hash: u64) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = number + 1;
    }
}

/// A hash of a number and bytes. Whoever makes them collide slows down the tracing of the own stage.
pub(super) fn hash(number: u64, bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| {
        let wide = u128::from(state ^ word) * u128::from(ODD);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let state = words.iter().fold(mix(ODD, number), |state, word| mix(state, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(state, u64::from_le_bytes(last)), bytes.len() as u64)
}
