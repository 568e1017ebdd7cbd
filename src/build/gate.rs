//! Who has a say before a product is offered.

use super::engine::Built;
use super::error::Error;
use crate::schedule::CancelToken;
use crate::schedule::events::Audit;

/// Looks at each product when it is there, and before anything that needs it begins.
pub trait Gate: Sync {
    /// What is to be said of this product, if anything. It is not offered when that says so.
    ///
    /// # Errors
    /// [`Error::Audit`]: it could not be looked at.
    fn look(&self, built: &Built, cancel: &CancelToken) -> Result<Option<Audit>, Error>;
}

/// Lets everything pass: for runs that offer nothing.
impl Gate for () {
    fn look(&self, _: &Built, _: &CancelToken) -> Result<Option<Audit>, Error> {
        Ok(None)
    }
}
