//! Archives by hand, so that they can be wrong.

use std::io::Write;

/// One tar entry: header fields as bytes, and content.
#[derive(Clone)]
pub struct Tar {
    block: [u8; 512],
    data: Vec<u8>,
    pub pad: bool,
}

/// A tar entry of a type, with ustar magic.
pub fn entry(flag: u8, name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Tar {
    let mut tar = Tar { block: [0; 512], data: data.as_ref().to_vec(), pad: true };
    tar.put(0, name.as_ref());
    tar.put(100, b"0000644\0");
    tar.put(108, b"0000000\0");
    tar.put(116, b"0000000\0");
    tar.put(124, format!("{:011o}\0", tar.data.len()).as_bytes());
    tar.put(136, b"00000000001\0");
    tar.put(156, &[flag]);
    tar.put(257, b"ustar\x0000");
    tar
}

pub fn file(name: &str, data: &str) -> Tar {
    entry(b'0', name, data)
}

pub fn dir(name: &str) -> Tar {
    entry(b'5', name, "")
}

pub fn symlink(name: &str, target: &str) -> Tar {
    entry(b'2', name, "").with(157, target.as_bytes())
}

pub fn hardlink(name: &str, target: &str) -> Tar {
    entry(b'1', name, "").with(157, target.as_bytes())
}

/// A pax header with records.
pub fn pax(records: &[(&str, &str)]) -> Tar {
    entry(b'x', "pax", records.iter().map(|(key, value)| record(key, value)).collect::<String>())
}

pub fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let length = (rest..rest + 20).find(|length| rest + length.to_string().len() == *length).expect("a length fits");
    format!("{length} {key}={value}\n")
}

impl Tar {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.block[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Other bytes in the header.
    pub fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.put(at, bytes);
        self
    }

    pub fn mode(self, mode: &str) -> Self {
        self.with(100, mode.as_bytes())
    }

    pub fn gnu(self) -> Self {
        self.with(257, b"ustar  \0")
    }

    /// A size that need not be that of the content.
    pub fn size(self, size: &[u8]) -> Self {
        self.with(124, size)
    }

    /// The bytes, with the checksum put right.
    pub fn bytes(&self) -> Vec<u8> {
        let mut block = self.block;
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let mut bytes = [block.as_slice(), &self.data].concat();
        if self.pad {
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
        bytes
    }
}

/// Entries without an end.
pub fn open(entries: &[Tar]) -> Vec<u8> {
    entries.iter().flat_map(Tar::bytes).collect()
}

/// A whole tar.
pub fn tar(entries: &[Tar]) -> Vec<u8> {
    let mut bytes = open(entries);
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// An ar member.
pub fn member(name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", data.len()).into_bytes();
    bytes.extend(data);
    if data.len() % 2 == 1 {
        bytes.push(b'\n');
    }
    bytes
}

pub fn ar(members: &[Vec<u8>]) -> Vec<u8> {
    [b"!<arch>\n".to_vec(), members.concat()].concat()
}

pub fn deb(data_name: &str, data: &[u8]) -> Vec<u8> {
    let control = tar(&[file("./control", "Package: x\n")]);
    ar(&[member("debian-binary", b"2.0\n"), member("control.tar", &control), member(data_name, data)])
}

/// A newc entry.
#[derive(Clone)]
pub struct Cpio {
    pub magic: &'static str,
    pub inode: u32,
    pub mode: u32,
    pub links: u32,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub sum: u32,
}

pub fn newc(name: &str, mode: u32, data: &str) -> Cpio {
    let data = data.as_bytes().to_vec();
    Cpio { magic: "070701", inode: 1, mode, links: 1, name: name.as_bytes().to_vec(), data, sum: 0 }
}

impl Cpio {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.magic.as_bytes().to_vec();
        let (size, name) = (self.data.len() as u32, self.name.len() as u32 + 1);
        for field in [self.inode, self.mode, 0, 0, self.links, 1, size, 0, 0, 0, 0, name, self.sum] {
            bytes.extend(format!("{field:08X}").into_bytes());
        }
        bytes.extend(&self.name);
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(&self.data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }
}

pub fn cpio(entries: &[Cpio]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Cpio::bytes).collect();
    let magic = entries.first().map_or("070701", |entry| entry.magic);
    bytes.extend(Cpio { magic, ..newc("TRAILER!!!", 0, "") }.bytes());
    bytes
}

/// A zip entry; the local header and the central directory can be told to differ.
#[derive(Clone)]
pub struct Zip {
    pub name: Vec<u8>,
    pub local_name: Option<Vec<u8>>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub stored: Vec<u8>,
    pub size: u32,
    pub made_by: u16,
    pub mode: u32,
    pub extra: Vec<u8>,
    /// 0: sizes in the local header; 1: in a descriptor with a magic number; 2: without.
    pub descriptor: u8,
    /// Bytes put before the local header.
    pub gap: Vec<u8>,
}

pub fn stored(name: &str, data: &str) -> Zip {
    let mut crc = flate2::Crc::new();
    crc.update(data.as_bytes());
    Zip {
        name: name.as_bytes().to_vec(),
        local_name: None,
        flags: 0,
        method: 0,
        crc: crc.sum(),
        stored: data.as_bytes().to_vec(),
        size: data.len() as u32,
        made_by: 3 << 8 | 20,
        mode: 0o100_644,
        extra: Vec::new(),
        descriptor: 0,
        gap: Vec::new(),
    }
}

pub fn deflated(name: &str, data: &str) -> Zip {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data.as_bytes()).expect("a Vec takes all");
    let packed = encoder.finish().expect("a Vec takes all");
    Zip { method: 8, stored: packed, ..stored(name, data) }
}

