//! The gate: what is delivered is audited before it is offered.
//!
//! A project delivers what its tests test, and each stage whose output nothing but tests takes
//! ([`Graph::delivered`](crate::stage::Graph::delivered)). When such a stage is what was asked for, its output is audited as
//! part of the build, right after it was built or found in the cache: a finding of severity error makes the stage fail, so
//! that nothing that needs it is run (a test, say), and nothing is linked or copied. Outputs of other stages are ingredients:
//! what gets from them into a product is judged there.
//!
//! # Verdicts are remembered
//! A note of the store, one for each project, stage and target, holds the last verdict and what it depends on: the tree, the action, the
//! text of `audit.toml`, the machine, and the [standard](crate::audit::standard): rules, program, and the names and paths that
//! are looked for. A note that is lost or does not fit costs one audit.

mod delivery;

pub use delivery::Delivery;
