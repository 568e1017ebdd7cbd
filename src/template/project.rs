//! A new project.

use super::draft::Draft;
use super::error::Error;
use super::shelf;

/// A project with a stage that writes a file and one that makes images of it.
///
/// # Errors
/// What its stages refer to is not among what is shipped.
pub fn project() -> Result<Draft, Error> {
    let mut draft = Draft::default();
    for (path, text) in shelf::PROJECT {
        draft.file(*path, *text);
    }
    for (path, text) in shelf::PROJECT.iter().filter(|(path, _)| path.ends_with("/stage.toml")) {
        draft.closure(path, text, None)?;
    }
    Ok(draft)
}
