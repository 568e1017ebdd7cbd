//! The bytes of a trace. The layout is in the [module's text](super).

use std::io::{BufRead, BufReader, Read, Write};

use super::error::Error;
use super::model::{Access, Exit, Move, MoveKind, PathEntry, PathId, Process, Program, ROOT, Trace};
use crate::calls::{CallKind, Ways};

/// The first bytes; the number is the version.
pub const MAGIC: &[u8] = b"repro trace 1\n";

/// Where the numbers of signals begin, after the 256 exit codes and "unknown".
const SIGNALS: u64 = 257;

/// Effort of the compression: higher ones gain little here.
const LEVEL: i32 = 6;
/// Longest name and longest argument that is read.
const LONGEST: u64 = 1 << 20;

/// A number in steps of seven bits, the lowest first; all but the last have bit 7 set (LEB128).
fn put(out: &mut impl Write, mut number: u64) -> std::io::Result<()> {
    let mut bytes = [0; 10];
    let mut len = 0;
    loop {
        let more = number > 0x7f;
        bytes[len] = (number & 0x7f) as u8 | if more { 0x80 } else { 0 };
        len += 1;
        number >>= 7;
        if !more {
            return out.write_all(&bytes[..len]);
        }
    }
}

fn put_bytes(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    put(out, bytes.len() as u64)?;
    out.write_all(bytes)
}

fn put_span(out: &mut impl Write, base: u32, span: Option<(u32, u32)>) -> std::io::Result<()> {
    let Some((first, last)) = span else { return Ok(()) };
    put(out, u64::from(first.saturating_sub(base)))?;
    put(out, u64::from(last.saturating_sub(first)))
}

impl Trace {
    /// The bytes. Equal traces have equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let write = || -> std::io::Result<Vec<u8>> {
            let mut plain = Vec::new();
            self.write(&mut plain)?;
            // At once: most traces are short, and need no tables for long ones.
            let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
            compressor.include_contentsize(false)?;
            Ok([MAGIC, &compressor.compress(&plain)?].concat())
        };
        write().expect("memory takes everything, and the level is one that zstd has")
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        for kind in CallKind::ALL {
            put(out, self.calls.get(&kind).copied().unwrap_or(0))?;
        }
        put(out, self.paths.len() as u64)?;
        for (id, path) in self.paths.iter().enumerate().skip(2) {
            put(out, (id as u64).saturating_sub(path.parent.into()))?;
            put_bytes(out, &path.name)?;
        }
        put(out, self.processes.len() as u64)?;
        let mut before = 0;
        for (number, process) in (1..).zip(&self.processes) {
            let distance = if process.parent == 0 { 0 } else { number - u64::from(process.parent) };
            put(out, distance)?;
            put(out, u64::from(process.start.saturating_sub(before)))?;
            before = process.start;
            put(out, process.end.map_or(0, |end| u64::from(end.saturating_sub(process.start)) + 1))?;
            put(
                out,
                match process.exit {
                    Exit::Unknown => 0,
                    Exit::Code(code) => u64::from(code) + 1,
                    Exit::Signal(signal) => u64::from(signal) + SIGNALS,
                },
            )?;
            put(out, process.programs.len() as u64)?;
            for program in &process.programs {
                put(out, u64::from(program.order.saturating_sub(process.start)))?;
                put(out, program.path.into())?;
                put(out, program.directory.into())?;
                put(out, (program.arguments.len() as u64) << 1 | u64::from(program.cut))?;
                program.arguments.iter().try_for_each(|argument| put_bytes(out, argument))?;
            }
            put(out, process.accesses.len() as u64)?;
            let mut last = ROOT;
            for access in &process.accesses {
                put(out, u64::from(access.path.saturating_sub(last)))?;
                last = access.path;
                let spans = u64::from(access.read.is_some()) | u64::from(access.written.is_some()) << 1;
                put(out, u64::from(access.ways.0) << 2 | spans)?;
                put_span(out, process.start, access.read)?;
                put_span(out, process.start, access.written)?;
            }
        }
        put(out, self.moves.len() as u64)?;
        let mut before = 0;
        for one in &self.moves {
            put(out, u64::from(one.order.saturating_sub(before)))?;
            before = one.order;
            put(out, one.process.into())?;
            put(out, one.kind as u64)?;
            put(out, one.from.into())?;
            put(out, one.to.into())?;
        }
        Ok(())
    }

    /// The trace in these bytes.
    ///
    /// # Errors
    /// They are no trace, or not a whole one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes)?;
        let mut processes = Vec::new();
        while let Some(process) = reader.process()? {
            processes.push(process);
        }
        let moves = reader.moves()?;
        Ok(Self { paths: reader.paths, processes, moves, calls: reader.calls })
    }
}

