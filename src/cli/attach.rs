//! Statements that go with an image.
#![expect(clippy::disallowed_methods, reason = "what a path of the user leads to is asked, and nothing is made of it")]

use std::path::Path;

use super::{Context, ExitCode, Failure};
use crate::image::oci::{Attached, Referrer};
use crate::pack;
use crate::report::count;

/// Adds statements to the image layout at `path`, and says so.
///
/// # Errors
/// It lies in the store, is no layout with one image, or cannot be written.
pub fn attach(path: &Path, referrers: &[Referrer<'_>], context: &Context) -> Result<Attached, Failure> {
    let shown = path.display();
    let within = |path: &Path| std::fs::canonicalize(path).ok();
    if let (Some(place), Some(store)) = (within(path), within(&context.store))
        && place.starts_with(&store)
    {
        let failure =
            Failure::new(ExitCode::Usage, format!("cannot write to `{shown}`: what stages left stays as it is"));
        return Err(failure.hint(Some("copy it out of the store, and attach to the copy".to_owned())));
    }
    let attached =
        pack::attach(path, referrers).map_err(|error| Failure::from(error).during(&format!("attach to `{shown}`")))?;
    if !context.globals.json {
        context.say(&format!("attached {} to {} in `{shown}`", count(referrers.len(), "statement"), attached.subject));
    }
    Ok(attached)
}
