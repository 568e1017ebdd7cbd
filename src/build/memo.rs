//! Work that several threads want and one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Values by key, each made once: who comes while it is being made waits for it. A failure is not remembered.
pub(super) struct Memo<K, V> {
    cells: Mutex<BTreeMap<K, Arc<Mutex<Option<V>>>>>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self { cells: Mutex::default() }
    }
}

impl<K: Ord + Clone, V: Clone> Memo<K, V> {
    /// The value of `key`, made by `make` if nobody did so before.
    pub(super) fn get<E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.clone()).or_default())
        };
        let mut value = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = value.as_ref() {
            return Ok(value.clone());
        }
        let made = make()?;
        *value = Some(made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_and_a_failure_is_tried_again() {
        let memo: Memo<u8, u8> = Memo::default();
        assert_eq!(memo.get(&1, || Err("no")), Err("no"));
        assert_eq!(memo.get(&1, || Ok::<_, ()>(5)), Ok(5));
        assert_eq!(memo.get(&1, || Err("never asked")), Ok(5));
    }
}