/// Reads a trace piece by piece: what is held in memory are the paths and one process at a time.
pub struct Reader<R: Read> {
    from: BufReader<R>,
    /// How many calls were told of.
    pub calls: std::collections::BTreeMap<CallKind, u64>,
    /// All paths.
    pub paths: Vec<PathEntry>,
    processes: u32,
    next: u32,
    start: u32,
}

impl<'a> Reader<zstd::Decoder<'static, &'a [u8]>> {
    /// Reads what stands before the processes.
    ///
    /// # Errors
    /// The bytes are no trace of this version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let body = bytes.strip_prefix(MAGIC).ok_or_else(|| Error::decode("it does not begin as one of version 1"))?;
        Self::of(zstd::Decoder::with_buffer(body).map_err(|error| Error::decode(error.to_string()))?)
    }
}

impl<R: Read> Reader<R> {
    fn of(from: R) -> Result<Self, Error> {
        let mut this = Self {
            from: BufReader::new(from),
            calls: std::collections::BTreeMap::new(),
            paths: vec![PathEntry { parent: ROOT, name: Vec::new() }, PathEntry { parent: ROOT, name: Vec::new() }],
            processes: 0,
            next: 0,
            start: 0,
        };
        for kind in CallKind::ALL {
            let count = this.number()?;
            if count > 0 {
                this.calls.insert(kind, count);
            }
        }
        let paths = this.small()?;
        for id in 2..paths.max(2) {
            let parent = this.small()?;
            let parent = id.checked_sub(parent).filter(|parent| *parent < id);
            let parent = parent.ok_or_else(|| Error::decode(format!("path {id} has no parent before it")))?;
            let name = this.bytes()?;
            if name.is_empty() || name.contains(&b'/') || name.contains(&0) {
                return Err(Error::decode(format!("path {id} has no valid name")));
            }
            this.paths.push(PathEntry { parent, name });
        }
        if (paths as usize) != this.paths.len() {
            return Err(Error::decode("it has no root"));
        }
        this.processes = this.small()?;
        Ok(this)
    }

    /// How many processes there are.
    pub fn processes(&self) -> u32 {
        self.processes
    }

