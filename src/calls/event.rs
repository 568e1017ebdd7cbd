//! What is told of a stage's processes while it runs, by programs inside the kernel or by a tracer, in the same form.
//!
//! An event has a head of [`HEAD`] bytes, in the machine's byte order, and after it the strings that were read.

/// Bytes of a head.
pub const HEAD: usize = 80;
/// Longest string (PATH_MAX), with its NUL.
pub const STRING: usize = 4096;
/// Bytes of arguments in one event.
pub const PIECE: usize = 4096;
/// Most pieces of arguments that one program has: 128 KiB and a little.
pub const PIECES: usize = 33;
/// Bytes in which an event is put together: a head and two strings, rounded up.
pub const SCRATCH: usize = 16 << 10;

/// Offsets of the head's fields.
pub mod at {
    /// What happened, a [`Kind`](super::Kind): 4 bytes.
    pub const KIND: i16 = 0;
    /// Number of the stage: 4 bytes.
    pub const STAGE: i16 = 4;
    /// Number of the thread: 4 bytes.
    pub const THREAD: i16 = 8;
    /// Number of its process: 4 bytes.
    pub const PROCESS: i16 = 12;
    /// Number of the call, of the new process, or of the piece; the exit status: 4 bytes.
    pub const NUMBER: i16 = 16;
    /// Length of the first string with its NUL, or of the bytes in its place: 2 bytes. 0: nothing could be read.
    pub const FIRST: i16 = 20;
    /// Length of the second string with its NUL: 2 bytes.
    pub const SECOND: i16 = 22;
    /// What the call gave: 8 bytes.
    pub const RESULT: i16 = 24;
    /// The call's arguments: 48 bytes. Of a new process the first is its number inside the sandbox.
    pub const ARGUMENTS: i16 = 32;
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A call has come to its end.
    Call = 1,
    /// There is a new process.
    Fork = 2,
    /// A process has become another program; the strings are its name and that of the file that was really executed, which
    /// is the interpreter of a script.
    Execute = 3,
    /// Some bytes of the new program's arguments, in order. None: there are more than are told.
    Arguments = 4,
    /// A process has ended.
    Exit = 5,
    /// A process has asked for something that is not the same in each run: the first string says what.
    Asked = 6,
}

/// An event, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// What happened; none: it is unknown.
    pub kind: Option<Kind>,
    /// Number of the stage.
    pub stage: u32,
    /// Number of the process.
    pub process: u32,
    /// See [`at::NUMBER`].
    pub number: u32,
    /// What the call gave, or minus an error number.
    pub result: i64,
    /// The call's arguments.
    pub arguments: [u64; 6],
    /// The first string with its NUL, or the bytes in its place. Empty: they could not be read.
    pub first: &'a [u8],
    /// The second string with its NUL.
    pub second: &'a [u8],
    /// All after the head.
    pub rest: &'a [u8],
}

impl<'a> Event<'a> {
    /// Takes it apart. None: it is shorter than it says.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let word = |at: i16| head[at as usize..].first_chunk().map_or(0, |word| u32::from_ne_bytes(*word));
        let half = |at: i16| head[at as usize..].first_chunk().map_or(0, |half| usize::from(u16::from_ne_bytes(*half)));
        let long = |at: i16| head[at as usize..].first_chunk().map_or(0, |long| u64::from_ne_bytes(*long));
        let (first, after) = rest.split_at_checked(half(at::FIRST))?;
        let (second, _) = after.split_at_checked(half(at::SECOND))?;
        let kinds = [Kind::Call, Kind::Fork, Kind::Execute, Kind::Arguments, Kind::Exit, Kind::Asked];
        Some(Self {
            kind: kinds.into_iter().find(|kind| *kind as u32 == word(at::KIND)),
            stage: word(at::STAGE),
            process: word(at::PROCESS),
            number: word(at::NUMBER),
            result: long(at::RESULT) as i64,
            arguments: std::array::from_fn(|index| long(at::ARGUMENTS + 8 * index as i16)),
            first,
            second,
            rest,
        })
    }

    /// Writes it, behind its length in 4 bytes. Only events without strings have a rest of their own.
    pub fn write(&self, out: &mut Vec<u8>) {
        let body: &[&[u8]] =
            if self.first.is_empty() && self.second.is_empty() { &[self.rest] } else { &[self.first, self.second] };
        let length = HEAD + body.iter().map(|part| part.len()).sum::<usize>();
        out.extend_from_slice(&(length as u32).to_ne_bytes());
        let begin = out.len();
        let kind = self.kind.map_or(0, |kind| kind as u32);
        for word in [kind, self.stage, self.process, self.process, self.number] {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        for part in [self.first, self.second] {
            out.extend_from_slice(&(part.len() as u16).to_ne_bytes());
        }
        out.extend_from_slice(&self.result.to_ne_bytes());
        self.arguments.iter().for_each(|argument| out.extend_from_slice(&argument.to_ne_bytes()));
        debug_assert_eq!(out.len() - begin, HEAD);
        body.iter().for_each(|part| out.extend_from_slice(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let event = Event {
            kind: Some(Kind::Call),
            stage: 7,
            process: 8,
            number: 9,
            result: -2,
            arguments: [1, 2, 3, 4, 5, u64::MAX],
            first: b"a\0",
            second: b"bc\0",
            rest: b"a\0bc\0",
        };
        let mut bytes = Vec::new();
        event.write(&mut bytes);
        assert_eq!(bytes.len(), 4 + HEAD + 5);
        assert_eq!(format!("{event:?}"), format!("{:?}", Event::parse(&bytes[4..]).unwrap()));
        for cut in 0..bytes.len() - 4 {
            assert!(Event::parse(&bytes[4..4 + cut]).is_none());
        }
    }
}
