//! The programs that run in the kernel. They only look: none changes, delays or refuses anything.

use rustix::io::Errno;

use super::assembler::{Alu, Assembler, Function, If, Label, Register, Size};
use super::btf::Types;
use crate::calls::event::{HEAD, Kind, PIECE, PIECES, SCRATCH, STRING, at};
use crate::calls::shapes::{self, BYTES, BYTES_LENGTH, CALLS, COMMANDS, FIRST, NOT_EMPTY, SECOND, SUCCESS_ONLY};
use crate::sys::bpf::{self, Instruction, Map};

use Register::{R0, R1, R2, R3, R4, R6, R7, R8, R9, R10};

/// Most stages that are recorded at a time.
pub(super) const STAGES: u32 = 1024;
/// Most processes of all of them.
const PROCESSES: u32 = 1 << 16;
/// Bytes of a name that announces a stage (`TASK_COMM_LEN`).
pub(super) const NAME: usize = 16;
/// How such a name begins.
pub(super) const NAME_BEGINS: [u8; 4] = *b"rpr:";

/// Memory that the programs share with each other and with us.
#[derive(Debug)]
pub(super) struct Maps {
    /// The stage of each process.
    processes: Map,
    /// The stage for which a process takes this name.
    pub(super) names: Map,
    /// What of each call is read, see [`shapes`].
    shapes: Map,
    scratch: Map,
    /// How many records of each stage were lost.
    pub(super) lost: Map,
    pub(super) ring: Map,
}

impl Maps {
    /// Makes them, with a ring of so many bytes.
    pub(super) fn new(ring: u32) -> Result<Self, Errno> {
        let maps = Self {
            processes: Map::new(bpf::Kind::Hash, 4, 4, PROCESSES)?,
            names: Map::new(bpf::Kind::Hash, NAME as u32, 4, STAGES)?,
            shapes: Map::new(bpf::Kind::Array, 4, 8, CALLS as u32)?,
            scratch: Map::new(bpf::Kind::PerCpuArray, 4, SCRATCH as u32, 1)?,
            lost: Map::new(bpf::Kind::Array, 4, 8, STAGES)?,
            ring: Map::new(bpf::Kind::Ring, 0, 0, ring)?,
        };
        for (number, shape) in (0u32..).zip(shapes::shapes()) {
            maps.shapes.set(&number.to_ne_bytes(), &shape.to_ne_bytes())?;
        }
        Ok(maps)
    }
}

/// Where this kernel has what the programs read, in bytes.
pub(super) struct Offsets {
    task_tgid: i32,
    task_mm: i32,
    task_signal: i32,
    task_exit_code: i32,
    task_pid: i32,
    pid_level: i32,
    pid_numbers: i32,
    signal_live: i32,
    signal_exit_code: i32,
    mm_arguments: i32,
    mm_arguments_end: i32,
    binary_name: i32,
    binary_interpreter: i32,
}

impl Offsets {
    /// Gives the name of what is missing otherwise.
    pub(super) fn find(types: &Types<'_>) -> Result<Self, &'static str> {
        let of = |structure, field| {
            let offset = types.offset(structure, field).and_then(|offset| i32::try_from(offset).ok());
            offset.ok_or(field)
        };
        Ok(Self {
            task_tgid: of("task_struct", "tgid")?,
            task_mm: of("task_struct", "mm")?,
            task_signal: of("task_struct", "signal")?,
            task_exit_code: of("task_struct", "exit_code")?,
            task_pid: of("task_struct", "thread_pid")?,
            pid_level: of("pid", "level")?,
            pid_numbers: of("pid", "numbers")?,
            signal_live: of("signal_struct", "live")?,
            signal_exit_code: of("signal_struct", "group_exit_code")?,
            mm_arguments: of("mm_struct", "arg_start")?,
            mm_arguments_end: of("mm_struct", "arg_end")?,
            binary_name: of("linux_binprm", "filename")?,
            binary_interpreter: of("linux_binprm", "interp")?,
        })
    }
}

/// A `struct upid`, a number and a pointer, has two to the power of this bytes.
const NUMBER_SHIFT: i32 = 4;

/// Where `struct pt_regs` has a call's number and its six arguments, and its length.
#[cfg(target_arch = "x86_64")]
const REGISTERS: (i16, [i16; 6], i32) = (120, [112, 104, 96, 56, 72, 64], 168);
#[cfg(target_arch = "aarch64")]
const REGISTERS: (i16, [i16; 6], i32) = (280, [272, 8, 16, 24, 32, 40], 288);

/// When this much waits in the ring, its reader is woken; otherwise it comes by itself now and then.
const WAKE: i32 = 256 << 10;
const NO_WAKE_UP: i32 = 1;
const WAKE_UP: i32 = 2;
/// Of `bpf_ringbuf_query`.
const WAITING: i32 = 0;

/// Slots on the stack.
const PROCESS: i16 = -8;
const CHILD: i16 = -16;
const STAGE: i16 = -24;
const KEY: i16 = -32;
const VALUE: i16 = -48;
const SHAPE: i16 = -56;
const RESULT: i16 = -64;

/// A program in the making, with what all of them do.
struct Program<'a> {
    asm: Assembler,
    maps: &'a Maps,
    /// Where it ends.
    out: Label,
}

