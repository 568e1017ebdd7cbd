//! Parameters: what the command line may vary.

use std::collections::BTreeMap;

use serde::Serialize;

use super::mistake::did_you_mean;

/// The parameters that exist, with the values that they may take; the first is the default.
pub(super) const KNOWN: &[(&str, &[&str])] = &[
    ("arch", &["x86_64", "aarch64"]),
    ("libc", &["musl", "glibc"]),
    ("mode", &["release", "debug"]),
    ("profile", &["default", "minimal", "devel"]),
];

/// A value for each parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ParamValues(BTreeMap<String, String>);

impl Default for ParamValues {
    fn default() -> Self {
        Self(KNOWN.iter().map(|(name, values)| ((*name).to_owned(), values[0].to_owned())).collect())
    }
}

impl ParamValues {
    /// The defaults, changed by `name=value` settings, of which a later one replaces an earlier one.
    ///
    /// # Errors
    /// A setting has no `=`, names no parameter, or gives it a value that it cannot take.
    pub fn parse<S: AsRef<str>>(settings: &[S]) -> Result<Self, ParamError> {
        let mut values = Self::default();
        for setting in settings {
            let setting = setting.as_ref();
            let (name, value) =
                setting.split_once('=').ok_or_else(|| ParamError::Syntax { setting: setting.to_owned() })?;
            values.set(name, value)?;
        }
        Ok(values)
    }

    /// Every combination of values, the defaults first.
    pub fn all() -> Vec<Self> {
        KNOWN.iter().fold(vec![Self(BTreeMap::new())], |combinations, (name, values)| {
            let with = |one: &Self, value: &str| {
                let mut one = one.clone();
                one.0.insert((*name).to_owned(), value.to_owned());
                one
            };
            combinations.iter().flat_map(|one| values.iter().map(move |value| with(one, value))).collect()
        })
    }

    /// Sets one parameter.
    ///
    /// # Errors
    /// There is no such parameter, or it cannot take the value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ParamError> {
        let (_, allowed) =
            KNOWN.iter().find(|(known, _)| *known == name).ok_or_else(|| ParamError::Name { name: name.to_owned() })?;
        if !allowed.contains(&value) {
            return Err(ParamError::Value { name: name.to_owned(), value: value.to_owned(), allowed });
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// The value of a parameter, if there is such a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values that are not their parameters' defaults, in the order of the names.
    pub fn chosen(&self) -> Vec<&str> {
        let default =
            |name: &str| KNOWN.iter().any(|(known, values)| *known == name && self.get(name) == Some(values[0]));
        self.iter().filter(|(name, _)| !default(name)).map(|(_, value)| value).collect()
    }

    /// The folder of `out/` that links to what these values give: none for the defaults, whose results stand in `out/` itself.
    pub fn folder(&self) -> Option<String> {
        let chosen = self.chosen();
        (!chosen.is_empty()).then(|| chosen.join("-"))
    }

    /// All values in the order of their names, joined by `-`.
    pub fn label(&self) -> String {
        self.0.values().map(String::as_str).collect::<Vec<_>>().join("-")
    }
}

/// What a parameter can be; none if there is no such parameter.
pub(super) fn values_of(name: &str) -> Option<&'static [&'static str]> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, values)| *values)
}

/// Names of all parameters.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// A setting that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// No `=`.
    #[error("set a parameter by `{setting}`: no `=`")]
    Syntax {
        /// As given.
        setting: String,
    },
    /// No such parameter.
    #[error("set parameter `{name}`: there is no such parameter")]
    Name {
        /// As given.
        name: String,
    },
    /// Not one of its values.
    #[error("set parameter `{name}` to `{value}`: it takes {}", .allowed.join(" or "))]
    Value {
        /// The parameter.
        name: String,
        /// As given.
        value: String,
        /// What it takes.
        allowed: &'static [&'static str],
    },
}

impl ParamError {
    /// The cure.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { .. } => Some("write it as `name=value`, such as `profile=minimal`".to_owned()),
            Self::Name { name } => did_you_mean(name, names())
                .or_else(|| Some(format!("parameters are: {}", names().collect::<Vec<_>>().join(", ")))),
            Self::Value { value, allowed, .. } => did_you_mean(value, allowed.iter().copied()),
        }
    }
}
