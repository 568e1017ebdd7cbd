//! The tables `[image."FILE"]` of `stage.toml`: images that `repro` itself writes.

use std::collections::BTreeMap;

use super::mistake::did_you_mean;
use super::model::InputRef;
use super::parse::Template;
use super::reader::{At, Fields};
use super::values::{self, Wrong};
use crate::image::{Format, Recipe};

/// What a stage with a script has, and one without has not.
const OF_SCRIPTS: &[&str] = &["tools", "target", "script", "shell", "sources", "env", "wins", "level", "outputs"];

/// The images of a stage by the names of their files; none for a stage with a script.
pub(super) fn images(
    fields: &Fields<'_, '_>,
    template: &Template<'_>,
    inputs: &[At<InputRef>],
) -> BTreeMap<String, Recipe> {
    let mut images = BTreeMap::new();
    let Some(table) = fields.table("image") else { return images };
    for key in OF_SCRIPTS.iter().filter(|key| fields.has(key)) {
        let help = "a stage runs a script or states images, not both: put them in two stages".to_owned();
        fields.doc.wrong(&table.span, format!("`{key}` means nothing beside `image`"), Some(help));
    }
    let names = table.keys("");
    if names.is_empty() {
        fields.doc.wrong(&table.span, "`image` states none", Some("[image.\"root.squashfs\"]".to_owned()));
    }
    for name in &names {
        let plain = values::relative_path(&name.value).and_then(|()| match name.value.contains('/') {
            true => Wrong::new(format!("`{}` is not at the top of /out", name.value), Some("leave its folder out")),
            false => Ok(()),
        });
        fields.doc.take(&name.span, plain);
        let Some(entry) = table.table(&name.value) else { continue };
        let Some(recipe) = image(&entry, template, name, inputs) else { continue };
        for other in
            recipe.parts().filter(|other| *other == name.value || !names.iter().any(|name| name.value == *other))
        {
            let help = did_you_mean(other, names.iter().map(|name| name.value.as_str()));
            fields.doc.wrong(&entry.span, format!("`{other}` is no other image of this stage"), help);
        }
        images.insert(name.value.clone(), recipe);
    }
    for name in &names {
        let Some(recipe) = images.get(&name.value) else { continue };
        let (part, cure) = match recipe.format {
            Format::Oci => ("one of `images`", "name images of single platforms, of format `oci`, in `images`"),
            _ => ("a partition", "name file systems in `partitions`"),
        };
        for other in recipe.parts() {
            // What becomes a part of others is written before them, and sums are of what is complete.
            let reason = match images.get(other) {
                Some(other) if other.format == Format::Sums => "it is about the other images",
                Some(other) if !other.partitions.is_empty() => "it has partitions itself",
                Some(other) if !other.images.is_empty() => "it is made of images itself",
                Some(other) if recipe.format == Format::Oci && other.format != Format::Oci => "it is no image layout",
                _ => continue,
            };
            let message = format!("`{other}` cannot be {part}: {reason}");
            fields.doc.wrong(&name.span, message, Some(cure.to_owned()));
        }
    }
    images
}

fn image(
    entry: &Fields<'_, '_>,
    template: &Template<'_>,
    name: &At<String>,
    inputs: &[At<InputRef>],
) -> Option<Recipe> {
    let doc = entry.doc;
    entry.only(&Recipe::keys().into_iter().collect::<Vec<_>>());
    let format = entry.required("format", "format = \"squashfs\"")?;
    let known = format.value.parse::<Format>().map_err(|message| {
        let help = did_you_mean(&format.value, Format::ALL.iter().map(|format| format.name()));
        Wrong { message, help }
    });
    let format = doc.take(&format.span, known)?;
    let known_input = |found: &At<String>| {
        let label = found.value.split('/').next().unwrap_or_default();
        if !inputs.iter().any(|input| input.value.name() == label) {
            let help = did_you_mean(label, inputs.iter().map(|input| input.value.name()))
                .unwrap_or_else(|| "name it as INPUT/PATH, INPUT being one of `inputs`".to_owned());
            doc.wrong(&found.span, format!("`{label}` is not among `inputs`"), Some(help));
        }
    };
    let place = |key: &str| {
        let found = template.get(entry, key)?;
        known_input(&found);
        Some(found.value)
    };
    let text = |key: &str| template.get(entry, key).map(|found| found.value);
    let list = |key: &str, each: &dyn Fn(&At<String>)| -> Vec<String> {
        let all = template.all(doc, entry.strings(key)).into_iter();
        all.inspect(|found| each(found)).map(|found| found.value).collect()
    };
    let any = |_: &At<String>| {};
    let map = |key: &str| {
        let table = entry.table(key);
        let keys = table.iter().flat_map(|table| table.keys("").into_iter().map(move |key| (table, key.value)));
        keys.filter_map(|(table, key)| Some((key.clone(), template.get(table, &key)?.value))).collect()
    };
    let compress = entry
        .string("compress")
        .and_then(|found| doc.take(&found.span, found.value.parse().map_err(|message| Wrong { message, help: None })));
    let size = entry.string("size").and_then(|found| doc.take(&found.span, values::size(&found.value)));
    let recipe = Recipe {
        format,
        root: place("root"),
        table: place("table"),
        file: place("file"),
        compress,
        label: text("label"),
        size,
        kernel: place("kernel"),
        initramfs: place("initramfs"),
        loader: place("loader"),
        command_line: text("command-line"),
        partitions: list("partitions", &any),
        layers: list("layers", &|glob| {
            doc.take(&glob.span, values::glob(&glob.value));
        }),
        images: list("images", &|image| {
            if image.value.contains('/') {
                known_input(image);
            }
        }),
        platform: text("platform"),
        entrypoint: list("entrypoint", &any),
        command: list("command", &any),
        environment: list("environment", &any),
        directory: text("directory"),
        user: text("user"),
        ports: list("ports", &any),
        volumes: list("volumes", &any),
        stop_signal: text("stop-signal"),
        labels: map("labels"),
        annotations: map("annotations"),
    };
    let fits = recipe.check().map_err(|(message, help)| Wrong { message, help: Some(help) });
    doc.take(&name.span, fits);
    Some(recipe)
}