impl<'a> Program<'a> {
    /// Keeps its argument in R6.
    fn new(maps: &'a Maps) -> Self {
        let mut asm = Assembler::default();
        let out = asm.label();
        asm.set(R6, R1);
        Self { asm, maps, out }
    }

    fn finish(mut self) -> Vec<Instruction> {
        self.asm.place(self.out);
        self.asm.set(R0, 0);
        self.asm.exit();
        self.asm.finish()
    }

    /// The value in a map for a key on the stack, in R0; if there is none the program ends.
    fn look_up(&mut self, map: &Map, key: i16) {
        self.asm.map(R1, map);
        self.asm.address(R2, R10, key.into());
        self.asm.call(Function::MapLookup);
        self.asm.jump_if(If::Equal, R0, 0, self.out);
    }

    /// The number of the process and of its stage, on the stack; the program ends for a process of nobody's.
    fn whose(&mut self) {
        self.asm.call(Function::CurrentPidTgid);
        self.asm.store(Size::Word, R10, PROCESS + 4, R0);
        self.asm.alu(Alu::ShiftRight, R0, 32);
        self.asm.store(Size::Word, R10, PROCESS, R0);
        self.look_up(&self.maps.processes, PROCESS);
        self.asm.load(Size::Word, R1, R0, 0);
        self.asm.store(Size::Word, R10, STAGE, R1);
    }

    /// Reads memory of the kernel from `base + offset` to the stack.
    fn peek(&mut self, to: i16, size: i32, base: Register, offset: i32) {
        self.asm.set(R3, base);
        if offset != 0 {
            self.asm.alu(Alu::Add, R3, offset);
        }
        self.asm.address(R1, R10, to.into());
        self.asm.set(R2, size);
        self.asm.call(Function::ReadKernel);
    }

    /// Begins a record in R7. Its number and what is read are the caller's.
    fn begin(&mut self, kind: Kind) {
        self.asm.store(Size::Word, R10, KEY, 0);
        self.look_up(&self.maps.scratch, KEY);
        self.asm.set(R7, R0);
        self.asm.store(Size::Word, R7, at::KIND, kind as i32);
        self.asm.load(Size::Word, R1, R10, STAGE);
        self.asm.store(Size::Word, R7, at::STAGE, R1);
        self.asm.load(Size::Word, R1, R10, PROCESS + 4);
        self.asm.store(Size::Word, R7, at::THREAD, R1);
        self.asm.load(Size::Word, R1, R10, PROCESS);
        self.asm.store(Size::Word, R7, at::PROCESS, R1);
        self.asm.store(Size::Word, R7, at::NUMBER, 0);
        self.asm.store(Size::Word, R7, at::FIRST, 0);
    }

