//! Telling what a stage does without help from the kernel, and answering it: process 1 of the sandbox traces all others
//! (ptrace(2)).
//!
//! The filter stops each call that is told of, before it happens; it is asked what it is, let go on to its end, and asked
//! what it came to. A stopped thread cannot be woken by a signal, so no call ends otherwise than it would alone.
//!
//! This process was cloned from one that has a single thread, so unlike others between clone and exec it may allocate.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::io::Errno;

use super::answers::Source;
use super::supervisor::{After, Next, Question, Supervisor};
use crate::calls::event::{PIECE, PIECES, STRING};
use crate::calls::shapes::{BYTES, BYTES_LENGTH, FIRST, NOT_EMPTY, SECOND, SUCCESS_ONLY, shapes};
use crate::calls::{Event, Kind};
use crate::sys::process::{self, Usage};
use crate::sys::ptrace::{self, Until, Where};
use crate::sys::{Registers, remote};

/// As much is told at once.
const BATCH: usize = 64 << 10;
const PAGE: usize = 4096;
/// How much of a string is asked for at first: most are shorter.
const GUESS: usize = 128;

/// A call between its beginning and its end.
struct Call {
    number: u64,
    arguments: [u64; 6],
    shape: u64,
    first: Vec<u8>,
    second: Vec<u8>,
    /// What the supervisor wants at its end.
    after: Option<After>,
}

/// What a tracer knows.
pub(super) struct Tracer<'a> {
    /// Where it tells, if it does.
    pipe: Option<BorrowedFd<'a>>,
    supervisor: Option<Supervisor>,
    batch: Vec<u8>,
    shapes: Vec<u64>,
    /// The process of each thread.
    threads: BTreeMap<i32, i32>,
    calls: BTreeMap<i32, Call>,
    /// Threads that have stopped before it was told who made them.
    early: BTreeSet<i32>,
}

impl<'a> Tracer<'a> {
    /// Tells to this pipe, and has this one answer.
    pub(super) fn new(pipe: Option<BorrowedFd<'a>>, supervisor: Option<Supervisor>) -> Self {
        Self {
            pipe,
            supervisor,
            batch: Vec::with_capacity(2 * BATCH),
            shapes: if pipe.is_some() { shapes() } else { Vec::new() },
            threads: BTreeMap::new(),
            calls: BTreeMap::new(),
            early: BTreeSet::new(),
        }
    }

    /// Traces until the stage's first process has ended, and gives its status and its usage.
    pub(super) fn until_end(&mut self, stage: i32) -> Result<(i32, Usage), Errno> {
        self.threads.insert(stage, stage);
        self.tell(&Event { number: stage as u32, arguments: [stage as u64, 0, 0, 0, 0, 0], ..event(Kind::Fork, 1) });
        loop {
            let (thread, status, usage) = process::wait(-1)?;
            if libc::WIFSTOPPED(status) {
                // ESRCH: it was killed meanwhile, and its end comes next.
                match self.stopped(thread, status) {
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(errno) => return Err(errno),
                }
                continue;
            }
            self.calls.remove(&thread);
            if self.threads.remove(&thread) == Some(thread) {
                self.tell(&Event { number: status as u32, ..event(Kind::Exit, thread) });
                if let Some(supervisor) = &mut self.supervisor {
                    supervisor.ended(thread);
                }
            }
            if thread == stage {
                self.flush();
                return Ok((status, usage));
            }
        }
    }