    /// The next process; none after the last.
    ///
    /// # Errors
    /// The bytes are no trace.
    pub fn process(&mut self) -> Result<Option<Process>, Error> {
        if self.next == self.processes {
            return Ok(None);
        }
        self.next += 1;
        let distance = self.small()?;
        let parent = if distance == 0 { Some(0) } else { self.next.checked_sub(distance).filter(|parent| *parent > 0) };
        let parent = parent.ok_or_else(|| Error::decode("a process has no parent before it"))?;
        let start = self.after(self.start)?;
        self.start = start;
        let end = match self.small()? {
            0 => None,
            later => Some(start.checked_add(later - 1).ok_or_else(too_big)?),
        };
        let exit = match self.small()? {
            0 => Exit::Unknown,
            code if u64::from(code) < SIGNALS => Exit::Code((code - 1) as u8),
            code => Exit::Signal(u8::try_from(u64::from(code) - SIGNALS).map_err(|_| too_big())?),
        };
        let mut programs = Vec::new();
        for _ in 0..self.small()? {
            let (order, path, directory) = (self.after(start)?, self.path()?, self.path()?);
            let count = self.number()?;
            let mut arguments = Vec::new();
            for _ in 0..count >> 1 {
                arguments.push(self.bytes()?);
            }
            programs.push(Program { order, path, directory, arguments, cut: count & 1 == 1 });
        }
        let mut accesses: Vec<Access> = Vec::new();
        for _ in 0..self.small()? {
            let last = accesses.last().map(|access| access.path);
            let path = self.after(last.unwrap_or(ROOT))?;
            if path as usize >= self.paths.len() || last == Some(path) {
                return Err(Error::decode("an access is to no path, or comes twice"));
            }
            let ways = self.number()?;
            let spans = ways & 3;
            let ways = u32::try_from(ways >> 2).ok().filter(|ways| ways & !Ways::MASK == 0).ok_or_else(too_big)?;
            let read = if spans & 1 == 0 { None } else { Some(self.span(start)?) };
            let written = if spans & 2 == 0 { None } else { Some(self.span(start)?) };
            accesses.push(Access { path, ways: Ways(ways), read, written });
        }
        Ok(Some(Process { parent, start, end, exit, programs, accesses }))
    }

    /// What comes after the last process.
    ///
    /// # Errors
    /// The bytes are no trace, or something follows.
    pub fn moves(&mut self) -> Result<Vec<Move>, Error> {
        while self.process()?.is_some() {}
        let mut moves = Vec::new();
        let mut order = 0;
        for _ in 0..self.small()? {
            order = self.after(order)?;
            let process = self.small()?;
            let kind = MoveKind::ALL.get(self.small()? as usize).copied();
            let known = kind.filter(|_| (1..=self.processes).contains(&process));
            let kind = known.ok_or_else(|| Error::decode("a move has no process or kind"))?;
            moves.push(Move { order, process, kind, from: self.path()?, to: self.path()? });
        }
        let rest = self.from.fill_buf().map_err(|error| Error::decode(error.to_string()))?;
        if rest.is_empty() { Ok(moves) } else { Err(Error::decode("something follows its end")) }
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for place in 0..10 {
            let mut byte = [0];
            self.from.read_exact(&mut byte).map_err(|error| Error::decode(error.to_string()))?;
            let part = u64::from(byte[0] & 0x7f);
            if place == 9 && part > 1 || place > 0 && byte[0] == 0 {
                break;
            }
            number |= part << (7 * place);
            if byte[0] & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Error::decode("a number is too long"))
    }

    fn small(&mut self) -> Result<u32, Error> {
        u32::try_from(self.number()?).map_err(|_| too_big())
    }

    /// A number given by its distance from another.
    fn after(&mut self, base: u32) -> Result<u32, Error> {
        base.checked_add(self.small()?).ok_or_else(too_big)
    }

    fn span(&mut self, base: u32) -> Result<(u32, u32), Error> {
        let first = self.after(base)?;
        Ok((first, self.after(first)?))
    }

    fn path(&mut self) -> Result<PathId, Error> {
        let path = self.small()?;
        if (path as usize) < self.paths.len() { Ok(path) } else { Err(Error::decode("a path is not in its table")) }
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let len = self.number()?;
        if len > LONGEST {
            return Err(Error::decode("a name or argument is too long"));
        }
        // Grows as bytes really come: a stated length costs nothing.
        let mut bytes = Vec::new();
        let got = self.from.by_ref().take(len).read_to_end(&mut bytes);
        match got {
            Ok(got) if got as u64 == len => Ok(bytes),
            Ok(_) => Err(Error::decode("it ends early")),
            Err(error) => Err(Error::decode(error.to_string())),
        }
    }
}

fn too_big() -> Error {
    Error::decode("a number is too big")
}
