//! Locking.