    fn stopped(&mut self, thread: i32, status: i32) -> Result<(), Errno> {
        let signal = libc::WSTOPSIG(status);
        match status >> 16 {
            libc::PTRACE_EVENT_SECCOMP => return self.begins(thread),
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                self.forked(thread, ptrace::event_number(thread)?)?;
            }
            libc::PTRACE_EVENT_EXEC => self.executed(thread)?,
            0 if signal == libc::SIGTRAP | 0x80 => self.ends(thread)?,
            libc::PTRACE_EVENT_STOP if !self.threads.contains_key(&thread) => {
                self.early.insert(thread);
                return Ok(());
            }
            // The first stop of a new thread, which the tracing alone is the reason of; or a signal has stopped it.
            libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => return ptrace::listen(thread),
            0 => return ptrace::go_on(thread, Until::Event, signal),
            _ => {}
        }
        ptrace::go_on(thread, Until::Event, 0)
    }

    fn process(&self, thread: i32) -> i32 {
        self.threads.get(&thread).copied().unwrap_or(thread)
    }

    fn forked(&mut self, parent: i32, child: i32) -> Result<(), Errno> {
        let parent = self.process(parent);
        // One that has been killed already counts as a process.
        let process = if ptrace::is_process(child) || !is_thread_of(parent, child) { child } else { parent };
        self.threads.insert(child, process);
        if process == child {
            if let Some(supervisor) = &mut self.supervisor {
                supervisor.forked(parent, child);
            }
            let arguments = [child as u64, 0, 0, 0, 0, 0];
            self.tell(&Event { number: child as u32, arguments, ..event(Kind::Fork, parent) });
        }
        if self.early.remove(&child) {
            return match ptrace::go_on(child, Until::Event, 0) {
                Err(Errno::SRCH) => Ok(()),
                other => other,
            };
        }
        Ok(())
    }

    /// A call is about to happen.
    fn begins(&mut self, thread: i32) -> Result<(), Errno> {
        let Where::Before(number, arguments) = ptrace::place(thread)? else {
            return ptrace::go_on(thread, Until::Event, 0);
        };
        let shape = self.shapes.get(number as usize).copied().unwrap_or(0);
        let after = match self.asks(thread, number, &arguments)? {
            Next::Answer(result) => {
                let mut registers = Registers::of(thread)?;
                registers.answer(result);
                registers.set(thread)?;
                return ptrace::go_on(thread, Until::Event, 0);
            }
            Next::After(after) => Some(after),
            Next::Nothing if shape == 0 => return ptrace::go_on(thread, Until::Event, 0),
            Next::Nothing => None,
        };
        // What is read now has not been changed by the call.
        let read = |shift: u64| {
            let mut text = Vec::new();
            if let Some(address) = argument(shape, shift, &arguments)
                && string(thread, address, &mut text).is_err()
            {
                text.clear();
            }
            text
        };
        let call = Call { number, arguments, shape, first: read(FIRST), second: read(SECOND), after };
        // Closing a descriptor works, whatever it gives: its end is not waited for.
        if number == libc::SYS_close as u64 {
            self.tell_call(thread, &call, 0);
            return ptrace::go_on(thread, Until::Event, 0);
        }
        self.calls.insert(thread, call);
        ptrace::go_on(thread, Until::EndOfCall, 0)
    }

    /// What is to be done about a call that may be a question.
    fn asks(&mut self, thread: i32, number: u64, arguments: &[u64; 6]) -> Result<Next, Errno> {
        let process = self.process(thread);
        let Some(supervisor) = &mut self.supervisor else { return Ok(Next::Nothing) };
        let Some(question) = Question::of(number) else { return Ok(Next::Nothing) };
        let next = supervisor.before(thread, process, question, arguments)?;
        if let Some(source) = question.source() {
            self.asked(process, source);
        }
        Ok(next)
    }

    fn asked(&mut self, process: i32, source: Source) {
        let name = format!("{}\0", source.name());
        self.tell(&Event { first: name.as_bytes(), ..event(Kind::Asked, process) });
    }

    /// A call has happened.
    fn ends(&mut self, thread: i32) -> Result<(), Errno> {
        let Some(mut call) = self.calls.remove(&thread) else { return Ok(()) };
        let Where::After(result) = ptrace::place(thread)? else { return Ok(()) };
        if let (Some(after), Some(supervisor)) = (&call.after, &mut self.supervisor)
            && supervisor.after(thread, after, result)?
        {
            self.asked(self.process(thread), Source::Stat);
        }
        if let Some(address) = argument(call.shape, BYTES, &call.arguments) {
            let mut bytes = vec![0; (call.shape >> BYTES_LENGTH & 127) as usize];
            let want = bytes.len();
            let got = remote::read(thread as u32, &[(address, want)], &mut bytes).unwrap_or(0);
            bytes.truncate(got);
            call.first = bytes;
        }
        self.tell_call(thread, &call, result);
        Ok(())
    }

    fn tell_call(&mut self, thread: i32, call: &Call, result: i64) {
        if call.shape == 0 {
            return;
        }
        let failed = call.shape & SUCCESS_ONLY != 0 && result < 0;
        let empty = call.shape & NOT_EMPTY != 0 && call.first == b"\0";
        if !failed && !empty {
            let Call { number, arguments, first, second, .. } = call;
            let process = self.process(thread);
            let (number, arguments) = (*number as u32, *arguments);
            self.tell(&Event { number, arguments, result, first, second, ..event(Kind::Call, process) });
        }
    }

    /// A process has become another program. What it was to be is known from the call; what it is, from the kernel.
    fn executed(&mut self, thread: i32) -> Result<(), Errno> {
        // Whichever of its threads has called, it has this one's number now, and the others are gone.
        let former = ptrace::event_number(thread)?;
        let heard = self.pipe.is_some();
        if let Some(supervisor) = &mut self.supervisor {
            supervisor.executed(thread, heard)?;
        }
        let call = self.calls.remove(&former);
        self.calls.remove(&thread);
        self.threads.retain(|other, process| *process != thread || *other == thread);
        if !heard {
            return Ok(());
        }
        let call = call.as_ref();
        // By a descriptor alone: as the kernel calls it.
        let name = match call {
            Some(call) if call.number == libc::SYS_execveat as u64 && call.first.first() != Some(&b'/') => {
                let folder = call.arguments[0] as i32;
                let path = call.first.strip_suffix(b"\0").unwrap_or(&call.first);
                match (folder == libc::AT_FDCWD, path.is_empty()) {
                    (true, _) => call.first.clone(),
                    (false, true) => format!("/dev/fd/{folder}\0").into_bytes(),
                    (false, false) => [format!("/dev/fd/{folder}/").as_bytes(), path, b"\0"].concat(),
                }
            }
            Some(call) => call.first.clone(),
            None => Vec::new(),
        };
        let arguments = crate::fs::read(Path::new(&format!("/proc/{thread}/cmdline"))).unwrap_or_default();
        let real = real_program(thread, &arguments);
        // The first process is a copy of this one, whose memory nobody may look at: it is known by what it became.
        let name = if name.is_empty() { real.clone() } else { name };
        self.tell(&Event { first: &name, second: &real, ..event(Kind::Execute, thread) });
        for (number, piece) in (0..).zip(arguments.chunks(PIECE)).take(PIECES) {
            self.tell(&Event { number, rest: piece, ..event(Kind::Arguments, thread) });
        }
        if arguments.len() > PIECE * PIECES {
            self.tell(&Event { number: PIECES as u32, ..event(Kind::Arguments, thread) });
        }
        Ok(())
    }

    fn tell(&mut self, event: &Event<'_>) {
        if self.pipe.is_none() {
            return;
        }
        event.write(&mut self.batch);
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let Some(pipe) = self.pipe else { return };
        let mut rest = self.batch.as_slice();
        while !rest.is_empty() {
            match rustix::io::write(pipe, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                // Nobody hears any more; whoever wanted to has seen the end of the pipe.
                Err(_) => break,
            }
        }
        self.batch.clear();
    }
}

