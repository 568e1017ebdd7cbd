//! What an ELF object says of what it needs: its dynamic section, a few symbols, and what a kernel module says of itself.

use std::collections::BTreeSet;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::StringTable;
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym};

use super::machine::Machine;
use super::opens::opened_names;
use super::search::Asks;

/// Functions that glibc answers by modules of its name service switch, nsswitch.conf(5).
const NAMING: [&str; 24] = [
    "getaddrinfo",
    "getaliasbyname",
    "getgrent",
    "getgrgid",
    "getgrgid_r",
    "getgrnam",
    "getgrnam_r",
    "getgrouplist",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname2",
    "gethostbyname_r",
    "getnameinfo",
    "getnetbyname",
    "getprotobyname",
    "getpwent",
    "getpwnam",
    "getpwnam_r",
    "getpwuid",
    "getpwuid_r",
    "getservbyname",
    "getservbyport",
    "getspnam",
    "initgroups",
];
/// The version of glibc since which it has the services that everybody uses itself.
const NAMING_BUILT_IN: &[u8] = b"GLIBC_2.34";

/// A dynamic section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// DT_SONAME.
    pub soname: Option<String>,
    /// DT_NEEDED, in order.
    pub needed: Vec<String>,
    /// DT_RPATH.
    pub rpath: Option<String>,
    /// DT_RUNPATH.
    pub runpath: Option<String>,
    /// DF_1_PIE: a program, not a library.
    pub pie: bool,
    /// DF_1_NODEFLIB: the loader's own directories are not searched.
    pub no_default: bool,
    /// DT_TEXTREL or DF_TEXTREL.
    pub text_relocations: bool,
}

/// What a kernel module says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// Modules that it needs, by name.
    pub depends: Vec<String>,
    /// Modules that it would like, by name.
    pub wishes: Vec<String>,
    /// Files that it asks the kernel for.
    pub firmware: Vec<String>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is for.
    pub machine: Machine,
    /// PT_INTERP.
    pub interpreter: Option<String>,
    /// Set if it has a dynamic section.
    pub dynamic: Option<Dynamic>,
    /// Names of libraries among its constants, if it may call dlopen.
    pub opens: BTreeSet<String>,
    /// A function that it calls and glibc answers by modules.
    pub naming: Option<String>,
    /// It is a glibc that has the usual services of names itself.
    pub has_services: bool,
    /// Set for kernel modules.
    pub module: Option<Module>,
}

impl Object {
    /// What it says about where its libraries are.
    pub fn asks(&self) -> Asks<'_> {
        let dynamic = self.dynamic.as_ref();
        Asks {
            machine: self.machine,
            rpath: dynamic.and_then(|dynamic| dynamic.rpath.as_deref()),
            runpath: dynamic.and_then(|dynamic| dynamic.runpath.as_deref()),
            no_default: dynamic.is_some_and(|dynamic| dynamic.no_default),
        }
    }

    /// DT_SONAME.
    pub fn soname(&self) -> Option<&str> {
        self.dynamic.as_ref()?.soname.as_deref()
    }

    /// DT_NEEDED, in order.
    pub fn needed(&self) -> &[String] {
        self.dynamic.as_ref().map_or(&[], |dynamic| &dynamic.needed)
    }

    /// Reads one.
    ///
    /// # Errors
    /// It contradicts itself; the reason.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = |error: object::read::Error| error.to_string();
        match bytes.get(4) {
            Some(1) => parse(FileHeader32::<Endianness>::parse(bytes).map_err(text)?, bytes),
            Some(2) => parse(FileHeader64::<Endianness>::parse(bytes).map_err(text)?, bytes),
            _ => Err("its class is neither 32 nor 64 bits".to_owned()),
        }
    }
}

/// Whether bytes begin as an object does.
pub fn is_object(bytes: &[u8]) -> bool {
    bytes.starts_with(&elf::ELFMAG)
}

fn parse<H: FileHeader<Endian = Endianness>>(header: &H, data: &[u8]) -> Result<Object, String> {
    let text = |error: object::read::Error| error.to_string();
    let endian = header.endian().map_err(text)?;
    let segments = header.program_headers(endian, data).map_err(text)?;
    let sections = header.sections(endian, data).map_err(text)?;
    let mut object = Object {
        machine: Machine {
            machine: header.e_machine(endian).0,
            bits: if header.is_class_64() { 64 } else { 32 },
            little: header.is_little_endian(),
        },
        interpreter: None,
        dynamic: dynamic::<H>(endian, data, segments)?,
        opens: BTreeSet::new(),
        naming: None,
        has_services: false,
        module: None,
    };
    for segment in segments {
        if let Some(path) = segment.interpreter(endian, data).map_err(text)? {
            object.interpreter = Some(String::from_utf8_lossy(path).into_owned());
        }
    }
    let mut calls_dlopen = false;
    let table = sections.symbols(endian, data, elf::SHT_DYNSYM).map_err(text)?;
    for symbol in table.iter().skip(1).filter(|symbol| symbol.is_undefined(endian)) {
        let name = symbol.name(endian, table.strings()).unwrap_or_default();
        calls_dlopen |= name == b"dlopen";
        if let Some(naming) = NAMING.iter().find(|naming| naming.as_bytes() == name) {
            object.naming.get_or_insert_with(|| (*naming).to_owned());
        }
    }
    // Without its sections nobody knows what it calls.
    if object.dynamic.is_some() && (calls_dlopen || table.is_empty()) {
        object.opens = opened_names(data);
        let own = |name: &String| object.needed().contains(name) || object.soname() == Some(name);
        let opens = object.opens.iter().filter(|name| !own(name)).cloned().collect();
        object.opens = opens;
    }
    if object.soname() == Some("libc.so.6") {
        object.has_services = defines(endian, data, &sections, NAMING_BUILT_IN).map_err(text)?;
    }
    if header.e_type(endian) == elf::ET_REL {
        let section = sections.section_by_name(endian, b".modinfo");
        let info = section.and_then(|(_, section)| section.data(endian, data).ok());
        object.module = info.map(module);
    }
    Ok(object)
}