pub fn zip(entries: &[Zip]) -> Vec<u8> {
    let (mut bytes, mut central) = (Vec::new(), Vec::new());
    for e in entries {
        bytes.extend(&e.gap);
        let offset = bytes.len() as u32;
        let name = e.local_name.as_ref().unwrap_or(&e.name);
        let flags = if e.descriptor > 0 { e.flags | 8 } else { e.flags };
        let (crc, stored, size) = (e.crc.to_le_bytes(), (e.stored.len() as u32).to_le_bytes(), e.size.to_le_bytes());
        bytes.extend(b"PK\x03\x04\x14\0");
        bytes.extend([flags.to_le_bytes(), e.method.to_le_bytes(), [0; 2], [0; 2]].concat());
        match e.descriptor {
            0 => bytes.extend([crc, stored, size].concat()),
            _ => bytes.extend([0; 12]),
        }
        bytes.extend([(name.len() as u16).to_le_bytes(), (e.extra.len() as u16).to_le_bytes()].concat());
        bytes.extend([name.as_slice(), &e.extra, &e.stored].concat());
        match e.descriptor {
            0 => {}
            1 => bytes.extend([*b"PK\x07\x08", crc, stored, size].concat()),
            _ => bytes.extend([crc, stored, size].concat()),
        }
        central.extend(b"PK\x01\x02");
        central.extend([e.made_by, 20, flags, e.method, 0, 0].map(u16::to_le_bytes).concat());
        central.extend([crc, stored, size].concat());
        central.extend([e.name.len() as u16, e.extra.len() as u16, 0, 0, 0].map(u16::to_le_bytes).concat());
        central.extend([(e.mode << 16).to_le_bytes(), offset.to_le_bytes()].concat());
        central.extend([e.name.as_slice(), &e.extra].concat());
    }
    let (count, size, start) = (entries.len() as u16, central.len() as u32, bytes.len() as u32);
    bytes.extend(central);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].map(u16::to_le_bytes).concat());
    bytes.extend([size, start].map(u32::to_le_bytes).concat());
    bytes.extend([0, 0]);
    bytes
}

pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

pub fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(data).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

pub fn xz(data: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(data).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

pub fn zstd(data: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("level 1 exists");
    encoder.include_checksum(true).expect("checksums exist");
    encoder.write_all(data).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}
