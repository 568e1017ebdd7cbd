//! Answering a stage's questions in place of the kernel: what [`Answers`] says, done.
//!
//! The tracer hands over each call that the filter has stopped. Most questions are answered without the kernel: the call
//! is taken back and its result made up (`clock`, `random`, `machine`, `entries`). Of the stat family the kernel's answer
//! is needed; what it wrote is changed when the call has ended (`stat`). The vDSO, by which programs read the clock without
//! a call, is hidden from each program before its first instruction (`startup`).
//!
//! It runs in process 1 of the sandbox, as the same user as the stage and in the same mount namespace, so that nothing is
//! resolved by names: descriptors are borrowed (pidfd_getfd(2)), memory is read and written by the process's own addresses,
//! and what cannot be written there fails the call, as it would with the kernel. What fails otherwise ends the sandbox: there
//! is no going on with the truth.
//!
//! # What is not covered
//! Clocks that measure durations (monotonic, boot time, CPU time, rusage), timers of timerfd_create(2) and timer_create(2)
//! by the time of day, process ids, the order in which processes and threads run and with it who is first to see a file and
//! which files are written at the same moment, `rdtsc`, `rdrand`, `rdseed`, `rdpid` and `cpuid`, mount ids. `/dev/urandom` is a file of 4 MiB
//! when random numbers are fixed. A program that looks for the vDSO in `/proc/self/maps` finds it.

mod clock;
mod entries;
mod machine;
mod questions;
mod random;
mod startup;
mod stat;

pub(super) use questions::{Question, number_of, spared};
pub(super) use random::device;

use std::collections::BTreeMap;

use rustix::io::Errno;

use super::answers::{Answers, Clock, Order, Random, Source};
use crate::sys::{Registers, remote};
use entries::Listings;
use stat::Numbers;

/// What is to be done about a call that is about to happen.
pub(super) enum Next {
    /// It is not answered.
    Nothing,
    /// It does not happen, and gives this.
    Answer(i64),
    /// It happens, and at its end it is looked at.
    After(After),
}

/// What is done at the end of a call.
pub(super) enum After {
    /// What stat(2) and the like have written at this address is changed.
    Stat(u64),
    /// The same for statx(2).
    Statx(u64),
    /// An argument was exchanged for the call: which one, and what it was.
    Restore(usize, u64),
}

/// What a process has asked for since its program began.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    /// Readings of the clock.
    clock: u64,
    /// Words of random numbers.
    random: u64,
}

/// Answers for all processes of a stage.
pub(super) struct Supervisor {
    answers: Answers,
    asked: BTreeMap<i32, Asked>,
    numbers: Numbers,
    listings: Listings,
    /// When the stage began, nanoseconds since 1970.
    begun: i128,
}

impl Supervisor {
    pub(super) fn new(answers: Answers) -> Self {
        Self {
            answers,
            asked: BTreeMap::new(),
            numbers: Numbers::default(),
            listings: Listings::default(),
            begun: clock::now() - stat::GRAIN,
        }
    }

    /// A process has made another one, which goes on where it is.
    pub(super) fn forked(&mut self, parent: i32, child: i32) {
        if let Some(asked) = self.asked.get(&parent).copied() {
            self.asked.insert(child, asked);
        }
    }

    pub(super) fn ended(&mut self, process: i32) {
        self.asked.remove(&process);
        self.listings.forget(process);
    }

    /// A process is about to run the first instruction of a program.
    pub(super) fn executed(&mut self, thread: i32, heard: bool) -> Result<(), Errno> {
        self.asked.remove(&thread);
        let random = match self.answers.random {
            Random::Fixed(seed) => Some(random::at_startup(seed)),
            Random::Real => None,
        };
        let hide = heard || self.answers.clock != Clock::Real || random.is_some();
        if hide { startup::prepare(thread, random) } else { Ok(()) }
    }

