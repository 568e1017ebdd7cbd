//! From the filter's table to a program for the kernel.
//!
//! Installing a filter costs each stage the kernel's translation of it, so the program is small: runs of neighbouring
//! calls with the same answer are one leaf of a search tree, and equal leaves are shared. The kernel also runs it once for
//! every number there is, to learn which calls are always allowed; a list of comparisons would take a tenth of a
//! millisecond for that alone.
//!
//! Written from its end to its beginning: the instruction before another can then always be told how far the other is.

use std::collections::BTreeMap;

use super::filter::{Answer, Is, NEWEST, Rule, Test};
use crate::sys::seccomp::Instruction;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

// Offsets in `struct seccomp_data` (linux/seccomp.h).
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGUMENTS: u32 = 16;

const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const ERRNO: u32 = 0x0005_0000;
const TRACE: u32 = 0x7ff0_0000;

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const NOT_BELOW: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const BITS: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const ALWAYS_TO: u16 = 0x05; // BPF_JMP | BPF_JA
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// Tests of a call's arguments, and what happens where all of them hold.
type Case = (&'static [Test], u32);

/// What happens to a call.
#[derive(Clone, PartialEq, Eq)]
enum Decision {
    /// Always this.
    Plain(u32),
    /// The first of these whose tests all hold, else this.
    Tests(Vec<Case>, u32),
}

/// The program that follows the table, and stops `traced` calls for a tracer where the table allows them; not those uses of
/// them that are `spared`.
pub(super) fn compile(
    rules: impl Iterator<Item = &'static Rule>,
    traced: &[i64],
    spared: &[&'static (i64, Test)],
) -> Vec<Instruction> {
    let number = |number: i64| u32::try_from(number).expect("call numbers are small");
    let mut calls: BTreeMap<u32, (Vec<Case>, u32)> = BTreeMap::new();
    for rule in rules {
        calls.entry(number(rule.number)).or_insert((Vec::new(), ALLOW)).0.push((rule.when, value(rule.answer)));
    }
    for call in traced {
        calls.entry(number(*call)).or_insert((Vec::new(), ALLOW)).1 = TRACE;
    }
    for (call, test) in spared {
        calls.entry(number(*call)).or_insert((Vec::new(), ALLOW)).0.push((std::slice::from_ref(test), ALLOW));
    }
    let mut runs: Vec<(u32, Decision)> = vec![(0, Decision::Plain(ALLOW))];
    let mut add = |from: u32, decision: Decision| {
        if runs.last().is_some_and(|(last, _)| *last == from) {
            runs.pop();
        }
        if runs.last().is_none_or(|(_, before)| *before != decision) {
            runs.push((from, decision));
        }
    };
    for (call, (rules, otherwise)) in calls {
        let decision = match rules.as_slice() {
            [] => Decision::Plain(otherwise),
            [([], value), ..] => Decision::Plain(*value),
            _ => Decision::Tests(rules, otherwise),
        };
        add(call, decision);
        add(call + 1, Decision::Plain(ALLOW));
    }
    // Newer than the table; x32 calls, which have bit 30 set, as well.
    add(NEWEST + 1, Decision::Plain(ERRNO | libc::ENOSYS.cast_unsigned()));

    let mut out = Backwards::default();
    out.search(&runs);
    let native = out.push(LOAD, NUMBER);
    // A 32-bit program's calls have other numbers: it ends by SIGSYS.
    let foreign = out.push(RETURN, KILL_PROCESS);
    out.branch(EQUAL, ARCHITECTURE, native, foreign);
    out.push(LOAD, ARCH);
    out.code.reverse();
    out.code
}

fn value(answer: Answer) -> u32 {
    match answer {
        Answer::Error(number) => ERRNO | number.cast_unsigned() & 0xffff,
        Answer::Zero => ERRNO,
    }
}

/// A program, its last instruction first. A place in it is an index into that.
#[derive(Default)]
struct Backwards {
    code: Vec<Instruction>,
    leaves: BTreeMap<u32, usize>,
}

impl Backwards {
    /// Longest distance that is bridged by a condition itself, whose field holds 255: room for the jump that may have to
    /// be put between it and its other target.
    const FAR: usize = 250;

    /// An instruction that goes on with the one pushed before it.
    fn push(&mut self, code: u16, k: u32) -> usize {
        self.code.push(Instruction { code, yes: 0, no: 0, k });
        self.code.len() - 1
    }

    /// How many instructions lie between the next one to be pushed and this one.
    fn distance(&self, to: usize) -> usize {
        self.code.len() - 1 - to
    }

    /// The place of a `return` of this value that is not far.
    fn leaf(&mut self, value: u32) -> usize {
        match self.leaves.get(&value) {
            Some(at) if self.distance(*at) < Self::FAR / 2 => *at,
            _ => {
                let at = self.push(RETURN, value);
                self.leaves.insert(value, at);
                at
            }
        }
    }

    /// A place from where it is not far to this one.
    fn near(&mut self, to: usize) -> usize {
        if self.distance(to) <= Self::FAR {
            return to;
        }
        let over = u32::try_from(self.distance(to)).expect("programs are short");
        self.push(ALWAYS_TO, over)
    }

    fn branch(&mut self, code: u16, k: u32, yes: usize, no: usize) -> usize {
        let (yes, no) = (self.near(yes), self.near(no));
        let byte = |distance| u8::try_from(distance).expect("both are near");
        let instruction = Instruction { code, yes: byte(self.distance(yes)), no: byte(self.distance(no)), k };
        self.code.push(instruction);
        self.code.len() - 1
    }

    /// Finds the number in A among runs of calls, of which each is given by its first.
    fn search(&mut self, runs: &[(u32, Decision)]) -> usize {
        match runs {
            [] => self.leaf(ALLOW),
            [(_, Decision::Plain(value))] => self.leaf(*value),
            [(_, Decision::Tests(tests, otherwise))] => self.tests(tests, *otherwise),
            several => {
                let (low, high) = several.split_at(several.len() / 2);
                let first = high[0].0;
                let (high, low) = (self.search(high), self.search(low));
                self.branch(NOT_BELOW, first, high, low)
            }
        }
    }

    fn tests(&mut self, all: &[Case], otherwise: u32) -> usize {
        let mut next = self.leaf(otherwise);
        for (when, value) in all.iter().rev() {
            let fails = next;
            next = self.leaf(*value);
            for test in when.iter().rev() {
                // Loading the argument goes on with the test, which is pushed last.
                match test.is {
                    Is::Value(value) => {
                        self.branch(EQUAL, value, next, fails);
                    }
                    Is::AnyBit(bits) => {
                        self.branch(BITS, bits, next, fails);
                    }
                    Is::NoBit(bits) => {
                        self.branch(BITS, bits, fails, next);
                    }
                    Is::NoneOf(values) => {
                        for value in values.iter().rev() {
                            next = self.branch(EQUAL, *value, fails, next);
                        }
                    }
                }
                next = self.push(LOAD, ARGUMENTS + 8 * u32::from(test.argument));
            }
        }
        next
    }
}
