//! Writing programs for the kernel's machine (linux/bpf.h, the kernel's Documentation/bpf/standardization).

use std::os::fd::AsRawFd;

use crate::sys::bpf::{Instruction, Map};

/// A register. R0 is the result of a call, R1 to R5 are its arguments and are lost by it, R6 to R9 are kept, R10 is the
/// end of a stack of 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Register {
    R0,
    R1,
    R2,
    R3,
    R4,
    R6 = 6,
    R7,
    R8,
    R9,
    R10,
}

/// What an operation takes beside its register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Constant(i32),
    Register(Register),
}

impl From<i32> for Operand {
    fn from(constant: i32) -> Self {
        Self::Constant(constant)
    }
}

impl From<Register> for Operand {
    fn from(register: Register) -> Self {
        Self::Register(register)
    }
}

/// 64-bit arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alu {
    Add = 0x07,
    Sub = 0x17,
    And = 0x57,
    ShiftLeft = 0x67,
    ShiftRight = 0x77,
    Move = 0xb7,
}

/// 64-bit comparisons, unsigned but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum If {
    Equal = 0x15,
    Greater = 0x25,
    NotEqual = 0x55,
    Less = 0xa5,
    SignedLess = 0xc5,
}

/// Sizes of what is loaded and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Word = 0x00,
    Half = 0x08,
    Long = 0x18,
}

/// Functions of the kernel (`enum bpf_func_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    MapLookup = 1,
    MapUpdate = 2,
    MapDelete = 3,
    CurrentPidTgid = 14,
    ReadUser = 112,
    ReadKernel = 113,
    ReadUserString = 114,
    ReadKernelString = 115,
    RingOutput = 130,
    RingQuery = 134,
}

/// A place in a program to jump to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

/// A program in the making.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    code: Vec<Instruction>,
    /// Where each label is, once it was placed.
    labels: Vec<Option<usize>>,
    /// Jumps, and where to.
    jumps: Vec<(usize, Label)>,
}

fn encode(operation: u8, target: Register, source: u8, offset: i16, constant: i32) -> Instruction {
    u64::from(operation)
        | (target as u64) << 8
        | u64::from(source) << 12
        | u64::from(offset.cast_unsigned()) << 16
        | u64::from(constant.cast_unsigned()) << 32
}

impl Assembler {
    /// A label that is placed later.
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Places a label here.
    pub(super) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.code.len());
    }

    pub(super) fn alu(&mut self, operation: Alu, target: Register, operand: impl Into<Operand>) {
        self.code.push(match operand.into() {
            Operand::Constant(constant) => encode(operation as u8, target, 0, 0, constant),
            Operand::Register(source) => encode(operation as u8 | 8, target, source as u8, 0, 0),
        });
    }

    pub(super) fn set(&mut self, target: Register, operand: impl Into<Operand>) {
        self.alu(Alu::Move, target, operand);
    }

    /// An address: a register and an offset.
    pub(super) fn address(&mut self, target: Register, base: Register, offset: i32) {
        self.set(target, base);
        self.alu(Alu::Add, target, offset);
    }

    pub(super) fn load(&mut self, size: Size, target: Register, base: Register, offset: i16) {
        self.code.push(encode(0x61 | size as u8, target, base as u8, offset, 0));
    }

    pub(super) fn store(&mut self, size: Size, base: Register, offset: i16, operand: impl Into<Operand>) {
        self.code.push(match operand.into() {
            Operand::Constant(constant) => encode(0x62 | size as u8, base, 0, offset, constant),
            Operand::Register(source) => encode(0x63 | size as u8, base, source as u8, offset, 0),
        });
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.jumps.push((self.code.len(), to));
        self.code.push(encode(0x05, Register::R0, 0, 0, 0));
    }

    pub(super) fn jump_if(&mut self, test: If, left: Register, right: impl Into<Operand>, to: Label) {
        self.jumps.push((self.code.len(), to));
        self.code.push(match right.into() {
            Operand::Constant(constant) => encode(test as u8, left, 0, 0, constant),
            Operand::Register(right) => encode(test as u8 | 8, left, right as u8, 0, 0),
        });
    }

    pub(super) fn call(&mut self, function: Function) {
        self.code.push(encode(0x85, Register::R0, 0, 0, function as i32));
    }

    /// A map, as an argument of a function.
    pub(super) fn map(&mut self, target: Register, map: &Map) {
        const PSEUDO_MAP_FD: u8 = 1;
        self.code.push(encode(0x18, target, PSEUDO_MAP_FD, 0, map.as_raw_fd()));
        self.code.push(0);
    }

    pub(super) fn exit(&mut self) {
        self.code.push(encode(0x95, Register::R0, 0, 0, 0));
    }

    /// The program, with its jumps filled in.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        for (at, label) in &self.jumps {
            let target = self.labels[label.0].expect("each label that is jumped to is placed");
            let distance = target as i64 - *at as i64 - 1;
            let distance = i16::try_from(distance).expect("the programs are shorter than a jump reaches");
            self.code[*at] |= u64::from(distance.cast_unsigned()) << 16;
        }
        self.code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_encoded_as_the_standard_says() {
        let mut asm = Assembler::default();
        let end = asm.label();
        asm.set(Register::R0, -1);
        asm.set(Register::R6, Register::R1);
        asm.load(Size::Long, Register::R1, Register::R6, 8);
        asm.store(Size::Word, Register::R10, -4, Register::R1);
        asm.store(Size::Half, Register::R10, -8, 7);
        asm.jump_if(If::SignedLess, Register::R1, 0, end);
        asm.jump_if(If::Equal, Register::R1, Register::R2, end);
        asm.call(Function::RingOutput);
        asm.place(end);
        asm.exit();
        let bytes: Vec<[u8; 8]> = asm.finish().into_iter().map(u64::to_le_bytes).collect();
        assert_eq!(
            bytes,
            [
                [0xb7, 0x00, 0, 0, 0xff, 0xff, 0xff, 0xff],
                [0xbf, 0x16, 0, 0, 0, 0, 0, 0],
                [0x79, 0x61, 8, 0, 0, 0, 0, 0],
                [0x63, 0x1a, 0xfc, 0xff, 0, 0, 0, 0],
                [0x6a, 0x0a, 0xf8, 0xff, 7, 0, 0, 0],
                [0xc5, 0x01, 2, 0, 0, 0, 0, 0],
                [0x1d, 0x21, 1, 0, 0, 0, 0, 0],
                [0x85, 0, 0, 0, 130, 0, 0, 0],
                [0x95, 0, 0, 0, 0, 0, 0, 0],
            ]
        );
    }
}
