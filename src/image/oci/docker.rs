//! The archive that `docker load` takes: the form of `docker save` since Docker 1.10.
//!
//! `HEX.tar` is a layer, not compressed, named by its diff ID; `HEX.json` is the configuration, the same as in an OCI layout,
//! named by its digest, which is the image's ID; `manifest.json` says which belong together, and the names. The
//! `repositories` of older versions is not written.

use serde_json::json;

use super::describe::{Image, Options};
use super::json::canonical;
use super::layout::{Layers, put};
use super::sink::Sink;
use crate::digest::Digest;
use crate::image::{Compression, Contents, Error};

/// Writes an image with these names (`name:tag`) for `docker load`. Gives the digest of its configuration: the image's ID.
/// Layers are not compressed, whatever the options say.
///
/// # Errors
/// The image or a name is not possible, a tree has what tar cannot express, a content cannot be read, or the sink fails.
pub fn write_docker(
    image: &Image,
    names: &[&str],
    options: &Options,
    contents: &dyn Contents,
    sink: &mut dyn Sink,
) -> Result<Digest, Error> {
    image.check()?;
    if !names.iter().all(|name| is_tagged(name)) {
        return Err(Error::Option {
            option: "name",
            reason: "docker's names are `name:tag`, with the name in lower case",
        });
    }
    let mut layers = Layers { contents, compression: Compression::None, written: Vec::new() };
    let mut ids = Vec::new();
    for layer in &image.layers {
        ids.push(layers.write(layer.tree, sink, |id, _| layer_name(id))?.0);
    }
    let config = canonical(&image.configuration(&ids, options.created));
    let id = Digest::of(&config);
    let config_name = format!("{}.json", id.hex());
    put(sink, &config_name, &config)?;
    let paths: Vec<String> = ids.iter().map(layer_name).collect();
    let manifest = json!([{"Config": config_name, "Layers": paths, "RepoTags": names}]);
    put(sink, "manifest.json", &canonical(&manifest))?;
    Ok(id)
}

fn layer_name(id: &Digest) -> String {
    format!("{}.tar", id.hex())
}

/// Whether this is a repository with a tag. Docker is the judge of the rest.
fn is_tagged(name: &str) -> bool {
    let Some((repository, tag)) = name.rsplit_once(':') else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/:".contains(&byte);
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !repository.is_empty()
        && repository.bytes().all(plain)
        && (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(word)
}
