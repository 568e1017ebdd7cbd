//! What the programs in the kernel write, and who reads it.
//!
//! Each record begins with a head of [`HEAD`] bytes; fields are in the machine's byte order.

/// Bytes of a head.
pub(super) const HEAD: usize = 80;
/// Longest string (PATH_MAX), with its NUL.
pub(super) const STRING: usize = 4096;
/// Bytes of arguments in one record.
pub(super) const PIECE: usize = 4096;
/// Most pieces of arguments that one program has: 128 KiB and a little.
pub(super) const PIECES: usize = 33;
/// Bytes in which a record is put together: a head and two strings, rounded up.
pub(super) const SCRATCH: usize = 16 << 10;

/// Offsets of the head's fields.
pub(super) mod at {
    /// What happened, see the constants below: 4 bytes.
    pub(in super::super) const KIND: i16 = 0;
    /// Number of the stage: 4 bytes.
    pub(in super::super) const STAGE: i16 = 4;
    /// Number of the thread, 4 bytes, and of its process, 4 bytes.
    pub(in super::super) const THREAD: i16 = 8;
    /// Number of the call, of the new process, or of the piece; the exit status: 4 bytes.
    pub(in super::super) const NUMBER: i16 = 16;
    /// Lengths of the two strings with their NULs, 2 bytes each. 0: there is none, or it could not be read. Of a
    /// call that has bytes in place of the first string it is their length.
    pub(in super::super) const FIRST: i16 = 20;
    pub(in super::super) const SECOND: i16 = 22;
    /// What the call gave: 8 bytes.
    pub(in super::super) const RESULT: i16 = 24;
    /// The call's arguments: 48 bytes.
    pub(in super::super) const ARGUMENTS: i16 = 32;
}

pub(in crate::trace) const CALL: i32 = 1;
pub(in crate::trace) const FORK: i32 = 2;
pub(in crate::trace) const EXECUTE: i32 = 3;
pub(in crate::trace) const PIECE_OF_ARGUMENTS: i32 = 4;
pub(in crate::trace) const EXIT: i32 = 5;

/// A record, taken apart.
#[derive(Debug, Clone, Copy)]
pub(in crate::trace) struct Record<'a> {
    pub(in crate::trace) kind: i32,
    pub(in crate::trace) stage: u32,
    pub(in crate::trace) process: u32,
    pub(in crate::trace) number: u32,
    pub(in crate::trace) result: i64,
    pub(in crate::trace) arguments: [u64; 6],
    /// Strings with their NULs, or the bytes that are read in place of the first. Empty: they could not be read.
    pub(in crate::trace) first: &'a [u8],
    pub(in crate::trace) second: &'a [u8],
    /// All after the head.
    pub(in crate::trace) rest: &'a [u8],
}

impl<'a> Record<'a> {
    /// None: it is shorter than it says, which the programs never write.
    pub(in crate::trace) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let word = |at: i16| head[at as usize..].first_chunk().map_or(0, |word| u32::from_ne_bytes(*word));
        let half = |at: i16| head[at as usize..].first_chunk().map_or(0, |half| usize::from(u16::from_ne_bytes(*half)));
        let long = |at: i16| head[at as usize..].first_chunk().map_or(0, |long| u64::from_ne_bytes(*long));
        let (first, after) = rest.split_at_checked(half(at::FIRST))?;
        let (second, _) = after.split_at_checked(half(at::SECOND))?;
        Some(Self {
            kind: word(at::KIND) as i32,
            stage: word(at::STAGE),
            process: word(at::THREAD + 4),
            number: word(at::NUMBER),
            result: long(at::RESULT) as i64,
            arguments: std::array::from_fn(|index| long(at::ARGUMENTS + 8 * index as i16)),
            first,
            second,
            rest,
        })
    }
}
