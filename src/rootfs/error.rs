//! What keeps a root file system from being composed.

use crate::store;

/// More problems than these are only counted.
const SHOWN: usize = 50;

/// Why there is no root.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A directory of the store that is none.
    #[error("a damaged entry in the tree of `{layer}`")]
    Damaged {
        /// Whose tree it is.
        layer: String,
    },
    /// The run was stopped.
    #[error("the run was stopped")]
    Cancelled,
    /// What is composed does not fit together.
    #[error("the root does not fit together:{}", list(problems))]
    Problems {
        /// All that is wrong.
        problems: Vec<Problem>,
    },
}

/// Something that is wrong with a root. Paths are those of the running system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// Two components give one path differently.
    #[error("`/{path}` differs between `{first}` and `{second}`")]
    Conflict {
        /// The path.
        path: String,
        /// The component that gave it first.
        first: String,
        /// The other.
        second: String,
    },
    /// A directory in one layer, something else in another.
    #[error("`/{path}` is a directory of `{folder}`, but none of `{other}`")]
    Kind {
        /// The path.
        path: String,
        /// The layer with a directory.
        folder: String,
        /// The other.
        other: String,
    },
    /// Something that the stage's folder should have.
    #[error("there is no {what} `{path}` in the stage's folder")]
    Own {
        /// A folder, a file.
        what: &'static str,
        /// Its path.
        path: String,
    },
    /// A template that cannot be filled.
    #[error("template `{file}`: {reason}")]
    Template {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// No line of a manifest.
    #[error("{place}: {reason}")]
    Line {
        /// File and line.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A line that is about nothing.
    #[error("{place}: `{pattern}` decides no {kind}")]
    Idle {
        /// File and line.
        place: String,
        /// Its pattern.
        pattern: String,
        /// What it is about.
        kind: &'static str,
    },
    /// A path that no line is about.
    #[error("`/{path}`, a {kind} of {from}, is decided by no line of a manifest")]
    Undecided {
        /// The path.
        path: String,
        /// What it is.
        kind: &'static str,
        /// The layer that gives it.
        from: String,
    },
    /// A mode that contradicts the file.
    #[error("`/{path}` gets mode {mode:04o} by {place}, but its executable bit says otherwise")]
    Mode {
        /// The path.
        path: String,
        /// The mode.
        mode: u32,
        /// File and line.
        place: String,
    },
    /// A device that has no place.
    #[error("{place}: `/{path}` is there already, or its folder is not")]
    Device {
        /// The path.
        path: String,
        /// File and line.
        place: String,
    },
    /// A link that leads nowhere.
    #[error("`/{path}`, a link of {from}, leads to `{target}`: {reason}")]
    Dangling {
        /// The link.
        path: String,
        /// Where it leads.
        target: String,
        /// The layer that gives it.
        from: String,
        /// What is missing.
        reason: String,
    },
    /// A pattern of what has to run or is kept, and nothing is there.
    #[error("there is no `{path}`: {why}")]
    Unmatched {
        /// The pattern.
        path: String,
        /// Why it should be there.
        why: String,
    },
    /// Something that is needed is not there.
    #[error("there is no `{what}`, which `/{by}` needs: {why}")]
    Missing {
        /// A path or a name.
        what: String,
        /// Who needs it.
        by: String,
        /// Why.
        why: String,
    },
    /// What a component is said to need is not what it needs.
    #[error("component `{component}` and `{other}`: the first {reason}")]
    Needs {
        /// The component.
        component: String,
        /// The other.
        other: String,
        /// What is wrong.
        reason: String,
    },
    /// Too large.
    #[error("{what} takes {used} bytes, its budget is {budget}")]
    Budget {
        /// A component, or a line of a manifest with its pattern.
        what: String,
        /// What it takes.
        used: u64,
        /// What it may take.
        budget: u64,
    },
    /// Something that cannot be looked into.
    #[error("`/{path}` cannot be looked into: {reason}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

fn list(problems: &[Problem]) -> String {
    let mut text: String = problems.iter().take(SHOWN).map(|problem| format!("\n  {problem}")).collect();
    if problems.len() > SHOWN {
        text.push_str(&format!("\n  and {} more", problems.len() - SHOWN));
    }
    text
}

impl Error {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Damaged { .. } => Some("`repro store fsck` finds what is damaged".to_owned()),
            Self::Cancelled => None,
            Self::Problems { problems } => problems.first().map(Problem::hint),
        }
    }
}

impl Problem {
    fn hint(&self) -> String {
        match self {
            Self::Conflict { path, first, .. } => {
                format!("say which counts: `[[root.wins]] path = \"{path}\" component = \"{first}\"`")
            }
            Self::Kind { .. } => "a directory can only be laid over a directory".to_owned(),
            Self::Own { .. } => "names in `[root]` are paths in the stage's own folder".to_owned(),
            Self::Template { .. } => {
                "`{NAME}` stands for a declared parameter, `{inputs}` and `{stamp}` for what the image is made from"
                    .to_owned()
            }
            Self::Line { .. } => {
                "a line is PATTERN TYPE MODE OWNER GROUP [MAJOR:MINOR] [cap=…] [size<=…], or PATTERN omit".to_owned()
            }
            Self::Idle { .. } => "take the line out, or see why nothing of that type is there".to_owned(),
            Self::Undecided { .. } => {
                "add a line for it, a line that ends in `omit`, or `deliver = \"manifest\"`".to_owned()
            }
            Self::Mode { .. } => "let the mode follow the file, or have the stage that left it change it".to_owned(),
            Self::Device { .. } => "a device is made by its line, in a directory that is there".to_owned(),
            Self::Dangling { .. } => {
                "deliver what it leads to, `omit` it, or state the place in `directories` or `may-miss`".to_owned()
            }
            Self::Unmatched { .. } => "take the pattern out, or deliver something that it matches".to_owned(),
            Self::Missing { .. } => {
                "deliver it: `repro closure` shows who needs what; or name it in `may-miss`".to_owned()
            }
            Self::Needs { .. } => "let `needs` say what is so".to_owned(),
            Self::Budget { .. } => {
                "`report.json` of an earlier build has the sizes; `repro size` shows them".to_owned()
            }
            Self::Path { .. } => "the stage that left it should not".to_owned(),
        }
    }
}
