//! A view of what an installed system has become. JSON is the report itself.

use super::style::{Palette, Role};
use super::table::Table;
use super::text::clean;
use super::units::{bytes, count};
use crate::pack::Installed;

/// The verdict, and a line for each path that is not as it was delivered.
pub fn installed_text(report: &Installed, palette: Palette) -> String {
    let seen = format!("{} listed, {} read", count(report.listed, "path"), bytes(report.bytes));
    if report.deviations.is_empty() {
        return format!("{} as delivered ({seen})\n", palette.paint(Role::Good, "identical:"));
    }
    let number = count(report.deviations.len(), "deviation");
    let mut text = format!("{} {number} from what was delivered ({seen})\n\n", palette.paint(Role::Bad, "different:"));
    let mut table = Table::new(palette, &["path", "deviation"]);
    for deviation in &report.deviations {
        table.row([clean(&deviation.path), clean(&deviation.what.to_string())]);
    }
    text.push_str(&table.text());
    text
}
