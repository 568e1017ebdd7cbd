//! Relationships between packages: Debian Policy 7.1.

use std::cmp::Ordering;
use std::fmt;

use super::version;

/// How a version is constrained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterEqual,
    /// `>>`
    Later,
}

impl Operator {
    /// Whether `version` stands in this relation to `bound`.
    pub fn holds(self, version: &str, bound: &str) -> bool {
        let order = version::compare(version, bound);
        match self {
            Self::Earlier => order == Ordering::Less,
            Self::EarlierEqual => order != Ordering::Greater,
            Self::Equal => order == Ordering::Equal,
            Self::LaterEqual => order != Ordering::Less,
            Self::Later => order == Ordering::Greater,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierEqual => "<=",
            Self::Equal => "=",
            Self::LaterEqual => ">=",
            Self::Later => ">>",
        }
    }
}

/// One package that would do: `name[:qualifier] [(operator version)]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative<'a> {
    /// A package, or something that packages provide.
    pub name: &'a str,
    /// `any`, `native` or an architecture.
    pub qualifier: Option<&'a str>,
    /// Which versions will do.
    pub constraint: Option<(Operator, &'a str)>,
}

/// Alternatives, of which one must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation<'a> {
    /// In the order of preference; never empty.
    pub alternatives: Vec<Alternative<'a>>,
}

/// A relationship field that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse the relation `{text}`")]
pub struct RelationError {
    /// The part that is not understood.
    pub text: String,
}

/// The relations of a field such as `Depends`.
///
/// # Errors
/// A part is not of the form above; binary packages have no architecture lists or build profiles.
pub fn parse(field: &str) -> Result<Vec<Relation<'_>>, RelationError> {
    field
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            let alternatives = text.split('|').map(alternative).collect::<Result<_, _>>()?;
            Ok(Relation { alternatives })
        })
        .collect()
}

fn alternative(text: &str) -> Result<Alternative<'_>, RelationError> {
    let text = text.trim();
    let wrong = || RelationError { text: text.to_owned() };
    let (name, constraint) = match text.split_once('(') {
        None => (text, None),
        Some((name, rest)) => {
            let inner = rest.trim_end().strip_suffix(')').ok_or_else(wrong)?.trim();
            let digits = inner.find(|c: char| !matches!(c, '<' | '=' | '>')).ok_or_else(wrong)?;
            let operator = match &inner[..digits] {
                "<<" => Operator::Earlier,
                // The single signs are obsolete and mean this (Policy 7.1).
                "<=" | "<" => Operator::EarlierEqual,
                "=" => Operator::Equal,
                ">=" | ">" => Operator::LaterEqual,
                ">>" => Operator::Later,
                _ => return Err(wrong()),
            };
            let bound = inner[digits..].trim();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b".+-~:".contains(&b);
            if bound.is_empty() || !bound.bytes().all(plain) {
                return Err(wrong());
            }
            (name.trim_end(), Some((operator, bound)))
        }
    };
    let (name, qualifier) = name.split_once(':').map_or((name, None), |(name, qualifier)| (name, Some(qualifier)));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".+-_".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) || qualifier.is_some_and(|q| q.is_empty() || !q.bytes().all(plain)) {
        return Err(wrong());
    }
    Ok(Alternative { name, qualifier, constraint })
}

impl fmt::Display for Alternative<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(qualifier) = self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        if let Some((operator, bound)) = self.constraint {
            write!(f, " ({} {bound})", operator.text())?;
        }
        Ok(())
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, alternative) in self.alternatives.iter().enumerate() {
            write!(f, "{}{alternative}", if at == 0 { "" } else { " | " })?;
        }
        Ok(())
    }
}