/// Whether a library defines a version.
fn defines<'d, H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    data: &'d [u8],
    sections: &SectionTable<'d, H>,
    version: &[u8],
) -> object::read::Result<bool> {
    let Some((mut entries, link)) = sections.gnu_verdef(endian, data)? else { return Ok(false) };
    let strings = sections.strings(endian, data, link)?;
    while let Some((_, mut each)) = entries.next()? {
        // The first name is the version, those after it are what it inherits from.
        if let Some(first) = each.next()?
            && first.name(endian, strings)? == version
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `.modinfo`: strings `key=value`, each with a NUL at its end.
fn module(info: &[u8]) -> Module {
    let lines: Vec<String> =
        info.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).trim().to_owned()).collect();
    let values = |key: &'static str| lines.iter().filter_map(move |line| line.strip_prefix(key));
    let owned = |text: &str| text.to_owned();
    let wishes = values("softdep=").flat_map(str::split_whitespace).filter(|word| !word.ends_with(':'));
    Module {
        depends: values("depends=")
            .flat_map(|list| list.split(','))
            .filter(|name| !name.is_empty())
            .map(owned)
            .collect(),
        wishes: wishes.map(owned).collect(),
        firmware: values("firmware=").map(owned).collect(),
    }
}

/// The bytes of the file from an address on.
fn at_address<'d, P: ProgramHeader<Endian = Endianness>>(
    endian: Endianness,
    data: &'d [u8],
    segments: &[P],
    address: u64,
) -> Option<&'d [u8]> {
    segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
        let offset = address.checked_sub(segment.p_vaddr(endian).into())?;
        let bytes = segment.data(endian, data).ok()?;
        bytes.get(usize::try_from(offset).ok()?..).filter(|rest| !rest.is_empty())
    })
}

/// The dynamic section, by the program headers as the loader finds it; none if there is none.
///
/// # Errors
/// It contradicts itself; the reason.
pub fn dynamic<H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    data: &[u8],
    segments: &[H::ProgramHeader],
) -> Result<Option<Dynamic>, String> {
    let text = |error: object::read::Error| error.to_string();
    let mut found = None;
    for segment in segments {
        if let Some(entries) = segment.dynamic(endian, data).map_err(text)? {
            tags::<H>(found.get_or_insert_default(), endian, data, segments, entries)?;
        }
    }
    Ok(found)
}

fn tags<H: FileHeader<Endian = Endianness>>(
    found: &mut Dynamic,
    endian: Endianness,
    data: &[u8],
    segments: &[H::ProgramHeader],
    dynamic: &[H::Dyn],
) -> Result<(), String> {
    let entries = || {
        dynamic.iter().map(|entry| (entry.tag(endian), entry.val(endian))).take_while(|(tag, _)| *tag != elf::DT_NULL)
    };
    let value = |wanted| entries().find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
    let strings = match (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) {
        (Some(address), Some(size)) => {
            let bytes =
                at_address(endian, data, segments, address).ok_or("its dynamic strings lie outside of all segments")?;
            let size = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
            StringTable::new(&bytes[..size], 0, size as u64)
        }
        _ => StringTable::default(),
    };
    let string = |value: u64| {
        let found = u32::try_from(value).ok().and_then(|at| strings.get(at).ok());
        found
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .ok_or("a string of its dynamic section lies outside")
    };
    for (tag, value) in entries() {
        match tag {
            elf::DT_NEEDED => found.needed.push(string(value)?),
            elf::DT_SONAME => found.soname = Some(string(value)?),
            elf::DT_RPATH => found.rpath = Some(string(value)?),
            elf::DT_RUNPATH => found.runpath = Some(string(value)?),
            elf::DT_TEXTREL => found.text_relocations = true,
            elf::DT_FLAGS => found.text_relocations |= value & elf::DF_TEXTREL.0 != 0,
            elf::DT_FLAGS_1 => {
                found.pie = value & elf::DF_1_PIE.0 != 0;
                found.no_default = value & elf::DF_1_NODEFLIB.0 != 0;
            }
            _ => {}
        }
    }
    Ok(())
}