/// The file that is really executed, with a NUL: of a script its interpreter. As the script calls it, if that can be told:
/// the kernel makes that the first argument.
fn real_program(process: i32, arguments: &[u8]) -> Vec<u8> {
    let exe = format!("/proc/{process}/exe");
    let link = rustix::fs::readlink(&exe, Vec::with_capacity(256));
    let real = link.map_or_else(|_| Vec::new(), std::ffi::CString::into_bytes);
    let first = arguments.split(|byte| *byte == 0).next().unwrap_or_default();
    let file = |path: &[u8]| rustix::fs::stat(path).map(|stat| (stat.st_dev, stat.st_ino));
    let same = || file(first).is_ok_and(|called| file(exe.as_bytes()) == Ok(called));
    let mut name = if first.first() == Some(&b'/') && same() { first.to_vec() } else { real };
    name.push(0);
    name
}

fn is_thread_of(process: i32, thread: i32) -> bool {
    rustix::fs::access(format!("/proc/{process}/task/{thread}"), rustix::fs::Access::EXISTS).is_ok()
}

fn event(kind: Kind, process: i32) -> Event<'static> {
    Event {
        kind: Some(kind),
        stage: 0,
        process: process as u32,
        number: 0,
        result: 0,
        arguments: [0; 6],
        first: &[],
        second: &[],
        rest: &[],
    }
}

/// The argument that a shape names.
fn argument(shape: u64, shift: u64, arguments: &[u64; 6]) -> Option<u64> {
    arguments.get((shape >> shift & 7).checked_sub(1)? as usize).copied()
}

/// Reads a string with its NUL; of a longer one than any path nothing.
fn string(thread: i32, address: u64, into: &mut Vec<u8>) -> Result<(), Errno> {
    let mut at = address;
    let mut guess = GUESS;
    while into.len() < STRING {
        let want = (PAGE - at as usize % PAGE).min(guess);
        let had = into.len();
        into.resize(had + want, 0);
        let got = match remote::read(thread as u32, &[(at, want)], &mut into[had..])? {
            0 => return Err(Errno::FAULT),
            got => got,
        };
        into.truncate(had + got);
        if let Some(end) = into[had..].iter().position(|byte| *byte == 0) {
            into.truncate(had + end + 1);
            return Ok(());
        }
        at = at.wrapping_add(got as u64);
        guess = PAGE;
    }
    Err(Errno::NAMETOOLONG)
}
