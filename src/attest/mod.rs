//! Statements on builds that others can check, and a build held against somebody else's.
//!
//! # A statement
//! Whoever builds a stage can say so: an in-toto Statement v1 with a SLSA Provenance v1 predicate ([`Statement`]). Its
//! subjects are the output tree, and each file at the top of it by name; its dependencies are all that the action graph has
//! below the stage: packages, sysroots, source archives and their trees, folders of stages, and what other stages left. They
//! are taken from the resolved graph and from nowhere else, so none can be missing, and a reader checks that: the inputs
//! that the statement tells have to make the very action that it names, and each of them has to be among the dependencies.
//! No clock, no host and no user is in it; who builds is said by whoever asks for the statement.
//!
//! # On disk
//! Canonical JSON ([`json`]): sorted keys, no white space; equal statements are equal bytes. It is the payload of a DSSE
//! envelope v1 ([`dsse`]) with a signature by each key ([`SecretKey`], ed25519). A file holds one envelope, or one a line: an
//! in-toto bundle ([`Bundle`]).
//!
//! # Comparison
//! [`Against`] holds what was built here against references: the known outputs of the lockfile, statements in files,
//! another store, folders with trees. Each reference gives [`Opinion`]s, and these are counted: a builder counts once, by a
//! key that the user trusts under a name, and only for the very action that was built here. What was built from other inputs
//! is told apart, with the first dependency that differs.
//!
//! # What is believed
//! Nothing that is not signed by a trusted key; names of keys and builders in a file are shown and decide nothing. What comes
//! from elsewhere has limits of size and depth. A repeated key of an object, which two readers may take for two statements,
//! is refused. What a bundle has besides is set aside and named, as its specification asks for.
//!
//! # Specifications
//! in-toto Attestation Framework, spec/v1 (Statement, ResourceDescriptor, DigestSet, Bundle); SLSA, provenance/v1; DSSE
//! v1.0.0 (protocol, envelope); RFC 8032 (Ed25519), RFC 8410 (its keys in PKCS#8 and SPKI), RFC 7468 (PEM), RFC 6920 (a
//! builder named by its key), RFC 8785 (canonical JSON).

mod against;
mod bundle;
mod cause;
mod check;
pub mod dsse;
mod elsewhere;
mod error;
pub mod json;
mod key;
mod make;
mod report;
mod statement;
#[cfg(test)]
mod tests;
mod trust;

pub use against::{Against, Ours, Reference};
pub use bundle::{Aside, Bundle, Item, fetch, read, read_path};
pub use cause::Cause;
pub use check::{CHECK_SCHEMA, Check, Checked, check_schema};
pub use elsewhere::Elsewhere;
pub use error::Error;
pub use key::{PublicKey, SecretKey, new_key};
pub use make::{Facts, Run, describe, seal};
pub use report::{Opinion, Report, SCHEMA, StageReport, Stand, Verdict, report_schema};
pub use statement::{
    Annotations, BUILD_TYPE, BuildDefinition, Builder, External, Internal, Metadata, PAYLOAD_TYPE, PREDICATE_TYPE,
    Provenance, Resource, RunDetails, STATEMENT_TYPE, Statement, statement_schema,
};
pub use trust::{Seal, Trust};