    /// Writes the record in R7 with R8 bytes after its head.
    fn write(&mut self) {
        let (quiet, write, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.map(R1, &self.maps.ring);
        self.asm.set(R2, WAITING);
        self.asm.call(Function::RingQuery);
        self.asm.jump_if(If::Less, R0, WAKE, quiet);
        self.asm.set(R4, WAKE_UP);
        self.asm.jump(write);
        self.asm.place(quiet);
        self.asm.set(R4, NO_WAKE_UP);
        self.asm.place(write);
        self.asm.map(R1, &self.maps.ring);
        self.asm.set(R2, R7);
        self.asm.address(R3, R8, HEAD as i32);
        self.asm.call(Function::RingOutput);
        self.asm.jump_if(If::Equal, R0, 0, done);
        self.count_loss();
        self.asm.place(done);
    }

    fn count_loss(&mut self) {
        self.look_up(&self.maps.lost, STAGE);
        // Approximate when two processors do it at once; what matters is that it is not 0.
        self.asm.load(Size::Long, R1, R0, 0);
        self.asm.alu(Alu::Add, R1, 1);
        self.asm.store(Size::Long, R0, 0, R1);
    }

    /// The length in R0, or 0 for an error, to R0.
    fn length_or_nothing(&mut self, most: usize) {
        let good = self.asm.label();
        let bad = self.asm.label();
        self.asm.jump_if(If::Greater, R0, most as i32, bad);
        self.asm.jump(good);
        self.asm.place(bad);
        self.asm.set(R0, 0);
        self.asm.place(good);
    }
}

/// At `task_rename`: a process that takes an announced name begins a stage.
pub(super) fn begin(maps: &Maps) -> Vec<Instruction> {
    let mut program = Program::new(maps);
    program.asm.load(Size::Long, R7, R6, 8);
    program.peek(VALUE, NAME as i32, R7, 0);
    program.asm.load(Size::Word, R1, R10, VALUE);
    program.asm.jump_if(If::NotEqual, R1, i32::from_ne_bytes(NAME_BEGINS), program.out);
    program.look_up(&maps.names, VALUE);
    program.asm.load(Size::Word, R1, R0, 0);
    program.asm.store(Size::Word, R10, STAGE, R1);
    program.asm.call(Function::CurrentPidTgid);
    program.asm.alu(Alu::ShiftRight, R0, 32);
    program.asm.store(Size::Word, R10, PROCESS, R0);
    add_process(&mut program, PROCESS);
    program.asm.map(R1, &maps.names);
    program.asm.address(R2, R10, VALUE.into());
    program.asm.call(Function::MapDelete);
    program.finish()
}

fn add_process(program: &mut Program<'_>, key: i16) {
    let done = program.asm.label();
    program.asm.map(R1, &program.maps.processes);
    program.asm.address(R2, R10, key.into());
    program.asm.address(R3, R10, STAGE.into());
    program.asm.set(R4, 0);
    program.asm.call(Function::MapUpdate);
    program.asm.jump_if(If::Equal, R0, 0, done);
    program.count_loss();
    program.asm.place(done);
}

/// At `sched_process_fork`: a child belongs to its parent's stage.
pub(super) fn fork(maps: &Maps, offsets: &Offsets) -> Vec<Instruction> {
    let mut program = Program::new(maps);
    program.whose();
    program.asm.load(Size::Long, R8, R6, 8);
    program.peek(CHILD, 4, R8, offsets.task_tgid);
    program.asm.load(Size::Word, R1, R10, CHILD);
    program.asm.load(Size::Word, R2, R10, PROCESS);
    // A thread.
    program.asm.jump_if(If::Equal, R1, R2, program.out);
    add_process(&mut program, CHILD);
    program.begin(Kind::Fork);
    program.asm.load(Size::Word, R1, R10, CHILD);
    program.asm.store(Size::Word, R7, at::NUMBER, R1);
    // Its number in the innermost pid namespace.
    program.peek(VALUE, 8, R8, offsets.task_pid);
    program.asm.load(Size::Long, R9, R10, VALUE);
    program.asm.store(Size::Long, R10, VALUE, 0);
    program.peek(VALUE, 4, R9, offsets.pid_level);
    program.asm.load(Size::Word, R1, R10, VALUE);
    program.asm.alu(Alu::ShiftLeft, R1, NUMBER_SHIFT);
    program.asm.alu(Alu::Add, R9, R1);
    program.peek(VALUE, 4, R9, offsets.pid_numbers);
    program.asm.load(Size::Word, R1, R10, VALUE);
    program.asm.store(Size::Long, R7, at::ARGUMENTS, R1);
    program.asm.set(R8, 0);
    program.write();
    program.finish()
}

/// At `sched_process_exit`: the last thread of a process ends.
pub(super) fn exit(maps: &Maps, offsets: &Offsets) -> Vec<Instruction> {
    let mut program = Program::new(maps);
    program.whose();
    program.asm.load(Size::Long, R8, R6, 0);
    program.peek(VALUE, 8, R8, offsets.task_signal);
    program.asm.load(Size::Long, R9, R10, VALUE);
    program.peek(VALUE, 4, R9, offsets.signal_live);
    program.asm.load(Size::Word, R1, R10, VALUE);
    program.asm.jump_if(If::NotEqual, R1, 0, program.out);
    program.begin(Kind::Exit);
    program.peek(VALUE, 4, R8, offsets.task_exit_code);
    program.peek(VALUE + 4, 4, R9, offsets.signal_exit_code);
    let own = program.asm.label();
    program.asm.load(Size::Word, R1, R10, VALUE);
    program.asm.load(Size::Word, R2, R10, VALUE + 4);
    program.asm.jump_if(If::Equal, R2, 0, own);
    program.asm.set(R1, R2);
    program.asm.place(own);
    program.asm.store(Size::Word, R7, at::NUMBER, R1);
    program.asm.set(R8, 0);
    program.write();
    program.asm.map(R1, &maps.processes);
    program.asm.address(R2, R10, PROCESS.into());
    program.asm.call(Function::MapDelete);
    program.finish()
}

/// At `sched_process_exec`: a process has become another program.
pub(super) fn execute(maps: &Maps, offsets: &Offsets) -> Vec<Instruction> {
    let mut program = Program::new(maps);
    program.whose();
    program.begin(Kind::Execute);
    program.asm.load(Size::Long, R8, R6, 16);
    program.peek(VALUE, 8, R8, offsets.binary_name);
    program.asm.address(R1, R7, HEAD as i32);
    program.asm.set(R2, STRING as i32);
    program.asm.load(Size::Long, R3, R10, VALUE);
    program.asm.call(Function::ReadKernelString);
    program.length_or_nothing(STRING);
    program.asm.store(Size::Half, R7, at::FIRST, R0);
    program.asm.store(Size::Long, R10, RESULT, R0);
    // Of a script it is the interpreter.
    program.peek(VALUE, 8, R8, offsets.binary_interpreter);
    program.asm.load(Size::Long, R8, R10, RESULT);
    program.asm.address(R1, R7, HEAD as i32);
    program.asm.alu(Alu::Add, R1, R8);
    program.asm.set(R2, STRING as i32);
    program.asm.load(Size::Long, R3, R10, VALUE);
    program.asm.call(Function::ReadKernelString);
    program.length_or_nothing(STRING);
    program.asm.store(Size::Half, R7, at::SECOND, R0);
    program.asm.alu(Alu::Add, R8, R0);
    program.write();
    // The arguments lie one after the other in the new program's memory.
    program.asm.load(Size::Long, R1, R6, 0);
    program.peek(VALUE, 8, R1, offsets.task_mm);
    program.asm.load(Size::Long, R1, R10, VALUE);
    program.peek(VALUE, 8, R1, offsets.mm_arguments);
    program.asm.load(Size::Long, R8, R10, VALUE);
    // Once more, since the address is gone: a call may not keep it.
    program.asm.load(Size::Long, R1, R6, 0);
    program.peek(VALUE, 8, R1, offsets.task_mm);
    program.asm.load(Size::Long, R1, R10, VALUE);
    program.peek(VALUE, 8, R1, offsets.mm_arguments_end);
    program.asm.load(Size::Long, R9, R10, VALUE);
    program.asm.alu(Alu::Sub, R9, R8);
    program.asm.store(Size::Long, R10, RESULT, R8);
    for piece in 0..PIECES {
        let whole = program.asm.label();
        // R9 is what is left, at [RESULT] is where.
        program.asm.jump_if(If::Equal, R9, 0, program.out);
        program.asm.jump_if(If::SignedLess, R9, 0, program.out);
        program.begin(Kind::Arguments);
        program.asm.store(Size::Word, R7, at::NUMBER, piece as i32);
        program.asm.set(R8, R9);
        program.asm.jump_if(If::Less, R8, PIECE as i32, whole);
        program.asm.set(R8, PIECE as i32);
        program.asm.place(whole);
        program.asm.address(R1, R7, HEAD as i32);
        program.asm.set(R2, R8);
        program.asm.load(Size::Long, R3, R10, RESULT);
        program.asm.call(Function::ReadUser);
        program.asm.store(Size::Long, R7, at::RESULT, R0);
        program.write();
        program.asm.load(Size::Long, R1, R10, RESULT);
        program.asm.alu(Alu::Add, R1, R8);
        program.asm.store(Size::Long, R10, RESULT, R1);
        program.asm.alu(Alu::Sub, R9, R8);
    }
    // What is left now is left out.
    program.asm.jump_if(If::Equal, R9, 0, program.out);
    program.begin(Kind::Arguments);
    program.asm.store(Size::Word, R7, at::NUMBER, PIECES as i32);
    program.asm.set(R8, 0);
    program.write();
    program.finish()
}

/// At `sys_exit`: a call has come to its end. What it read is in memory now, whatever it was before.
pub(super) fn call(maps: &Maps) -> Vec<Instruction> {
    let (number, arguments, length) = REGISTERS;
    let mut program = Program::new(maps);
    program.whose();
    program.asm.load(Size::Long, R8, R6, 0);
    program.peek(VALUE, 8, R8, number.into());
    program.asm.load(Size::Long, R9, R10, VALUE);
    program.asm.jump_if(If::Greater, R9, CALLS as i32 - 1, program.out);
    program.asm.store(Size::Word, R10, KEY, R9);
    program.look_up(&maps.shapes, KEY);
    program.asm.load(Size::Long, R1, R0, 0);
    program.asm.jump_if(If::Equal, R1, 0, program.out);
    program.asm.store(Size::Long, R10, SHAPE, R1);
    // Some only count when they worked.
    program.asm.load(Size::Long, R2, R6, 8);
    program.asm.store(Size::Long, R10, RESULT, R2);
    let counts = program.asm.label();
    program.asm.alu(Alu::And, R1, SUCCESS_ONLY as i32);
    program.asm.jump_if(If::Equal, R1, 0, counts);
    program.asm.jump_if(If::SignedLess, R2, 0, program.out);
    program.asm.place(counts);
    program.begin(Kind::Call);
    program.asm.store(Size::Word, R7, at::NUMBER, R9);
    program.asm.load(Size::Long, R1, R10, RESULT);
    program.asm.store(Size::Long, R7, at::RESULT, R1);
    // All registers, behind where strings end.
    let kept = (SCRATCH - 512) as i32;
    program.asm.address(R1, R7, kept);
    program.asm.set(R2, length);
    program.asm.set(R3, R8);
    program.asm.call(Function::ReadKernel);
    for (index, offset) in (0i16..).zip(arguments) {
        program.asm.load(Size::Long, R1, R7, kept as i16 + offset);
        program.asm.store(Size::Long, R7, at::ARGUMENTS + 8 * index, R1);
    }
    commands(&mut program);
    program.asm.load(Size::Long, R9, R10, SHAPE);
    program.asm.set(R8, 0);
    bytes(&mut program);
    string(&mut program, FIRST, at::FIRST);
    // An empty string that asks about nothing but a descriptor.
    let wanted = program.asm.label();
    program.asm.set(R1, R9);
    program.asm.alu(Alu::And, R1, NOT_EMPTY as i32);
    program.asm.jump_if(If::Equal, R1, 0, wanted);
    program.asm.jump_if(If::Equal, R8, 1, program.out);
    program.asm.place(wanted);
    string(&mut program, SECOND, at::SECOND);
    program.write();
    program.finish()
}

/// Ends the program at commands that are of no interest.
fn commands(program: &mut Program<'_>) {
    let go_on = program.asm.label();
    program.asm.load(Size::Long, R1, R10, SHAPE);
    program.asm.alu(Alu::And, R1, COMMANDS as i32);
    program.asm.jump_if(If::Equal, R1, 0, go_on);
    program.asm.load(Size::Word, R1, R7, at::ARGUMENTS + 8);
    for command in shapes::RECORDED_COMMANDS {
        program.asm.jump_if(If::Equal, R1, command.cast_signed(), go_on);
    }
    program.asm.jump(program.out);
    program.asm.place(go_on);
}

/// The argument that a shape in R9 names, in R3; jumps if it names none.
fn argument(program: &mut Program<'_>, shift: u64, none: Label) {
    program.asm.set(R1, R9);
    program.asm.alu(Alu::ShiftRight, R1, shift as i32);
    program.asm.alu(Alu::And, R1, 7);
    program.asm.jump_if(If::Equal, R1, 0, none);
    program.asm.alu(Alu::ShiftLeft, R1, 3);
    program.asm.set(R2, R7);
    program.asm.alu(Alu::Add, R2, R1);
    program.asm.load(Size::Long, R3, R2, at::ARGUMENTS - 8);
}

/// Reads bytes that are no string. R8 is how much the record has after its head.
fn bytes(program: &mut Program<'_>) {
    let none = program.asm.label();
    argument(program, BYTES, none);
    program.asm.set(R2, R9);
    program.asm.alu(Alu::ShiftRight, R2, BYTES_LENGTH as i32);
    program.asm.alu(Alu::And, R2, 127);
    program.asm.set(R8, R2);
    program.asm.address(R1, R7, HEAD as i32);
    program.asm.call(Function::ReadUser);
    program.asm.store(Size::Half, R7, at::FIRST, R8);
    program.asm.place(none);
}

/// Reads a string behind the R8 bytes that are there.
fn string(program: &mut Program<'_>, shift: u64, field: i16) {
    let none = program.asm.label();
    argument(program, shift, none);
    program.asm.address(R1, R7, HEAD as i32);
    program.asm.alu(Alu::Add, R1, R8);
    program.asm.set(R2, STRING as i32);
    program.asm.call(Function::ReadUserString);
    program.length_or_nothing(STRING);
    program.asm.store(Size::Half, R7, field, R0);
    program.asm.alu(Alu::Add, R8, R0);
    program.asm.place(none);
}
