//! Threads that compress blocks.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope};

use super::compress::Compression;

/// A block as it is stored.
#[derive(Debug)]
pub(super) struct Packed {
    pub bytes: Vec<u8>,
    pub smaller: bool,
}

/// A block that is stored at some time.
pub(super) enum Ticket {
    Now(io::Result<Packed>),
    Later(Receiver<io::Result<Packed>>),
}

struct Order {
    bytes: Vec<u8>,
    reply: SyncSender<io::Result<Packed>>,
}

/// Takes blocks, and gives a ticket for each. How many are under way at once is up to whoever gives them.
pub(super) struct Pool {
    pub packer: Packer,
    orders: Option<Sender<Order>>,
}

/// Compresses blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packer {
    pub compression: Compression,
    pub block: u32,
}

impl Packer {
    pub fn pack(self, bytes: Vec<u8>) -> io::Result<Packed> {
        Ok(match self.compression.pack(&bytes, self.block)? {
            Some(bytes) => Packed { bytes, smaller: true },
            None => Packed { bytes, smaller: false },
        })
    }
}

impl Ticket {
    /// The block, when it is there.
    pub fn wait(self) -> io::Result<Packed> {
        match self {
            Self::Now(packed) => packed,
            Self::Later(reply) => reply.recv().unwrap_or_else(|_| Err(io::Error::other("a thread has ended early"))),
        }
    }
}

impl Pool {
    /// Starts `threads` threads. With fewer than two, or where the machine gives none, blocks are compressed by whoever
    /// gives them.
    pub fn start<'scope>(scope: &'scope Scope<'scope, '_>, packer: Packer, threads: usize) -> Self {
        if threads < 2 || packer.compression == Compression::None {
            return Self { packer, orders: None };
        }
        let (orders, queue) = mpsc::channel::<Order>();
        let queue = Arc::new(Mutex::new(queue));
        let mut started = 0;
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            let work = move || {
                loop {
                    // The lock is held while waiting, not while compressing.
                    let order = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Order { bytes, reply }) = order else { return };
                    // Nobody waits any longer where another block has failed.
                    let _ = reply.send(packer.pack(bytes));
                }
            };
            started += usize::from(Builder::new().name("squashfs".to_owned()).spawn_scoped(scope, work).is_ok());
        }
        Self { packer, orders: (started > 0).then_some(orders) }
    }

    pub fn give(&self, bytes: Vec<u8>) -> Ticket {
        let Some(orders) = &self.orders else { return Ticket::Now(self.packer.pack(bytes)) };
        let (reply, receipt) = mpsc::sync_channel(1);
        // If it cannot be sent, nobody is left to answer, and the ticket says so.
        let _ = orders.send(Order { bytes, reply });
        Ticket::Later(receipt)
    }
}
