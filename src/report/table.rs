//! Tables: aligned columns under a header, no frames.

use comfy_table::{CellAlignment, Table as Grid, presets};

use super::style::{Palette, Role};

/// Rows of cells under a header.
pub struct Table {
    grid: Grid,
}

impl Table {
    /// An empty table. A header that begins with `>` aligns its column to the right.
    pub fn new(palette: Palette, header: &[&str]) -> Self {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING);
        grid.set_header(header.iter().map(|text| palette.paint(Role::Faint, text.trim_start_matches('>'))));
        for (index, text) in header.iter().enumerate() {
            if let Some(column) = grid.column_mut(index) {
                column.set_padding((0, 2));
                if text.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self { grid }
    }

    /// One more row.
    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.grid.add_row(cells.into_iter().map(|cell| cell.to_string()));
    }

    /// The text, a line a row, with a line end after each and no spaces before it.
    pub fn text(&self) -> String {
        self.grid.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_and_without_trailing_spaces() {
        let mut table = Table::new(Palette::PLAIN, &["name", ">size", "what"]);
        table.row(["musl", "1.0 KiB", ""]);
        table.row(["gcc", "100.0 MiB", "compiler"]);
        assert_eq!(table.text(), "name       size  what\nmusl    1.0 KiB\ngcc   100.0 MiB  compiler\n");
    }
}
