//! SPDX 2.3 in JSON.
//!
//! | element | what |
//! |---|---|
//! | `SPDXRef-Stage-NAME` | a stage, with what it left |
//! | `SPDXRef-Source-NAME` | an upstream archive |
//! | `SPDXRef-Sysroot-NAME` | a sysroot |
//! | `SPDXRef-Package-NAME-…` | a package of sysroots |
//! | `SPDXRef-File-…` | a delivered file |
//!
//! The product CONTAINS files, and the sources and packages of which something is in these. A stage is GENERATED_FROM its
//! sources and the stages that it takes as data. What it compiles against is a BUILD_DEPENDENCY_OF it, what runs is a
//! BUILD_TOOL_OF it: sysroots and stages as they are declared, packages when a process executed or read some of them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::error::Error;
use super::gather::sha1_of;
use super::identifier::{uuid, word};
use super::inventory::{Delivered, Inventory, Package as SysrootPackage, Role, Source, Step};
use super::{license, purl, time};

const NONE: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    comment: String,
    packages: Vec<Package>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: Vec<String>,
    comment: &'static str,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<String>,
    supplier: &'static str,
    download_location: String,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_verification_code: Option<VerificationCode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_comments: Option<String>,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_package_purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationCode {
    package_verification_code_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(rename = "SPDXID")]
    id: String,
    file_name: String,
    checksums: Vec<Checksum>,
    license_concluded: &'static str,
    copyright_text: &'static str,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

/// The inventory of one product as a document, with its files if they are given.
///
/// # Errors
/// The product was not built, or sees no time.
pub fn spdx(inventory: &Inventory, product: &str, files: &[Delivered]) -> Result<String, Error> {
    let missing = || Error::NotBuilt { stage: product.to_owned() };
    let step = inventory.step(product).ok_or_else(missing)?;
    let (_, output) = step.built.ok_or_else(missing)?;
    let epoch = || Error::Epoch { stage: product.to_owned(), text: step.epoch.clone() };
    let mut packages: Vec<Package> = inventory.steps.iter().rev().map(stage).collect();
    if let (Some(own), false) = (packages.iter_mut().find(|own| own.name == product), files.is_empty()) {
        own.files_analyzed = true;
        own.package_verification_code = Some(verification_code(files));
    }
    packages.extend(inventory.sources.iter().map(source));
    packages.extend(inventory.sysroots().into_iter().map(sysroot));
    packages.extend(inventory.packages.iter().map(package));
    let untraced: Vec<&str> = inventory.untraced.iter().map(String::as_str).collect();
    let mut comment = format!(
        "Of {} packages that others built and that lay within reach of the build, {} were executed or read: each is a \
         BUILD_TOOL_OF the stages that did.",
        inventory.packages.len(),
        inventory.packages_used()
    );
    if !untraced.is_empty() {
        comment.push_str(&format!(
            " What is contained was found by traces, but for these stages, of which all counts that they declare: {}",
            untraced.join(", ")
        ));
    }
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: format!("{product}-{}", output.hex()),
        document_namespace: String::new(),
        creation_info: CreationInfo {
            created: time::of_epoch(&step.epoch).ok_or_else(epoch)?,
            creators: vec![format!("Tool: repro-{}", env!("CARGO_PKG_VERSION"))],
            comment: "The time is SOURCE_DATE_EPOCH, and not when this was written.",
        },
        comment,
        packages,
        files: files.iter().map(file).collect(),
        relationships: relationships(inventory, product, files).into_iter().collect(),
    };
    document.document_namespace = format!("urn:uuid:{}", uuid(&document));
    let text = serde_json::to_string_pretty(&document).expect("a document has string keys only");
    Ok(format!("{text}\n"))
}

fn stage_id(name: &str) -> String {
    format!("SPDXRef-{}", word("Stage", name))
}

fn source_id(name: &str) -> String {
    format!("SPDXRef-{}", word("Source", name))
}

fn sysroot_id(name: &str) -> String {
    format!("SPDXRef-{}", word("Sysroot", name))
}

fn package_id(package: &SysrootPackage) -> String {
    // Two archives, or two versions, may have the same name.
    format!("SPDXRef-{}-{}", word("Package", &package.name), package.digest.short())
}

fn file_id(file: &Delivered) -> String {
    let name = crate::digest::Digest::of(file.path.as_bytes()).hex();
    format!("SPDXRef-File-{}", &name[..16])
}

/// What all packages have that nothing is known of.
fn bare(id: String, name: &str) -> Package {
    Package {
        id,
        name: name.to_owned(),
        supplier: NONE,
        download_location: NONE.to_owned(),
        license_concluded: NONE,
        license_declared: NONE.to_owned(),
        copyright_text: NONE,
        ..Package::default()
    }
}

