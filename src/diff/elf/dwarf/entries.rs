//! Debugging entries as lines.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use gimli::{AttributeValue, DebuggingInformationEntry, Unit, UnitHeader, UnitOffset, constants};

use super::super::read::Elf;
use super::load::{Bytes, Dwarf};
use super::units::text;
use crate::diff::bytes::hex;

/// Entries of a unit that are compared.
const ENTRIES: usize = 200_000;
/// Attributes of a unit that are read, those of entries that others refer to among them.
const ATTRIBUTES: usize = 4_000_000;
/// Bytes of an expression or block that are shown.
const BLOCK: usize = 64;
/// References that are followed to say what a type is.
const FAR: usize = 6;

type Entry<'a> = DebuggingInformationEntry<Bytes<'a>>;

/// A unit that is read.
pub(super) struct View<'a> {
    file: &'a Elf,
    dwarf: &'a Dwarf<'a>,
    unit: Unit<Bytes<'a>>,
    left: Cell<usize>,
    known: RefCell<BTreeMap<usize, Rc<str>>>,
}

/// The entries of a unit as lines.
pub(super) struct Lines {
    pub lines: Vec<String>,
    /// There are more.
    pub cut: bool,
}

impl<'a> View<'a> {
    pub fn new(file: &'a Elf, dwarf: &'a Dwarf<'a>, header: UnitHeader<Bytes<'a>>) -> gimli::Result<Self> {
        let abbreviations: Arc<gimli::Abbreviations> = dwarf.abbreviations(&header)?;
        let encoding = header.encoding();
        // Not by `Dwarf::unit`, which needs the unit's line program to be sound, too.
        let mut unit = Unit {
            abbreviations,
            name: None,
            comp_dir: None,
            low_pc: 0,
            str_offsets_base: gimli::DebugStrOffsetsBase::default_for_encoding_and_file(encoding, dwarf.file_type),
            addr_base: gimli::DebugAddrBase(0),
            loclists_base: gimli::DebugLocListsBase::default_for_encoding_and_file(encoding, dwarf.file_type),
            rnglists_base: gimli::DebugRngListsBase::default_for_encoding_and_file(encoding, dwarf.file_type),
            line_program: None,
            dwo_id: None,
            header,
        };
        let (mut name, mut bases) = (None, (None, None));
        {
            let mut cursor = unit.header.entries(&unit.abbreviations);
            if let Some(root) = cursor.next_dfs()? {
                for attribute in root.attrs() {
                    match (attribute.name(), attribute.value()) {
                        (constants::DW_AT_name, value) => name = Some(value),
                        (_, AttributeValue::DebugStrOffsetsBase(base)) => bases.0 = Some(base),
                        (_, AttributeValue::DebugAddrBase(base)) => bases.1 = Some(base),
                        _ => {}
                    }
                }
            }
        }
        unit.str_offsets_base = bases.0.unwrap_or(unit.str_offsets_base);
        unit.addr_base = bases.1.unwrap_or(unit.addr_base);
        unit.name = name.and_then(|value| dwarf.attr_string(&unit, value).ok());
        Ok(Self { file, dwarf, unit, left: Cell::new(ATTRIBUTES), known: RefCell::default() })
    }

