//! A build held against references.

use std::collections::{BTreeMap, BTreeSet};

use super::bundle::{Aside, Bundle, Item};
use super::cause::Cause;
use super::elsewhere::{Elsewhere, Found};
use super::error::Error;
use super::report::{Opinion, Report, SCHEMA, StageReport, Stand, Verdict};
use super::statement::{Resource, Statement};
use super::trust::{Trust, signers};
use crate::build::known;
use crate::container::Subject;
use crate::diff::Comparison;
use crate::digest::Digest;
use crate::stage::{Graph, Record};
use crate::store::Store;

/// What a build is held against.
#[derive(Debug)]
pub enum Reference {
    /// The known outputs of the lockfile.
    Lockfile,
    /// Statements, from the file or address of that name.
    Statements(String, Bundle),
    /// Results in the folder of that name.
    Elsewhere(String, Elsewhere),
}

/// A stage as it was built here.
#[derive(Debug)]
pub struct Ours {
    /// The lockfile's name of its target.
    pub target: String,
    /// What it saw; its name and its action.
    pub record: Record,
    /// The tree that it left.
    pub output: Digest,
    /// What the lockfile says of it.
    pub known: known::Verdict,
    /// What could be stated of it; needed when there are statements to compare with.
    pub statement: Option<Statement>,
}

/// How a build is held against others.
pub struct Against<'a> {
    /// Against what.
    pub references: &'a [Reference],
    /// Whose statements count.
    pub trust: &'a Trust,
    /// How many have to agree; none when one is enough and none may disagree.
    pub needed: Option<usize>,
    /// Whether each file of statements counts, whoever signed it.
    pub unsigned: bool,
}

impl Against<'_> {
    /// Checks that it can be answered at all.
    ///
    /// # Errors
    /// There are statements and nobody is trusted, or more are to agree than can be heard.
    pub fn check(&self) -> Result<(), Error> {
        let statements = self.references.iter().find_map(|reference| match reference {
            Reference::Statements(place, _) => Some(place),
            _ => None,
        });
        if let Some(place) = statements
            && self.trust.is_empty()
            && !self.unsigned
        {
            return Err(Error::NobodyTrusted { place: format!("`{place}`") });
        }
        match self.needed {
            Some(needed) if needed > self.heard() => Err(Error::TooFew { needed, there: self.heard() }),
            _ => Ok(()),
        }
    }

    /// How many may agree at most.
    fn heard(&self) -> usize {
        let is_statements = |reference: &&Reference| matches!(reference, Reference::Statements(..));
        let files = self.references.iter().filter(is_statements).count();
        let keys = if self.unsigned { files } else { self.trust.len() };
        keys + self.references.len() - files
    }

    /// The project's stages that the references speak of; none for all of them.
    pub fn stages(&self, graph: &Graph) -> Option<Vec<String>> {
        let mut names = BTreeSet::new();
        for reference in self.references {
            match reference {
                Reference::Lockfile => return None,
                Reference::Elsewhere(_, elsewhere) => names.extend(elsewhere.stages(graph)?),
                Reference::Statements(_, bundle) => {
                    let counted = |item: &&Item| self.unsigned || !self.signers(item).is_empty();
                    let stages = |items: Vec<&Item>| -> Vec<String> {
                        items.into_iter().map(|item| item.statement.stage().to_owned()).collect()
                    };
                    let counted = stages(bundle.items.iter().filter(counted).collect());
                    // Where nothing counts, that is what is to be told.
                    names.extend(if counted.is_empty() { stages(bundle.items.iter().collect()) } else { counted });
                }
            }
        }
        names.retain(|name| graph.stage(name).is_some());
        Some(names.into_iter().collect())
    }

    /// Who signed a statement, of those that are trusted.
    fn signers(&self, item: &Item) -> BTreeSet<String> {
        let seals = item.envelope.as_ref().map(|envelope| self.trust.judge(envelope)).unwrap_or_default();
        signers(&seals).into_iter().map(str::to_owned).collect()
    }

    /// Holds the stages of a build against all references. `store` is where they are.
    ///
    /// # Errors
    /// A result elsewhere cannot be read, or the user has asked to stop.
    pub fn report(&self, store: &Store, comparison: &Comparison<'_>, ours: &[Ours]) -> Result<Report, Error> {
        let mut stages = Vec::new();
        for ours in ours {
            let mut report = StageReport {
                stage: ours.record.stage.clone(),
                target: ours.target.clone(),
                action: ours.record.key.to_string(),
                output: ours.output.to_string(),
                verdict: Verdict::Unconfirmed,
                opinions: Vec::new(),
            };
            for reference in self.references {
                match reference {
                    Reference::Lockfile => report.opinions.push(lockfile(ours)),
                    Reference::Elsewhere(place, elsewhere) => {
                        report.opinions.push(compared(place, elsewhere, store, comparison, ours)?);
                    }
                    Reference::Statements(place, bundle) => {
                        let about = |item: &&Item| is_about(&item.statement, ours);
                        let stated = bundle.items.iter().filter(about);
                        report.opinions.extend(stated.flat_map(|item| self.stated(place, item, ours)));
                    }
                }
            }
            report.judge(self.needed);
            stages.push(report);
        }
        let name = |reference: &Reference| match reference {
            Reference::Lockfile => "lockfile".to_owned(),
            Reference::Statements(place, _) | Reference::Elsewhere(place, _) => place.clone(),
        };
        Ok(Report {
            schema: SCHEMA,
            against: self.references.iter().map(name).collect(),
            heard: self.heard(),
            needed: self.needed,
            identical: !stages.is_empty() && stages.iter().all(|stage| stage.verdict == Verdict::Identical),
            stages,
            aside: self.aside(ours),
        })
    }

    /// What a statement says of a stage: once for each of the trusted that signed it, once for nobody when none did.
    fn stated(&self, file: &str, item: &Item, ours: &Ours) -> Vec<Opinion> {
        let seals = item.envelope.as_ref().map(|envelope| self.trust.judge(envelope)).unwrap_or_default();
        let mut names: Vec<Option<String>> = signers(&seals).into_iter().map(|name| Some(name.to_owned())).collect();
        if self.unsigned {
            names = vec![Some(file.to_owned())];
        }
        let note = match (names.is_empty(), &item.envelope) {
            (false, _) => None,
            (true, None) => Some("nobody signed it".to_owned()),
            (true, Some(_)) => Some("nobody who is trusted signed it".to_owned()),
        };
        if names.is_empty() {
            names.push(None);
        }
        let stand = stand(&item.statement, ours);
        let opinion = |who| Opinion {
            who,
            place: item.place.clone(),
            builder: Some(item.statement.builder().to_owned()),
            seals: seals.clone(),
            stand: stand.clone(),
            counts: false,
            note: note.clone(),
        };
        names.into_iter().map(opinion).collect()
    }

    fn aside(&self, ours: &[Ours]) -> Vec<Aside> {
        let mut aside = Vec::new();
        for reference in self.references {
            let Reference::Statements(_, bundle) = reference else { continue };
            aside.extend_from_slice(&bundle.aside);
            for item in &bundle.items {
                if !ours.iter().any(|ours| is_about(&item.statement, ours)) {
                    let reason =
                        format!("it is about stage `{}` for `{}`", item.statement.stage(), item.statement.target());
                    aside.push(Aside { place: item.place.clone(), reason, foreign: true });
                }
            }
        }
        aside
    }
}

