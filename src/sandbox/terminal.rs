//! A user's terminal connected to the stage's own: for looking around in a stage by hand.
//!
//! The stage's shell has a pseudo-terminal made inside its own `/dev/pts`, so nothing that it does to its terminal
//! (typing into it, changing its owner, hanging it up) reaches the user's. Bytes are carried between the two.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::termios::{OptionalActions, Termios};

/// The user's terminal.
#[derive(Debug, Clone, Copy)]
pub struct Terminal<'a> {
    /// Keys come from here. Made raw during the run if it is a terminal.
    pub input: BorrowedFd<'a>,
    /// Output goes here.
    pub output: BorrowedFd<'a>,
}

/// Carries bytes; puts the user's terminal back as it was when dropped.
pub(super) struct Relay<'a> {
    terminal: Terminal<'a>,
    before: Option<Termios>,
    master: Option<OwnedFd>,
    /// Whether more keys can come.
    open: bool,
}

impl<'a> Relay<'a> {
    pub(super) fn new(terminal: Terminal<'a>) -> Self {
        Self { terminal, before: None, master: None, open: true }
    }

    /// Starts: the stage's terminal is there.
    pub(super) fn connect(&mut self, master: OwnedFd) {
        // Not a terminal (a script's input): nothing to change, nothing to put back.
        if let Ok(before) = rustix::termios::tcgetattr(self.terminal.input) {
            let mut raw = before.clone();
            raw.make_raw();
            if rustix::termios::tcsetattr(self.terminal.input, OptionalActions::Now, &raw).is_ok() {
                self.before = Some(before);
            }
        }
        self.master = Some(master);
        self.resize();
    }

    pub(super) fn keys(&self) -> Option<BorrowedFd<'a>> {
        (self.master.is_some() && self.open).then_some(self.terminal.input)
    }

    pub(super) fn screen(&self) -> Option<BorrowedFd<'_>> {
        self.master.as_ref().map(AsFd::as_fd)
    }

    /// Gives the stage's terminal the size of the user's.
    pub(super) fn resize(&self) {
        if let (Some(master), Ok(size)) = (&self.master, rustix::termios::tcgetwinsize(self.terminal.output)) {
            let known = rustix::termios::tcgetwinsize(master);
            if known.is_ok_and(|known| (known.ws_row, known.ws_col) != (size.ws_row, size.ws_col)) {
                // A wrong size is a nuisance, no more.
                let _ = rustix::termios::tcsetwinsize(master, size);
            }
        }
    }

    /// Moves what is ready, one way.
    pub(super) fn forward(&mut self, keys: bool, buffer: &mut Vec<u8>) {
        let Some(master) = &self.master else { return };
        buffer.clear();
        if keys {
            match rustix::io::read(self.terminal.input, rustix::buffer::spare_capacity(buffer)) {
                Ok(read) if read > 0 => write_all(master.as_fd(), &buffer[..read]),
                Err(rustix::io::Errno::INTR) => {}
                _ => {
                    // The end of a script: Ctrl-D says so to the shell.
                    self.open = false;
                    write_all(master.as_fd(), b"\x04");
                }
            }
        } else {
            match rustix::io::read(master, rustix::buffer::spare_capacity(buffer)) {
                Ok(read) if read > 0 => write_all(self.terminal.output, &buffer[..read]),
                Err(rustix::io::Errno::INTR) => {}
                // EIO: nobody has the other side open.
                _ => self.master = None,
            }
        }
    }

    /// Moves the rest of the output.
    pub(super) fn drain(&mut self, buffer: &mut Vec<u8>) {
        while self.master.is_some() {
            self.forward(false, buffer);
        }
    }
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            // Nobody is reading: there is nobody to tell.
            Err(_) => return,
        }
    }
}

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The terminal may be gone, with nobody left to tell.
            let _ = rustix::termios::tcsetattr(self.terminal.input, OptionalActions::Drain, before);
        }
    }
}
