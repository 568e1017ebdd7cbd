//! CycloneDX 1.7 in JSON.
//!
//! The product is the component of the metadata, its files are components of it. Sources and packages are components: of
//! scope `required` when something of them is in the product, `excluded` when they only helped to build it. Sysroots are
//! components that depend on their packages. The stages are the tasks of a workflow (`formulation`); what they take, and the
//! packages that they executed or read, are their inputs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::error::Error;
use super::identifier::uuid;
use super::inventory::{Delivered, Inventory, Package, Source, Step};
use super::{license, purl, time};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    compositions: Vec<Composition>,
    formulation: Vec<Formula>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    lifecycles: Vec<Lifecycle>,
    tools: Tools,
    component: Component,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Serialize, Default)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "String::is_empty")]
    reference: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(rename = "externalReferences", skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct License {
    expression: String,
    acknowledgement: &'static str,
}

#[derive(Serialize)]
struct ExternalReference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: BTreeSet<String>,
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
    dependencies: Vec<String>,
}

#[derive(Serialize)]
struct Formula {
    #[serde(rename = "bom-ref")]
    reference: String,
    workflows: Vec<Workflow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Workflow {
    #[serde(rename = "bom-ref")]
    reference: String,
    uid: String,
    name: String,
    task_types: [&'static str; 1],
    tasks: Vec<Task>,
    task_dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    #[serde(rename = "bom-ref")]
    reference: String,
    uid: String,
    name: String,
    description: String,
    task_types: [&'static str; 1],
    steps: Vec<Commands>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<Input>,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Commands {
    commands: Vec<Executed>,
}

#[derive(Serialize)]
struct Executed {
    executed: String,
}

#[derive(Serialize)]
struct Input {
    resource: Resource,
}

#[derive(Serialize)]
struct Resource {
    #[serde(rename = "ref")]
    reference: String,
}

/// The inventory of one product as a bill of materials, with its files if they are given.
///
/// # Errors
/// The product was not built, or sees no time.
pub fn cyclonedx(inventory: &Inventory, product: &str, files: &[Delivered]) -> Result<String, Error> {
    let missing = || Error::NotBuilt { stage: product.to_owned() };
    let step = inventory.step(product).ok_or_else(missing)?;
    let (action, output) = step.built.ok_or_else(missing)?;
    let epoch = || Error::Epoch { stage: product.to_owned(), text: step.epoch.clone() };
    let own = format!("product:{product}");
    let tool = Component {
        kind: "application",
        name: "repro".to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..Component::default()
    };
    let component = Component {
        kind: "application",
        reference: own.clone(),
        name: product.to_owned(),
        version: Some(output.hex()),
        description: Some(step.summary.clone()),
        components: files.iter().map(file).collect(),
        properties: vec![
            property("repro:action", action),
            property("repro:target", &step.target),
            property("repro:tree", output),
        ],
        ..Component::default()
    };
    let mut properties = vec![
        property("repro:packages", inventory.packages.len()),
        property("repro:packages-used", inventory.packages_used()),
    ];
    properties.extend(inventory.untraced.iter().map(|stage| property("repro:untraced", stage)));
    let mut components: Vec<Component> = inventory.sources.iter().map(source).collect();
    components.extend(inventory.sysroots().into_iter().map(sysroot));
    components.extend(inventory.packages.iter().map(package));
    // Without a trace more is told than what is there.
    let aggregate = if inventory.untraced.is_empty() { "complete" } else { "unknown" };
    let mut bom = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.7.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.7",
        serial_number: String::new(),
        version: 1,
        metadata: Metadata {
            timestamp: time::of_epoch(&step.epoch).ok_or_else(epoch)?,
            lifecycles: vec![Lifecycle { phase: "build" }],
            tools: Tools { components: vec![tool] },
            component,
            properties,
        },
        components,
        dependencies: dependencies(inventory, &own),
        compositions: vec![Composition { aggregate, dependencies: vec![own] }],
        formulation: vec![formula(inventory, product, &action.to_string())],
    };
    bom.serial_number = format!("urn:uuid:{}", uuid(&bom));
    let text = serde_json::to_string_pretty(&bom).expect("a bill of materials has string keys only");
    Ok(format!("{text}\n"))
}

fn property(name: &'static str, value: impl ToString) -> Property {
    Property { name, value: value.to_string() }
}

fn source_ref(name: &str) -> String {
    format!("source:{name}")
}

fn package_ref(package: &Package) -> String {
    // Two archives may have the same name and version.
    format!("package:{}/{}@{}:{}", package.archive, package.name, package.version, package.digest.short())
}

fn sha256(content: String) -> Hash {
    Hash { alg: "SHA-256", content }
}

fn scope(held: bool) -> Option<&'static str> {
    Some(if held { "required" } else { "excluded" })
}

fn file(file: &Delivered) -> Component {
    let sha1 = Hash { alg: "SHA-1", content: file.sha1.clone() };
    Component {
        kind: "file",
        reference: format!("file:{}", file.path),
        name: file.path.clone(),
        hashes: vec![sha1, sha256(file.digest.hex())],
        properties: vec![property("repro:size", file.digest.size)],
        ..Component::default()
    }
}

fn source(source: &Source) -> Component {
    let declared = license::is_expression(&source.license);
    let license = License { expression: source.license.clone(), acknowledgement: "declared" };
    let (urls, others): (Vec<&String>, Vec<&String>) =
        source.places.iter().partition(|place| place.starts_with("https://") || place.starts_with("http://"));
    let reference = |url: &String| ExternalReference { kind: "source-distribution", url: url.clone() };
    let mut properties: Vec<Property> = others.into_iter().map(|place| property("repro:place", place)).collect();
    if !declared {
        properties.push(property("repro:license", &source.license));
    }
    Component {
        kind: "library",
        reference: source_ref(&source.name),
        name: source.name.clone(),
        version: Some(source.version.clone()),
        scope: scope(source.held),
        hashes: vec![sha256(source.digest.hex())],
        licenses: if declared { vec![license] } else { Vec::new() },
        purl: Some(purl::of_source(source)),
        external_references: urls.into_iter().map(reference).collect(),
        properties,
        ..Component::default()
    }
}

fn sysroot(name: &str) -> Component {
    Component {
        kind: "platform",
        reference: format!("sysroot:{name}"),
        name: name.to_owned(),
        description: Some("a root file system of packages that others built, in which stages run".to_owned()),
        scope: scope(false),
        ..Component::default()
    }
}

fn package(package: &Package) -> Component {
    let mut properties = vec![property("repro:place", &package.place), property("repro:size", package.digest.size)];
    properties.extend(package.licenses.iter().map(|name| property("repro:license-name", name)));
    Component {
        kind: "library",
        reference: package_ref(package),
        name: package.name.clone(),
        version: Some(package.version.clone()),
        scope: scope(package.held),
        hashes: vec![sha256(package.digest.hex())],
        purl: Some(purl::of_package(package)),
        properties,
        ..Component::default()
    }
}

fn dependencies(inventory: &Inventory, own: &str) -> Vec<Dependency> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut held: BTreeSet<String> =
        inventory.sources.iter().filter(|one| one.held).map(|one| source_ref(&one.name)).collect();
    for package in &inventory.packages {
        let reference = package_ref(package);
        if package.held {
            held.insert(reference.clone());
        }
        for sysroot in &package.sysroots {
            all.entry(format!("sysroot:{sysroot}")).or_default().insert(reference.clone());
        }
    }
    all.insert(own.to_owned(), held);
    all.into_iter().map(|(reference, depends_on)| Dependency { reference, depends_on }).collect()
}

fn formula(inventory: &Inventory, product: &str, action: &str) -> Formula {
    let task_ref = |stage: &str| format!("stage:{stage}");
    let needs = |step: &Step| {
        let stages = step.takes.iter().filter(|taken| !taken.sysroot);
        Dependency { reference: task_ref(&step.stage), depends_on: stages.map(|taken| task_ref(&taken.name)).collect() }
    };
    let task = |step: &Step| {
        let sysroots: BTreeSet<&str> =
            step.takes.iter().filter(|taken| taken.sysroot).map(|taken| taken.name.as_str()).collect();
        let sources = step.sources.iter().map(|name| source_ref(name));
        let used = inventory.packages.iter().filter(|package| package.users().any(|user| user == step.stage));
        let inputs =
            sources.chain(sysroots.into_iter().map(|name| format!("sysroot:{name}"))).chain(used.map(package_ref));
        let mut properties = vec![property("repro:target", &step.target)];
        properties.extend(step.built.map(|(_, output)| property("repro:tree", output)));
        Task {
            reference: task_ref(&step.stage),
            uid: step.built.map_or_else(|| step.stage.clone(), |(action, _)| action.to_string()),
            name: step.stage.clone(),
            description: step.summary.clone(),
            task_types: ["build"],
            steps: vec![Commands { commands: vec![Executed { executed: step.command.join(" ") }] }],
            inputs: inputs.map(|reference| Input { resource: Resource { reference } }).collect(),
            properties,
        }
    };
    let workflow = Workflow {
        reference: format!("build:{product}"),
        uid: action.to_owned(),
        name: product.to_owned(),
        task_types: ["build"],
        tasks: inventory.steps.iter().map(task).collect(),
        task_dependencies: inventory.steps.iter().map(needs).collect(),
    };
    Formula { reference: format!("formula:{product}"), workflows: vec![workflow] }
}
