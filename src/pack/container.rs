//! Container images of recipes.

use std::fs::File;
use std::io::{BufWriter, Read};

use super::error::Error;
use super::packer::unwritten;
use crate::image::oci::{Config, Image, Layer, Options, Platform, TarSink, split, write_docker, write_layout};
use crate::image::{self, Contents, Format, Kind, Recipe, Tree};

/// Writes an image to a file: what `oci-archive:` or `docker load` take.
pub(super) fn write(
    recipe: &Recipe,
    name: &str,
    tree: &Tree,
    contents: &dyn Contents,
    time: u32,
    file: &mut File,
) -> Result<(), Error> {
    let variables = recipe.environment.iter().map(|variable| match variable.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(image::Error::Option { option: "environment", reason: "a variable is NAME=VALUE" }),
    });
    let config = Config {
        entrypoint: recipe.entrypoint.clone(),
        cmd: recipe.command.clone(),
        env: variables.collect::<Result<_, _>>()?,
        working_dir: recipe.directory.clone().unwrap_or_default(),
        user: recipe.user.clone().unwrap_or_default(),
        exposed_ports: recipe.ports.iter().cloned().collect(),
        volumes: recipe.volumes.iter().cloned().collect(),
        stop_signal: recipe.stop_signal.clone().unwrap_or_default(),
        labels: recipe.labels.clone(),
    };
    let platform = match &recipe.platform {
        Some(platform) => stated(platform)?,
        None => found(tree, contents)?,
    };
    let parts = match recipe.layers.as_slice() {
        [] => Vec::new(),
        globs => split(tree, globs)?,
    };
    let mut layers: Vec<Layer> = parts
        .iter()
        .enumerate()
        .map(|(at, tree)| {
            let glob = recipe.layers.get(at).map_or_else(String::new, |glob| format!(": {glob}"));
            Layer { tree, comment: format!("{name}{glob}") }
        })
        .collect();
    if layers.is_empty() {
        layers.push(Layer { tree, comment: name.to_owned() });
    }
    let image = Image { platform, config, layers, annotations: recipe.annotations.clone() };
    let options = Options { created: time, compression: recipe.compress.unwrap_or_default() };
    let mut sink = TarSink::new(BufWriter::with_capacity(1 << 18, file), time);
    match recipe.format {
        Format::Docker => {
            let names: Vec<&str> = recipe.label.as_deref().into_iter().collect();
            write_docker(&image, &names, &options, contents, &mut sink)?;
        }
        _ => drop(write_layout(&[image], &[], recipe.label.as_deref(), &options, contents, &mut sink)?),
    }
    sink.finish().map(drop).map_err(unwritten)
}

/// `linux/arm64/v8`
fn stated(text: &str) -> Result<Platform, Error> {
    let mut parts = text.split('/').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let platform = Platform { os: next(), architecture: next(), variant: next() };
    match platform.os.is_empty() || platform.architecture.is_empty() || parts.next().is_some() {
        true => Err(image::Error::Option { option: "platform", reason: "a platform is OS/MACHINE" }.into()),
        false => Ok(platform),
    }
}

/// What the first program in the tree is for, by the `e_machine` of its ELF header (elf(5)).
fn found(tree: &Tree, contents: &dyn Contents) -> Result<Platform, Error> {
    for inode in &tree.inodes {
        let Kind::File(content) = &inode.kind else { continue };
        if inode.meta.mode & 0o111 == 0 || content.size < 20 {
            continue;
        }
        let unread = |source| image::Error::Read { path: String::from_utf8_lossy(&inode.path).into_owned(), source };
        let mut head = [0; 20];
        contents.open(content).and_then(|mut file| file.read_exact(&mut head)).map_err(unread)?;
        let machine = u16::from_le_bytes([head[18], head[19]]);
        let (architecture, variant) = match machine {
            62 => ("amd64", ""),
            183 => ("arm64", "v8"),
            3 => ("386", ""),
            40 => ("arm", "v7"),
            243 => ("riscv64", ""),
            _ => continue,
        };
        if head.starts_with(b"\x7fELF") && head[5] == 1 {
            let (architecture, variant) = (architecture.to_owned(), variant.to_owned());
            return Ok(Platform { os: "linux".to_owned(), architecture, variant });
        }
    }
    Err(image::Error::Option { option: "platform", reason: "there is no program that tells what it is for: state it" }
        .into())
}
