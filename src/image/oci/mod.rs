//! Container images: OCI image layouts, and archives for `docker load`.
//!
//! An [`Image`] is a platform, layers from the lowest on (each a [`Tree`](super::Tree), written as [tar](super::tar)) and
//! what a runtime shall start. [`write_layout`] writes one, or several of different platforms under one index, with what
//! refers to them (an SBOM, an attestation); [`write_docker`] writes one in the older form of `docker save`. Files of
//! either go to a [`Sink`]: into a folder, or into a tar ([`TarSink`]), which is what skopeo and podman call
//! `oci-archive:` and `docker-archive:`. No layer is held in memory or written twice: a file has its name only when its
//! digest is known.
//!
//! Layout, after version 1.1 of the image specification:
//!
//! | file | what |
//! |---|---|
//! | `blobs/sha256/HEX` | layers, configurations, manifests, an index of several platforms |
//! | `index.json` | the image (or the index) with its reference name; then the manifests that refer to it |
//! | `oci-layout` | the version of the layout |
//!
//! All JSON has sorted keys and no white space, all times are the one of the options, so the digests follow from what is
//! inside. Layers with equal trees are one blob. The digest of a compressed layer depends on the compressor's version
//! as well; what the layer *is* tells its diff ID, the digest of the tar.
//!
//! [`split()`] spreads one tree over several layers; [`difference()`] makes the layer that turns one tree into another, with whiteouts (`.wh.NAME`, `.wh..wh..opq`) for what
//! is gone.
//!
//! [`write_index`] puts images that were written before, by whom ever, under one index: their manifests stay as they are, and so
//! their digests.

mod attach;
mod describe;
mod difference;
mod docker;
mod index;
mod json;
mod layout;
mod sink;
mod split;
#[cfg(test)]
mod split_tests;
#[cfg(test)]
mod tests;

pub use attach::{Attached, attach, referrers_place};
pub use describe::{Config, Image, Layer, Options, Platform};
pub use difference::{Whiteouts, difference};
pub use docker::write_docker;
pub use index::{Listed, write_blob, write_index};
pub use layout::{CONFIG, INDEX, MANIFEST, REF_NAME, Referrer, Subject, blob_name, write_layout};
pub use sink::{Sink, TarSink};
pub use split::split;
