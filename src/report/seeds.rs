//! What had to be believed, as tables. JSON is the list itself.

use super::style::{Palette, Role};
use super::table::Table;
use super::text::clean;
use super::units::{bytes, count};
use crate::sbom::{Amount, Seed, Seeds};

/// The sysroots, then the packages, then what was used of them.
pub fn seeds_text(seeds: &Seeds, palette: Palette) -> String {
    let amount = |amount: &Amount| {
        let packages = usize::try_from(amount.packages).unwrap_or(usize::MAX);
        format!("{} ({})", count(packages, "package"), bytes(amount.bytes))
    };
    let stages: Vec<String> = seeds.stages.iter().map(|stage| clean(stage)).collect();
    let head = format!("{} that others compiled", amount(&seeds.total));
    let mut text = format!("{}, below {}\n", palette.paint(Role::Name, &head), stages.join(", "));
    for archive in &seeds.archives {
        let date = archive.date.as_deref().map_or_else(|| "nothing pinned".to_owned(), clean);
        let place = [&archive.base, &archive.suite, &archive.keys].map(|text| clean(text));
        let [base, suite, keys] = place;
        text.push_str(&format!("  {}: {base} {suite} of {date}, signed by {keys}\n", clean(&archive.name)));
    }
    if !seeds.sysroots.is_empty() {
        let mut table = Table::new(palette, &["sysroot", ">packages", ">bytes", "stages"]);
        for sysroot in &seeds.sysroots {
            let stages: Vec<String> = sysroot.stages.iter().map(|stage| clean(stage)).collect();
            let Amount { packages, bytes: size } = sysroot.total;
            table.row([clean(&sysroot.name), packages.to_string(), bytes(size), stages.join(", ")]);
        }
        text.push_str(&format!("\n{}", table.text()));
    }
    if !seeds.packages.is_empty() {
        let header = ["package", "version", "arch", ">bytes", "sha256", ">files used", "by stages"];
        let mut table = Table::new(palette, &header);
        for seed in &seeds.packages {
            let (files, users) = uses(seed);
            let [name, version, architecture] = [&seed.name, &seed.version, &seed.architecture].map(|text| clean(text));
            let digest = seed.sha256.chars().take(12).collect();
            table.row([name, version, architecture, bytes(seed.bytes), digest, files, users]);
        }
        text.push_str(&format!("\n{}", table.text()));
    }
    text.push_str(&format!("\nexecuted or read: {}\n", amount(&seeds.used)));
    text.push_str(&format!("something of it is in what was left: {}\n", amount(&seeds.held)));
    if !seeds.untraced.is_empty() {
        let stages: Vec<String> = seeds.untraced.iter().map(|stage| clean(stage)).collect();
        let warning = palette.paint(Role::Warn, "not known, for want of a trace, of");
        text.push_str(&format!("{warning} {}\n", stages.join(", ")));
    }
    text
}

/// The most files that one stage used, and the stages that used any.
fn uses(seed: &Seed) -> (String, String) {
    let most = seed.stages.values().flatten().max();
    let users: Vec<String> = seed
        .stages
        .iter()
        .filter(|(_, files)| files.is_some_and(|files| files > 0))
        .map(|(stage, _)| clean(stage))
        .collect();
    match (most, seed.used) {
        (_, None) => ("?".to_owned(), users.join(", ")),
        (most, Some(_)) => (most.copied().unwrap_or(0).to_string(), users.join(", ")),
    }
}
