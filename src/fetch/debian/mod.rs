//! Reading a Debian package archive: which packages a sysroot consists of, by name, version, path and digest.
//!
//! # Trust
//! `dists/SUITE/InRelease` is clear-signed ([`openpgp`]); it names the package index by digest ([`release`]), which
//! names the packages by digest ([`index`]). One valid signature by a key that the repository lists is enough. The index
//! is for the suite asked for, not from the future, not past its `Valid-Until`, not older than the one in the lockfile.
//! A build later needs none of this: it goes by the digests in the lockfile.
//!
//! # Choice
//! [`closure`] follows `Pre-Depends` and `Depends`; nothing is chosen by anything but the index and the request, in
//! their order by name, so that the same index gives the same pins. Only one component of one suite is read: `main` of
//! a released suite is frozen, while the security archive replaces its files and pins into it would soon lead nowhere.
//!
//! # Limits
//! `Conflicts` and `Breaks` are not read: packages are unpacked, not installed, and files that collide are an error of
//! the sysroot. Architecture qualifiers other than `any`, `native` and the archive's own cannot be satisfied.
//!
//! Sources: Debian Policy 5 (control fields) and 7 (relationships), deb-version(7), the wiki's DebianRepository/Format.

pub mod closure;
pub mod control;
mod date;
pub mod index;
pub mod openpgp;
pub mod relation;
pub mod release;
#[cfg(test)]
mod tests;
pub mod version;
