//! What the tests of several formats share.

pub(in crate::image) mod archive;
pub(in crate::image) mod volume;