fn is_about(statement: &Statement, ours: &Ours) -> bool {
    statement.stage() == ours.record.stage && statement.target() == ours.target
}

/// A statement against what was built here.
fn stand(theirs: &Statement, ours: &Ours) -> Stand {
    let own = ours.statement.as_ref();
    if theirs.action() != ours.record.key {
        return Stand::OtherInputs { cause: own.and_then(|own| Cause::of(theirs, own)) };
    }
    let subjects = |of: &Statement| -> BTreeMap<String, String> {
        of.subject.iter().map(|subject| (subject.name.clone(), subject.sha256().to_owned())).collect()
    };
    let tree = Resource::tree(&ours.record.stage, ours.output);
    let here = own.map_or_else(|| BTreeMap::from([(tree.name.clone(), tree.sha256().to_owned())]), subjects);
    let there = subjects(theirs);
    let names: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    let differing = names.into_iter().filter(|name| here.get(*name) != there.get(*name));
    let subjects: Vec<String> = differing.cloned().collect();
    if subjects.is_empty() {
        return Stand::Agrees;
    }
    Stand::Disagrees { output: Some(theirs.output().shown()), subjects, difference: None }
}

fn opinion(who: &str, stand: Stand) -> Opinion {
    let (who, place) = (Some(who.to_owned()), who.to_owned());
    Opinion { who, place, builder: None, seals: Vec::new(), stand, counts: false, note: None }
}

fn lockfile(ours: &Ours) -> Opinion {
    let stand = match ours.known {
        known::Verdict::Same => Stand::Agrees,
        known::Verdict::Differs { expected } => {
            Stand::Disagrees { output: Some(expected.to_string()), subjects: Vec::new(), difference: None }
        }
        known::Verdict::Stale => Stand::OtherInputs { cause: None },
        known::Verdict::Unknown => Stand::Silent,
    };
    opinion("lockfile", stand)
}

fn compared(
    place: &str,
    elsewhere: &Elsewhere,
    store: &Store,
    comparison: &Comparison<'_>,
    ours: &Ours,
) -> Result<Opinion, Error> {
    let stand = match elsewhere.find(&ours.record, &ours.target)? {
        Found::Same(_, Some(output)) if output == ours.output => Stand::Agrees,
        Found::Same(subject, output) => {
            let own = Subject::Tree { store: store.clone(), digest: ours.output };
            match comparison.subjects([own, subject])? {
                None => Stand::Agrees,
                difference => Stand::Disagrees {
                    output: output.map(|output| output.to_string()),
                    subjects: Vec::new(),
                    difference,
                },
            }
        }
        Found::Other(cause) => Stand::OtherInputs { cause },
        Found::Nothing => Stand::Silent,
    };
    Ok(opinion(place, stand))
}