    /// A call is about to happen.
    pub(super) fn before(
        &mut self,
        thread: i32,
        process: i32,
        question: Question,
        arguments: &[u64; 6],
    ) -> Result<Next, Errno> {
        let [a, b, c, d, ..] = *arguments;
        let answers = &self.answers;
        let put = |address: u64, bytes: &[u8]| remote::write(thread as u32, address, bytes);
        let done = |result: Result<(), Errno>| match result {
            Ok(()) => Ok(Next::Answer(0)),
            Err(errno) => refused(errno),
        };
        match question {
            Question::ClockGetTime | Question::GetTimeOfDay | Question::Time => {
                if answers.clock == Clock::Real {
                    return Ok(Next::Nothing);
                }
                let asked = self.asked.entry(process).or_default();
                let now = clock::shown(answers.clock, asked.clock);
                asked.clock += 1;
                match question {
                    Question::Time => match if a == 0 { Ok(()) } else { put(a, &clock::seconds(now)) } {
                        Ok(()) => Ok(Next::Answer((now / clock::SECOND) as i64)),
                        Err(errno) => refused(errno),
                    },
                    Question::GetTimeOfDay => {
                        let time = if a == 0 { Ok(()) } else { put(a, &clock::timeval(now)) };
                        done(time.and_then(|()| if b == 0 { Ok(()) } else { put(b, &[0; 8]) }))
                    }
                    _ => done(put(b, &clock::timespec(now))),
                }
            }
            Question::ClockNanosleep if b & libc::TIMER_ABSTIME as u64 != 0 => self.until(thread, process, 2, c),
            Question::Futex if d != 0 && clock::is_absolute(b) => self.until(thread, process, 3, d),
            Question::ClockNanosleep | Question::Futex => Ok(Next::Nothing),
            Question::GetRandom => {
                let Random::Fixed(seed) = answers.random else { return Ok(Next::Nothing) };
                let asked = self.asked.entry(process).or_default();
                random::fill(thread, a, b, seed, &mut asked.random)
            }
            Question::Uname => match &answers.kernel {
                Some(release) => done(machine::uname(release).and_then(|names| put(a, &names))),
                None => Ok(Next::Nothing),
            },
            Question::SysInfo if answers.memory => done(put(a, &machine::sysinfo())),
            Question::GetCpu | Question::Affinity | Question::Rseq if answers.processors.is_none() => Ok(Next::Nothing),
            Question::GetCpu => {
                let zero = |address: u64| if address == 0 { Ok(()) } else { put(address, &[0; 4]) };
                done(zero(a).and_then(|()| zero(b)))
            }
            // By it the C library would learn the processor without a call.
            Question::Rseq => Ok(Next::Answer(-i64::from(libc::ENOSYS))),
            Question::Affinity => {
                let mask = machine::affinity(answers.processors.unwrap_or(1));
                if b < mask.len() as u64 || b % mask.len() as u64 != 0 {
                    return refused(Errno::INVAL);
                }
                match put(c, &mask) {
                    Ok(()) => Ok(Next::Answer(mask.len() as i64)),
                    Err(errno) => refused(errno),
                }
            }
            Question::GetDents { old } if answers.order != Order::Real || answers.stat => {
                let numbers = answers.stat.then_some(&mut self.numbers);
                let read = entries::Read { process, number: a as i32, old };
                match self.listings.read(&read, c as u32 as usize, answers.order, numbers)? {
                    Ok(bytes) => match put(b, &bytes) {
                        Ok(()) => Ok(Next::Answer(bytes.len() as i64)),
                        Err(errno) => refused(errno),
                    },
                    Err(errno) => refused(errno),
                }
            }
            Question::Stat => Ok(Next::After(After::Stat(b))),
            Question::StatAt => Ok(Next::After(After::Stat(c))),
            Question::Statx => Ok(Next::After(After::Statx(arguments[4]))),
            Question::SysInfo | Question::GetDents { .. } | Question::Number => Ok(Next::Nothing),
        }
    }

    /// Has a call that waits for a time of day wait for the real one.
    fn until(&mut self, thread: i32, process: i32, index: usize, address: u64) -> Result<Next, Errno> {
        if self.answers.clock == Clock::Real {
            return Ok(Next::Nothing);
        }
        let mut bytes = [0; 16];
        match remote::read(thread as u32, &[(address, 16)], &mut bytes) {
            Ok(16) => {}
            Ok(_) => return refused(Errno::FAULT),
            Err(errno) => return refused(errno),
        }
        let asked = self.asked.entry(process).or_default();
        let real = clock::real(self.answers.clock, asked.clock, clock::from_timespec(&bytes));
        let mut registers = Registers::of(thread)?;
        // Below what the thread has on its stack, and the 128 bytes further that it may use.
        let room = (registers.stack() - 256) & !15;
        if let Err(errno) = remote::write(thread as u32, room, &clock::timespec(real)) {
            return refused(errno);
        }
        registers.set_argument(index, room);
        registers.set(thread)?;
        Ok(Next::After(After::Restore(index, address)))
    }

    /// A call has ended. Tells whether it has learned what the stage itself made.
    pub(super) fn after(&mut self, thread: i32, after: &After, result: i64) -> Result<bool, Errno> {
        match *after {
            After::Restore(index, value) => {
                let mut registers = Registers::of(thread)?;
                registers.set_argument(index, value);
                registers.set(thread)?;
                Ok(false)
            }
            _ if result != 0 => Ok(false),
            After::Stat(address) => self.change::<{ stat::STAT }>(thread, address, Supervisor::stat),
            After::Statx(address) => self.change::<{ stat::STATX }>(thread, address, Supervisor::statx),
        }
    }

    /// Changes what the kernel has written.
    fn change<const SIZE: usize>(
        &mut self,
        thread: i32,
        address: u64,
        change: fn(&mut Self, &mut [u8; SIZE]) -> bool,
    ) -> Result<bool, Errno> {
        let mut bytes = [0; SIZE];
        let got = remote::read(thread as u32, &[(address, SIZE)], &mut bytes)?;
        if got != SIZE {
            return Err(Errno::FAULT);
        }
        let before = bytes;
        let own = change(self, &mut bytes);
        if before != bytes {
            remote::write(thread as u32, address, &bytes)?;
        }
        Ok(own)
    }
}

/// The call fails, as it would have with the kernel. Of a thread that is gone there is nothing to answer.
fn refused(errno: Errno) -> Result<Next, Errno> {
    if errno == Errno::SRCH { Err(errno) } else { Ok(Next::Answer(-i64::from(errno.raw_os_error()))) }
}

/// One step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the word that follows from a state.
fn mixed(state: u64) -> u64 {
    let a = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ a >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ b >> 31
}

/// The source that a question is about.
impl Question {
    pub(super) fn source(self) -> Option<Source> {
        Some(match self {
            Self::ClockGetTime | Self::GetTimeOfDay | Self::Time => Source::Clock,
            Self::ClockNanosleep | Self::Futex | Self::Rseq => return None,
            Self::GetRandom => Source::Random,
            Self::Uname => Source::Kernel,
            Self::SysInfo => Source::Memory,
            Self::GetCpu | Self::Affinity => Source::Processors,
            Self::GetDents { .. } => Source::Order,
            // Told at its end, if it was about something that the stage made.
            Self::Stat | Self::StatAt | Self::Statx => return None,
            Self::Number => Source::ProcessIds,
        })
    }
}
