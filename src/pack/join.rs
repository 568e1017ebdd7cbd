//! Images of single platforms become one image of all: one index over their manifests.
//!
//! Manifests, configurations and layers stay byte for byte what they were, so an image has the same digest alone and in the
//! index, and what refers to it (an SBOM, a signature) still does. Each blob is there once. What is written follows from
//! what is in the layouts, not from their order, nor from how they were packed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom};

use super::error::Error;
use super::layout::Layout;
use super::packer::{Job, Packer, Written, unwritten};
use crate::digest::Digest;
use crate::fs::Content;
use crate::image::Recipe;
use crate::image::oci::{Platform, TarSink, write_blob, write_index};

impl Packer<'_> {
    /// Writes an image of several platforms to the file `name` of the folder, which is new; of the recipe, its name and its
    /// annotations are used.
    ///
    /// # Errors
    /// A layout is none or damaged, two images are of the same platform, the file cannot be written, or the run was stopped.
    pub fn join(&self, name: &str, recipe: &Recipe, layouts: &[Layout]) -> Result<Written, Error> {
        let job = Job { packer: self, name, recipe, read: Vec::new() };
        let mut file = self.folder.create(name, 0o644)?;
        job.join(layouts, &mut file)
            .map_err(|error| if self.cancel.is_cancelled() { Error::Cancelled } else { error })?;
        let size = file.seek(SeekFrom::End(0)).map_err(unwritten)?;
        Ok(Written { size, read: job.read })
    }
}

impl Job<'_> {
    /// The layouts that the recipe names.
    pub(super) fn layouts(&mut self) -> Result<Vec<Layout>, Error> {
        let images = self.recipe.images.iter();
        images.map(|place| self.layout(place)).collect()
    }

    fn layout(&mut self, place: &str) -> Result<Layout, Error> {
        let file = if place.contains('/') {
            let digest = self.file(place)?;
            self.packer.store.open_blob(digest)?
        } else {
            self.read.push(format!("/out/{place}").into_bytes());
            self.packer.folder.file(place)?
        };
        let content = Content::of_file(file, place.as_ref())?;
        let reader = self.contents().until_stopped(content.reader());
        Layout::tar(place, content, reader)
    }

    pub(super) fn join(&self, layouts: &[Layout], file: &mut File) -> Result<(), Error> {
        let mut images: BTreeMap<Platform, Digest> = BTreeMap::new();
        let (mut referrers, mut lists) = (BTreeMap::new(), BTreeMap::new());
        let mut blobs: BTreeMap<Digest, &Layout> = BTreeMap::new();
        // By the platform as runtimes see it.
        let mut known: BTreeMap<Platform, &Layout> = BTreeMap::new();
        for layout in layouts {
            let held = layout.held()?;
            for (platform, manifest) in held.images {
                if let Some(other) = known.insert(platform.usual(), layout) {
                    let (first, second) = (other.name().to_owned(), layout.name().to_owned());
                    return Err(Error::SamePlatform { platform: platform.to_string(), first, second });
                }
                images.insert(platform, manifest);
            }
            referrers.extend(held.referrers);
            lists.extend(held.lists);
            for blob in held.blobs {
                blobs.entry(blob).or_insert(layout);
            }
        }
        let time = self.packer.time;
        let mut sink = TarSink::new(BufWriter::with_capacity(1 << 18, file), time);
        for (blob, layout) in blobs {
            let reader = self.contents().until_stopped(layout.blob(&blob)?.reader());
            layout.same(&blob, &write_blob(&blob, reader, &mut sink)?)?;
        }
        let Recipe { label, annotations, .. } = self.recipe;
        write_index(&images, &referrers, &lists, label.as_deref(), annotations, &mut sink)?;
        sink.finish().map(drop).map_err(unwritten)
    }
}
