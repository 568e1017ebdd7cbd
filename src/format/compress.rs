//! Decompression that reads every trailer and checks every checksum.
//!
//! A decoder ends only where its input ends: several members after each other are one stream, anything else behind
//! the last member is an error, and so is input that stops early. What comes out is limited, and so is the memory
//! that a hostile header can ask for.

use std::io::{self, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use liblzma::stream::{CONCATENATED, Stream, TELL_UNSUPPORTED_CHECK};

use super::error::Reason;
use super::kind::Codec;

/// Enough for `xz -9` (65 MiB) and for dictionaries up to 1 GiB.
const XZ_MEMORY: u64 = (1 << 30) + (1 << 26);
/// Largest zstd window: 2^27 bytes, what the reference tool takes without being told otherwise.
const ZSTD_WINDOW_LOG: u32 = 27;
/// Bytes handed over at once by [`ahead`], and how many such pieces may wait.
const PIECE: usize = 256 * 1024;
const PIECES: usize = 8;

/// Decompresses `input`, of which at most `limit` bytes may come out.
pub struct Decoder<'a> {
    inner: Box<dyn Read + Send + 'a>,
    codec: Codec,
    limit: u64,
    left: u64,
    ended: bool,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `input`.
    ///
    /// # Errors
    /// The codec's state cannot be allocated.
    pub fn new(codec: Codec, input: impl Read + Send + 'a, limit: u64) -> io::Result<Self> {
        let input = BufReader::with_capacity(64 * 1024, input);
        let inner: Box<dyn Read + Send + 'a> = match codec {
            Codec::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Codec::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
            Codec::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED | TELL_UNSUPPORTED_CHECK)
                    .map_err(io::Error::other)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            Codec::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        };
        Ok(Self { inner, codec, limit, left: limit, ended: false })
    }

    /// The decoders' own errors carry no operating system's code: what does, comes from the file beneath.
    fn translate(&self, error: io::Error) -> io::Error {
        if error.raw_os_error().is_some() {
            return error;
        }
        match error.downcast::<Reason>() {
            Ok(reason) => reason.into(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Reason::Truncated { part: "the compressed data" }.into()
            }
            Err(error) => Reason::corrupt(self.codec.name(), error.to_string()).into(),
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let count = loop {
            match self.inner.read(buffer) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(self.translate(error));
                }
            }
        };
        self.ended = count == 0;
        self.left = match self.left.checked_sub(count as u64) {
            Some(left) => left,
            None => {
                self.ended = true;
                return Err(Reason::TooManyBytes { limit: self.limit }.into());
            }
        };
        Ok(count)
    }
}

/// Runs `work` on a reader that a thread of its own fills from `input`, so that decompressing and what is done with
/// the bytes overlap.
pub fn ahead<T>(input: impl Read + Send, work: impl FnOnce(&mut dyn Read) -> T) -> T {
    let (sender, receiver) = sync_channel(PIECES);
    thread::scope(|scope| {
        scope.spawn(move || fill(input, &sender));
        // The receiver ends with `work`; a sender that still has something to say then stops.
        work(&mut Ahead { receiver, piece: Vec::new(), at: 0, ended: false })
    })
}

fn fill(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let outcome = (&mut input).take(PIECE as u64).read_to_end(&mut piece);
        let last = piece.len() < PIECE;
        if (!piece.is_empty() || outcome.is_ok()) && sender.send(Ok(piece)).is_err() {
            return;
        }
        if let Err(error) = outcome {
            // No one listens any more: the error concerns no one either.
            let _ = sender.send(Err(error));
            return;
        }
        if last {
            return;
        }
    }
}

struct Ahead {
    receiver: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.ended {
            match self.receiver.recv() {
                Ok(Ok(piece)) => (self.piece, self.at) = (piece, 0),
                Ok(Err(error)) => {
                    self.ended = true;
                    return Err(error);
                }
                // The thread is done.
                Err(_) => self.ended = true,
            }
        }
        let count = buffer.len().min(self.piece.len() - self.at);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
