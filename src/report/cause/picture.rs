//! The processes that a difference came through, as a picture (SVG 1.1): boxes from top to bottom, what they took beside.

use super::words::{command, passed, took};
use crate::report::page::escape;
use crate::verify::cause::Explanation;

const WIDTH: usize = 760;
const BOX: usize = 34;
const GAP: usize = 30;
/// Boxes of one picture.
const MOST: usize = 12;

/// The picture; empty without any process.
pub(super) fn picture(cause: &Explanation, place: &str) -> String {
    let steps: Vec<_> = cause.chain.iter().rev().collect();
    if steps.is_empty() {
        return String::new();
    }
    // The last ones are nearest to the place.
    let steps = &steps[steps.len().saturating_sub(MOST)..];
    let height = (steps.len() + 1) * (BOX + GAP);
    let mut text = format!(
        "<svg class=\"chain\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{}\">\n",
        escape(&format!("processes that {place} came through"))
    );
    let mut top = 4;
    for step in steps {
        let took = took(step);
        let class = if took.is_empty() { "" } else { " class=\"took\"" };
        text.push_str(&format!(
            "<rect{class} x=\"4\" y=\"{top}\" width=\"520\" height=\"{BOX}\" rx=\"5\"/><text x=\"14\" y=\"{}\">{}</text>\n",
            top + 22,
            escape(&command(step, 66)),
        ));
        if !took.is_empty() {
            let middle = top + BOX / 2;
            text.push_str(&format!(
                "<path class=\"took\" d=\"M560 {middle}H530m7 -4l-7 4l7 4\"/><text class=\"took\" x=\"566\" y=\"{}\">{}</text>\n",
                middle + 5,
                escape(&took)
            ));
        }
        let (from, to) = (top + BOX, top + BOX + GAP - 2);
        text.push_str(&format!(
            "<path d=\"M40 {from}V{to}m-4 -7l4 7l4 -7\"/><text class=\"by\" x=\"54\" y=\"{}\">{}</text>\n",
            from + 19,
            escape(&passed(step))
        ));
        top += BOX + GAP;
    }
    text.push_str(&format!(
        "<rect class=\"place\" x=\"4\" y=\"{top}\" width=\"520\" height=\"{}\" rx=\"5\"/><text x=\"14\" y=\"{}\">{}</text>\n</svg>\n",
        BOX - 8,
        top + 18,
        escape(&place.chars().take(66).collect::<String>())
    ));
    text
}
