//! Objects on their way into the store: they have no name there until they are whole.

use std::fs::File;

use crate::digest::Digest;

use super::objects::{Name, Variant};
use super::{EPOCH, Inner, Result};

impl Inner {
    /// An empty object, to be written and published.
    pub(super) fn temporary(&self, variant: Variant) -> Result<Temporary<'_>> {
        let (file, name) = match self.dirs.objects.unnamed(variant.mode())? {
            Some(file) => (file, None),
            None => {
                let session = self.session()?;
                let name = format!("object-{}", self.unique());
                (session.dir().create(&name, variant.mode())?, Some(name))
            }
        };
        let temporary = Temporary { store: self, file, name };
        if self.umask_strips || !variant.is_primary() {
            self.dirs.objects.set_file_mode(&temporary.file, temporary.label(), variant.mode())?;
        }
        Ok(temporary)
    }
}

/// An object being written: without a name where the file system can do that, else in the session's folder.
pub(super) struct Temporary<'a> {
    store: &'a Inner,
    file: File,
    name: Option<String>,
}

impl Temporary<'_> {
    fn label(&self) -> &str {
        self.name.as_deref().unwrap_or("(new object)")
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.store.dirs.objects.write_file(&self.file, self.label(), bytes)?)
    }

    /// Gives the file its name. If another process was faster, its file is as good.
    pub(super) fn publish(self, digest: Digest, variant: Variant) -> Result<()> {
        self.publish_at(&Name::new(digest, variant).path(), digest)
    }

    /// [`Temporary::publish`], with the variant's path.
    pub(super) fn publish_at(self, name: &str, digest: Digest) -> Result<()> {
        let objects = &self.store.dirs.objects;
        objects.set_file_times(&self.file, self.label(), EPOCH)?;
        let session = if self.name.is_some() { Some(self.store.session()?) } else { None };
        let link = || match &self.name {
            None => objects.link_file(&self.file, name),
            Some(temporary) => session.as_ref().map_or(Ok(false), |s| s.dir().rename_new(temporary, objects, name)),
        };
        let linked = match link() {
            Err(error) if error.is_missing() => {
                objects.create_dir(&name[..2])?;
                link()
            }
            result => result,
        }?;
        if linked {
            self.store.known.insert(&objects.stat_file(&self.file, name)?, digest);
        }
        Ok(())
    }

    /// Gives the file the object's name, in the place of the one that has it.
    pub(super) fn replace(mut self, digest: Digest, variant: Variant) -> Result<()> {
        let objects = &self.store.dirs.objects;
        objects.set_file_times(&self.file, self.label(), EPOCH)?;
        let session = self.store.session()?;
        if self.name.is_none() {
            let name = format!("object-{}", self.store.unique());
            session.dir().link_file(&self.file, &name)?;
            self.name = Some(name);
        }
        let name = Name::new(digest, variant).path();
        session.dir().rename(self.label(), objects, &name)?;
        self.store.known.insert(&objects.stat_file(&self.file, &name)?, digest);
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let (Some(name), Ok(session)) = (&self.name, self.store.session()) {
            // Gone already when it was published; swept with the session otherwise.
            let _ = session.dir().remove(name);
        }
    }
}
