//! What of a root is needed, what is missing in it, and what nothing needs: for any root, not only for composed ones.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

use super::layers::matcher;
use crate::loader::{self, Ask, Facts, Own, View};

/// A path of a root, with the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Without a slash before it.
    pub path: String,
    /// What it is.
    pub own: Own,
    /// The bytes of a file.
    pub size: u64,
}

/// What is asked of a root.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// Globs over what has to run; all programs and scripts without.
    pub roots: Vec<String>,
    /// Globs over what is wanted besides.
    pub keep: Vec<String>,
    /// Globs over what may be missing.
    pub may_miss: Vec<String>,
    /// Services of names; those of nsswitch.conf without.
    pub services: Vec<String>,
}

/// Why a path is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// The path that needs it; none for a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    pub why: String,
}

/// A path that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Needed {
    /// The path.
    pub path: String,
    /// The bytes of a file.
    pub size: u64,
    /// All reasons; the first that was found stands first.
    pub needs: Vec<Reason>,
}

/// Something that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Absent {
    /// A path, or the name of a library or module.
    pub what: String,
    /// Who needs it.
    #[serde(flatten)]
    pub reason: Reason,
}

/// A path that nothing needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Superfluous {
    /// The path.
    pub path: String,
    /// The bytes of a file.
    pub size: u64,
}

/// An object that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Broken {
    /// The path.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What of a root is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Survey {
    /// Version of this form.
    pub schema: u32,
    /// What was looked at.
    pub subject: String,
    /// The bytes of what is needed.
    pub needed_bytes: u64,
    /// The bytes of what is not.
    pub superfluous_bytes: u64,
    /// Files and links that are needed, sorted.
    pub needed: Vec<Needed>,
    /// What is needed and not there, sorted.
    pub missing: Vec<Absent>,
    /// What is needed, not there, and may be missing.
    pub absent: Vec<Absent>,
    /// Files and links that nothing needs, sorted.
    pub superfluous: Vec<Superfluous>,
    /// Objects that cannot be read, sorted.
    pub broken: Vec<Broken>,
}

impl Survey {
    /// Looks at a root; `read` gives the bytes of a file.
    ///
    /// # Errors
    /// A file could not be read.
    pub fn new<E>(
        subject: &str,
        paths: &[Surveyed],
        questions: &Questions,
        read: &dyn Fn(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let view = View::new(paths.iter().map(|path| (path.path.clone(), path.own.clone())), read);
        let may_miss: Vec<_> = questions.may_miss.iter().filter_map(|glob| matcher(glob)).collect();
        let (roots, unmatched) = roots(&view, questions);
        let ask = Ask {
            roots,
            services: &questions.services,
            may_miss: &|what| may_miss.iter().any(|glob| glob.is_match(what)),
        };
        let closure = loader::close(view, &ask)?;
        let sizes: BTreeMap<&str, u64> = paths.iter().map(|path| (path.path.as_str(), path.size)).collect();
        let size = |path: &str| sizes.get(path).copied().unwrap_or_default();
        let needed = closure.needs.iter().map(|(path, needs)| Needed {
            path: format!("/{path}"),
            size: size(path),
            needs: needs.iter().map(|need| reason(&need.by, &need.why)).collect(),
        });
        let needed: Vec<Needed> = needed.collect();
        let superfluous = paths
            .iter()
            .filter(|path| path.own != Own::Folder && !closure.needs.contains_key(&path.path))
            .map(|path| Superfluous { path: format!("/{}", path.path), size: path.size });
        let superfluous: Vec<Superfluous> = superfluous.collect();
        let absent =
            |missing: loader::Missing| Absent { reason: reason(&missing.by, &missing.why), what: missing.what };
        let mut missing: Vec<Absent> = closure.missing.into_iter().map(absent).collect();
        missing.extend(unmatched.into_iter().map(|(what, why)| Absent { what, reason: Reason { by: None, why } }));
        Ok(Self {
            schema: 1,
            subject: subject.to_owned(),
            needed_bytes: needed.iter().map(|path| path.size).sum(),
            superfluous_bytes: superfluous.iter().map(|path| path.size).sum(),
            needed,
            missing,
            absent: closure.absent.into_iter().map(absent).collect(),
            superfluous,
            broken: closure
                .broken
                .into_iter()
                .map(|(path, reason)| Broken { path: format!("/{path}"), reason })
                .collect(),
        })
    }
}

fn reason(by: &str, why: &str) -> Reason {
    Reason { by: (!by.is_empty()).then(|| format!("/{by}")), why: why.to_owned() }
}

/// Patterns that match nothing, each with the reason why something should be there.
type Unmatched = Vec<(String, String)>;

/// What is asked for by patterns: paths with the reason, and patterns that match nothing.
pub(super) fn roots<E>(view: &View<'_, E>, questions: &Questions) -> (Vec<(String, String)>, Unmatched) {
    let (mut roots, mut unmatched) = (Vec::new(), Vec::new());
    let all = |glob: &str, why: &str, folders: bool| -> Vec<(String, String)> {
        let glob = matcher(glob);
        let fits = |path: &str, own: &Own| {
            (folders || *own != Own::Folder) && glob.as_ref().is_some_and(|glob| glob.is_match(path))
        };
        let found = view.paths().filter(|(path, own)| !path.is_empty() && fits(path, own));
        found.map(|(path, _)| (path.to_owned(), why.to_owned())).collect()
    };
    let kept = questions.keep.iter().map(|glob| (glob, "kept by", true));
    for (glob, what, folders) in questions.roots.iter().map(|glob| (glob, "root", false)).chain(kept) {
        let why = format!("{what} `{glob}`");
        let found = all(glob, &why, folders);
        if found.is_empty() {
            unmatched.push((format!("/{glob}"), why));
        }
        roots.extend(found);
    }
    if questions.roots.is_empty() {
        let programs = view.paths().filter(|(path, own)| match (own, view.facts(path)) {
            (Own::File { executable: true }, Some(Facts::Script { .. })) => true,
            (Own::File { executable: true }, Some(Facts::Object(object))) => {
                object.interpreter.is_some() || object.dynamic.as_ref().is_none_or(|dynamic| dynamic.pie)
            }
            _ => false,
        });
        roots.extend(programs.map(|(path, _)| (path.to_owned(), "a program".to_owned())));
    }
    (roots, unmatched)
}

/// JSON Schema of [`Survey`].
pub fn survey_schema() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Survey>()
}
