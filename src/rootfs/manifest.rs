//! Manifests: lines about paths.
//!
//! `PATTERN TYPE MODE OWNER GROUP [MAJOR:MINOR] [cap=…] [size<=…]`, or `PATTERN omit`. A pattern begins with a slash; `*`
//! stays within a name, `**` stands for any number of names, `?`, `[…]` and `{…,…}` as in shells, `\` before what is meant as
//! it is. TYPE is dir, file, link, char, block or fifo. Of the lines that match a path and its type the last one decides,
//! and those of a component's own manifest come after all others. `omit` matches any type: the path is not delivered.
//! Devices and fifos are made by their line. Owners are names of the image's own passwd and group, or numbers.

use std::collections::BTreeMap;

use globset::GlobMatcher;

use super::capability;
use super::error::Problem;
use super::layers::matcher;
use crate::stage::parse_size;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    Omit,
    Deliver(Attributes),
}

/// What is delivered, and as whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attributes {
    pub kind: &'static str,
    pub mode: u32,
    pub owner: Id,
    pub group: Id,
    pub device: Option<(u32, u32)>,
    /// The words, and the attribute's bytes.
    pub capabilities: Option<(String, Vec<u8>)>,
    pub budget: Option<u64>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id {
    pub name: String,
    pub number: u32,
}

/// A line of a manifest.
#[derive(Debug)]
pub(super) struct Line {
    /// File and number.
    pub place: String,
    /// The component that it is for; none: for all.
    pub component: Option<usize>,
    pub pattern: String,
    /// None for the root itself.
    glob: Option<GlobMatcher>,
    pub says: Says,
}

impl Line {
    /// Whether it is about something of this type at a path without a slash before it.
    pub fn is_about(&self, path: &str, kind: &str) -> bool {
        let fits = match &self.says {
            Says::Omit => true,
            Says::Deliver(attributes) => attributes.kind == kind,
        };
        fits && match &self.glob {
            None => path.is_empty(),
            Some(glob) => !path.is_empty() && glob.is_match(path),
        }
    }

    /// What it is about, in words.
    pub fn kind(&self) -> &'static str {
        match &self.says {
            Says::Omit => "path",
            Says::Deliver(attributes) => attributes.kind,
        }
    }

    /// What it makes: a device or a fifo.
    pub fn makes(&self) -> Option<&Attributes> {
        match &self.says {
            Says::Deliver(attributes) if matches!(attributes.kind, "char" | "block" | "fifo") => Some(attributes),
            _ => None,
        }
    }

    /// The path of what it makes, without a slash before it.
    pub fn path(&self) -> &str {
        self.pattern.trim_start_matches('/')
    }
}

/// Users or groups: numbers by name.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeMap<String, u32>);

impl Ids {
    /// Those of a passwd(5) or group(5).
    pub fn read(text: &str) -> Self {
        let read = |line: &str| {
            let mut fields = line.split(':');
            Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
        };
        Self(text.lines().filter_map(read).collect())
    }

    fn find(&self, text: &str, file: &str) -> Result<Id, String> {
        let number = self.0.get(text).copied().or_else(|| text.parse().ok());
        let number = number.ok_or_else(|| format!("`{text}` is not in the image's {file}, and no number"))?;
        Ok(Id { name: text.to_owned(), number })
    }
}

/// Reads manifests.
pub(super) struct Reader<'a> {
    pub users: &'a Ids,
    pub groups: &'a Ids,
    pub lines: Vec<Line>,
    pub problems: Vec<Problem>,
}

impl Reader<'_> {
    pub fn read(&mut self, file: &str, text: &str, component: Option<usize>) {
        for (number, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            let place = format!("{file}:{number}");
            match self.line(text) {
                Ok((pattern, glob, says)) => self.lines.push(Line { place, component, pattern, glob, says }),
                Err(reason) => self.problems.push(Problem::Line { place, reason }),
            }
        }
    }

    fn line(&self, text: &str) -> Result<(String, Option<GlobMatcher>, Says), String> {
        let mut fields = text.split_whitespace();
        let pattern = fields.next().unwrap_or_default().to_owned();
        let relative = pattern.strip_prefix('/').ok_or("a pattern begins with `/`")?;
        let glob = match relative {
            "" => None,
            _ => Some(matcher(relative).ok_or_else(|| format!("`{pattern}` is no pattern"))?),
        };
        let fields: Vec<&str> = fields.collect();
        let (kind, rest) = fields.split_first().ok_or("it says nothing of its paths")?;
        if *kind == "omit" && rest.is_empty() {
            return Ok((pattern, glob, Says::Omit));
        }
        let kinds = ["dir", "file", "link", "char", "block", "fifo"];
        let kind = kinds
            .into_iter()
            .find(|known| known == kind)
            .ok_or_else(|| format!("`{kind}` is none of {}, and `omit` stands alone", kinds.join(", ")))?;
        let [mode, owner, group, rest @ ..] = rest else { return Err("mode, owner and group are needed".to_owned()) };
        let octal = mode.len() == 4 && mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let mode = u32::from_str_radix(mode, 8).ok().filter(|_| octal).ok_or("a mode is four octal digits")?;
        let mut attributes = Attributes {
            kind,
            mode,
            owner: self.users.find(owner, "passwd")?,
            group: self.groups.find(group, "group")?,
            device: None,
            capabilities: None,
            budget: None,
        };
        for field in rest {
            attributes.more(field)?;
        }
        let device = matches!(kind, "char" | "block");
        if device != attributes.device.is_some() {
            return Err(if device { "a device needs MAJOR:MINOR" } else { "only a device has MAJOR:MINOR" }.to_owned());
        }
        if (device || kind == "fifo") && (glob.is_none() || relative.contains(['*', '?', '[', '{', '\\'])) {
            return Err("what is made by a line is at one path".to_owned());
        }
        Ok((pattern, glob, Says::Deliver(attributes)))
    }
}

impl Attributes {
    fn more(&mut self, field: &str) -> Result<(), String> {
        let twice = |there: bool| if there { Err(format!("`{field}` is a second one")) } else { Ok(()) };
        let of_files = |name: &str| {
            if self.kind == "file" { Ok(()) } else { Err(format!("`{name}` is for files, not for a {}", self.kind)) }
        };
        if let Some(words) = field.strip_prefix("cap=") {
            of_files("cap=")?;
            twice(self.capabilities.is_some())?;
            self.capabilities = Some((words.to_owned(), capability::encode(words)?));
        } else if let Some(size) = field.strip_prefix("size<=") {
            of_files("size<=")?;
            twice(self.budget.is_some())?;
            self.budget = Some(parse_size(size)?);
        } else if let Some((major, minor)) = field.split_once(':') {
            twice(self.device.is_some())?;
            let number = |text: &str| text.parse().map_err(|_| format!("`{field}` is no MAJOR:MINOR"));
            self.device = Some((number(major)?, number(minor)?));
        } else {
            return Err(format!("`{field}` is neither MAJOR:MINOR, `cap=…` nor `size<=…`"));
        }
        Ok(())
    }
}