    pub fn header(&self) -> &UnitHeader<Bytes<'a>> {
        &self.unit.header
    }

    /// What the unit was compiled from.
    pub fn name(&self) -> String {
        self.unit.name.map_or_else(|| "unit without a name".to_owned(), text)
    }

    /// The attributes of the unit itself.
    pub fn attributes(&self) -> gimli::Result<BTreeMap<String, String>> {
        let mut cursor = self.unit.entries();
        let Some(root) = cursor.next_dfs()? else { return Ok(BTreeMap::new()) };
        let show = |it: &gimli::Attribute<Bytes<'a>>| Some((it.name().to_string(), self.value(it)?));
        Ok(root.attrs().iter().filter_map(show).collect())
    }

    /// All entries below the unit itself.
    pub fn entries(&self) -> gimli::Result<Lines> {
        let mut lines = Vec::new();
        let mut cursor = self.unit.entries();
        cursor.next_dfs()?;
        while let Some(entry) = cursor.next_dfs()? {
            if lines.len() == ENTRIES || !self.spend(entry.attrs().len() + 1) {
                return Ok(Lines { lines, cut: true });
            }
            // Depth is bounded in what is shown, not in what is read.
            let depth = usize::try_from(entry.depth()).unwrap_or(0).saturating_sub(1).min(32);
            let mut line = "  ".repeat(depth);
            line += short(&entry.tag().to_string());
            for attribute in entry.attrs() {
                if let Some(value) = self.value(attribute) {
                    line += &format!(" {}={value}", short(&attribute.name().to_string()));
                }
            }
            lines.push(line);
        }
        Ok(Lines { lines, cut: false })
    }

    fn spend(&self, count: usize) -> bool {
        let left = self.left.get().checked_sub(count);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// An attribute's value by what it means; none if it is only where something stands.
    fn value(&self, attribute: &gimli::Attribute<Bytes<'a>>) -> Option<String> {
        if attribute.name() == constants::DW_AT_sibling {
            return None;
        }
        let value = attribute.value();
        if let Ok(Some(address)) = self.dwarf.attr_address(&self.unit, value) {
            return Some(self.address(address));
        }
        if let Ok(string) = self.dwarf.attr_string(&self.unit, value) {
            return Some(format!("\"{}\"", text(string)));
        }
        Some(match value {
            AttributeValue::UnitRef(offset) => self.describe(offset, FAR).to_string(),
            AttributeValue::Exprloc(expression) => self.expression(expression.0.slice()),
            AttributeValue::Block(bytes) => block(bytes.slice()),
            AttributeValue::Flag(flag) => flag.to_string(),
            AttributeValue::Sdata(number) => number.to_string(),
            AttributeValue::DebugTypesRef(signature) => format!("{:#x}", signature.0),
            AttributeValue::DwoId(id) => format!("{:#x}", id.0),
            AttributeValue::Language(language) => language.to_string(),
            AttributeValue::Encoding(encoding) => encoding.to_string(),
            AttributeValue::Accessibility(it) => it.to_string(),
            AttributeValue::Visibility(it) => it.to_string(),
            AttributeValue::Virtuality(it) => it.to_string(),
            AttributeValue::CallingConvention(it) => it.to_string(),
            AttributeValue::Inline(it) => it.to_string(),
            AttributeValue::Ordering(it) => it.to_string(),
            AttributeValue::FileIndex(number) => number.to_string(),
            AttributeValue::Data16(number) => format!("{number:#x}"),
            // Offsets into other sections, and indices of lists.
            other => other.udata_value()?.to_string(),
        })
    }

    fn address(&self, address: u64) -> String {
        self.file.name_of(address).unwrap_or_else(|| format!("{address:#x}"))
    }

    fn expression(&self, bytes: &[u8]) -> String {
        let size = usize::from(self.unit.header.address_size());
        match bytes {
            // The address of a variable.
            [3, address @ ..] if address.len() == size && size <= 8 => {
                format!("at {}", self.address(self.file.encoding.number(address)))
            }
            bytes => block(bytes),
        }
    }

    /// What a reference leads to: `int`, `pointer_type to char`.
    fn describe(&self, offset: UnitOffset, far: usize) -> Rc<str> {
        if let Some(known) = self.known.borrow().get(&offset.0) {
            return Rc::clone(known);
        }
        let Ok(entry) = self.unit.entry(offset) else { return "nothing".into() };
        if !self.spend(entry.attrs().len() + 1) {
            return "…".into();
        }
        let described = self.describe_entry(&entry, far);
        // Only what was followed to its end says the same from wherever it is reached.
        if far == FAR {
            self.known.borrow_mut().insert(offset.0, Rc::clone(&described));
        }
        described
    }

    fn describe_entry(&self, entry: &Entry<'a>, far: usize) -> Rc<str> {
        let name = entry.attr_value(constants::DW_AT_name).and_then(|it| self.dwarf.attr_string(&self.unit, it).ok());
        if let Some(name) = name {
            return text(name).into();
        }
        let tag = entry.tag().to_string();
        let next = [constants::DW_AT_type, constants::DW_AT_abstract_origin, constants::DW_AT_specification]
            .into_iter()
            .find_map(|name| match entry.attr_value(name)? {
                AttributeValue::UnitRef(offset) => Some(offset),
                _ => None,
            });
        match next {
            Some(next) if far > 0 => format!("{} to {}", short(&tag), self.describe(next, far - 1)).into(),
            _ => short(&tag).into(),
        }
    }
}

fn block(bytes: &[u8]) -> String {
    let dots = if bytes.len() > BLOCK { "…" } else { "" };
    format!("[{}{dots}]", hex(&bytes[..bytes.len().min(BLOCK)]))
}

/// A constant's name without what all of its kind begin with.
fn short(name: &str) -> &str {
    name.strip_prefix("DW_TAG_").or_else(|| name.strip_prefix("DW_AT_")).unwrap_or(name)
}

/// The function that a line lies in.
pub(super) fn within(lines: &[String], at: usize) -> String {
    let before = lines.get(..at).unwrap_or_default();
    let outer = before.iter().rev().find(|line| line.starts_with("subprogram "));
    let name = outer.and_then(|line| line.split_once("name=\"")).and_then(|(_, rest)| rest.split('"').next());
    match lines.get(at) {
        Some(line) if line.starts_with(' ') => name.unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}