fn stage(step: &Step) -> Package {
    let built = step.built.map(|(action, output)| {
        format!("The stage `{}` for target {}, action {action}, left the tree {output}.", step.stage, step.target)
    });
    Package {
        version_info: step.built.map(|(_, output)| output.hex()),
        source_info: built,
        summary: Some(step.summary.clone()),
        ..bare(stage_id(&step.stage), &step.stage)
    }
}

fn source(source: &Source) -> Package {
    let declared = license::is_expression(&source.license);
    let url = source.places.iter().find(|place| is_url(place));
    let others: Vec<&str> = source.places.iter().filter(|place| url != Some(place)).map(String::as_str).collect();
    Package {
        version_info: Some(source.version.clone()),
        package_file_name: Some(source.file.clone()),
        download_location: url.cloned().unwrap_or_else(|| NONE.to_owned()),
        checksums: vec![sha256(source.digest.hex())],
        license_declared: if declared { source.license.clone() } else { NONE.to_owned() },
        license_comments: (!declared).then(|| format!("declared as `{}`", source.license)),
        comment: (!others.is_empty()).then(|| format!("It is to be had at {}", others.join(", "))),
        primary_package_purpose: Some("SOURCE"),
        external_refs: vec![purl(purl::of_source(source))],
        ..bare(source_id(&source.name), &source.name)
    }
}

fn sysroot(name: &str) -> Package {
    let summary = "A root file system of packages that others built, in which stages run.".to_owned();
    Package { summary: Some(summary), ..bare(sysroot_id(name), name) }
}

fn package(package: &SysrootPackage) -> Package {
    let names: Vec<&str> = package.licenses.iter().map(String::as_str).collect();
    let place = &package.place;
    Package {
        version_info: Some(package.version.clone()),
        package_file_name: place.rsplit('/').next().map(str::to_owned),
        download_location: if is_url(place) { place.clone() } else { NONE.to_owned() },
        checksums: vec![sha256(package.digest.hex())],
        license_comments: (!names.is_empty()).then(|| format!("Its copyright file names: {}", names.join("; "))),
        comment: (!is_url(place)).then(|| format!("It is to be had at {place}")),
        external_refs: vec![purl(purl::of_package(package))],
        ..bare(package_id(package), &package.name)
    }
}

/// Whether a place can be looked up by anybody.
fn is_url(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

fn sha256(hex: String) -> Checksum {
    Checksum { algorithm: "SHA256", checksum_value: hex }
}

fn purl(locator: String) -> ExternalRef {
    ExternalRef { reference_category: "PACKAGE-MANAGER", reference_type: "purl", reference_locator: locator }
}

fn file(file: &Delivered) -> File {
    let sha1 = Checksum { algorithm: "SHA1", checksum_value: file.sha1.clone() };
    File {
        id: file_id(file),
        file_name: format!("./{}", file.path),
        checksums: vec![sha1, sha256(file.digest.hex())],
        license_concluded: NONE,
        copyright_text: NONE,
    }
}

/// The SHA-1 of all files' SHA-1, sorted (SPDX 2.3, 7.9).
fn verification_code(files: &[Delivered]) -> VerificationCode {
    let mut digests: Vec<&str> = files.iter().map(|file| file.sha1.as_str()).collect();
    digests.sort_unstable();
    VerificationCode { package_verification_code_value: sha1_of(digests.concat().as_bytes()) }
}

fn relationships(inventory: &Inventory, product: &str, files: &[Delivered]) -> BTreeSet<Relationship> {
    let mut all = BTreeSet::new();
    let mut relate = |from: &str, relationship_type, to: &str| {
        let (spdx_element_id, related_spdx_element) = (from.to_owned(), to.to_owned());
        all.insert(Relationship { spdx_element_id, relationship_type, related_spdx_element });
    };
    let own = stage_id(product);
    relate(DOCUMENT, "DESCRIBES", &own);
    for file in files {
        relate(&own, "CONTAINS", &file_id(file));
    }
    for source in inventory.sources.iter().filter(|source| source.held) {
        relate(&own, "CONTAINS", &source_id(&source.name));
    }
    for package in &inventory.packages {
        let id = package_id(package);
        for sysroot in &package.sysroots {
            relate(&sysroot_id(sysroot), "CONTAINS", &id);
        }
        for stage in package.users() {
            relate(&id, "BUILD_TOOL_OF", &stage_id(stage));
        }
        if package.held {
            relate(&own, "CONTAINS", &id);
        }
    }
    for step in &inventory.steps {
        let id = stage_id(&step.stage);
        for source in &step.sources {
            relate(&id, "GENERATED_FROM", &source_id(source));
        }
        for taken in &step.takes {
            let other = if taken.sysroot { sysroot_id(&taken.name) } else { stage_id(&taken.name) };
            match taken.role {
                Role::Inputs => relate(&id, "GENERATED_FROM", &other),
                Role::Target => relate(&other, "BUILD_DEPENDENCY_OF", &id),
                Role::Tools => relate(&other, "BUILD_TOOL_OF", &id),
            }
        }
    }
    all
}
