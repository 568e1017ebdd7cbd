//! Of how many bytes an output consists, as tables. JSON is the report itself.

use super::style::{Palette, Role};
use super::table::Table;
use super::text::clean;
use super::units::{bytes, count};
use crate::sbom::{Share, Sizes};

/// The sum, then by stage, by entry at the top, the largest files, and what is in containers.
pub fn sizes_text(sizes: &Sizes, palette: Palette) -> String {
    let files = count(usize::try_from(sizes.total.files).unwrap_or(usize::MAX), "file");
    let head = palette.paint(Role::Name, &clean(&sizes.stage));
    let mut text = format!("{head} {}: {} in {files}\n", clean(&sizes.target), bytes(sizes.total.bytes));
    match (sizes.budget, sizes.excess()) {
        (Some(budget), Some(excess)) => {
            let word = palette.paint(Role::Bad, "too large:");
            text.push_str(&format!("{word} {} over its limit of {}\n", bytes(excess), bytes(budget)));
        }
        (Some(budget), None) => {
            let left = bytes(budget.saturating_sub(sizes.total.bytes));
            text.push_str(&format!("{left} below its limit of {}\n", bytes(budget)));
        }
        (None, _) => {}
    }
    text.push_str(&shares(&sizes.stages, "made by", sizes.total.bytes, palette));
    text.push_str(&shares(&sizes.top, "at the top", sizes.total.bytes, palette));
    if !sizes.largest.is_empty() {
        let mut table = Table::new(palette, &["largest files", ">bytes", "made by"]);
        for large in &sizes.largest {
            table.row([clean(&large.path), bytes(large.bytes), clean(&large.stage)]);
        }
        text.push_str(&format!("\n{}", table.text()));
    }
    for inside in &sizes.containers {
        let files = count(usize::try_from(inside.total.files).unwrap_or(usize::MAX), "file");
        let path = palette.paint(Role::Name, &clean(&inside.path));
        let sum = bytes(inside.total.bytes);
        text.push_str(&format!("\n{path} ({}, {}) holds {sum} in {files}\n", inside.kind, bytes(inside.bytes)));
        let table = shares(&inside.stages, "made by", inside.total.bytes, palette);
        text.push_str(table.trim_start_matches('\n'));
    }
    text
}

fn shares(shares: &[Share], name: &str, total: u64, palette: Palette) -> String {
    if shares.is_empty() {
        return String::new();
    }
    let mut table = Table::new(palette, &[name, ">files", ">bytes", ">share"]);
    for share in shares {
        let label = if share.name.is_empty() { "(no stage left it as a file)".to_owned() } else { clean(&share.name) };
        let percent = (u128::from(share.bytes) * 1000).checked_div(u128::from(total)).unwrap_or(0);
        let percent = format!("{}.{} %", percent / 10, percent % 10);
        table.row([label, share.files.to_string(), bytes(share.bytes), percent]);
    }
    format!("\n{}", table.text())
}
