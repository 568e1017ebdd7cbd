//! The stages behind what was audited, and what flowed between them: a drawing (SVG, made here) and a table that says the
//! same in words.

use std::collections::{BTreeMap, BTreeSet};

use super::layers::{self, HEIGHT, WIDTH};
use crate::audit::{Flow, Origin, Role};
use crate::report::page::escape;
use crate::report::{bytes, count, fit};

/// Letters of a name that fit into a node.
const FITS: usize = 18;

/// What is drawn as one node: a stage, a sysroot, or the sources that the same stages take.
struct Box<'a> {
    kind: &'static str,
    title: String,
    note: String,
    names: Vec<&'a str>,
}

/// Both, as a section of the page.
pub(super) fn origin_html(origin: &Origin, page: &mut String) {
    let boxes = boxes(origin);
    let number: BTreeMap<&str, usize> =
        boxes.iter().enumerate().flat_map(|(at, one)| one.names.iter().map(move |name| (*name, at))).collect();
    // Flows of the same kind between the same boxes are one line.
    let mut lines: BTreeMap<(usize, usize, Role), Vec<&Flow>> = BTreeMap::new();
    for flow in &origin.flows {
        if let (Some(from), Some(to)) = (number.get(flow.from.as_str()), number.get(flow.to.as_str())) {
            lines.entry((*from, *to, flow.role)).or_default().push(flow);
        }
    }
    page.push_str("<h2 id=\"origin\">Stages</h2>\n");
    summary(origin, page);
    page.push_str("<p class=\"legend\">");
    for role in Role::ALL {
        let name = role.name();
        page.push_str(&format!(
            "<span><svg width=\"34\" height=\"10\" aria-hidden=\"true\"><path class=\"edge {name}\" d=\"M1 5H33\"/></svg> {name}</span> "
        ));
    }
    page.push_str("<span>Point at a node, or step to it, to see what it took and gave; choose one that made files to see these.</span>\n");
    page.push_str("<label><input type=\"checkbox\" id=\"fit\"> all at once</label></p>\n");
    let edges: Vec<(usize, usize, Role)> = lines.keys().copied().collect();
    let drawing = layers::draw(&depths(&boxes, &lines), &edges);
    page.push_str(&format!(
        "<div class=\"graph\" tabindex=\"0\"><svg width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"group\" aria-label=\"Stages and what flowed between them\">\n",
        w = drawing.width,
        h = drawing.height,
    ));
    for (((from, to, role), flows), points) in lines.iter().zip(&drawing.edges) {
        let words: Vec<String> = flows.iter().map(|flow| escape(&words(flow))).collect();
        page.push_str(&format!(
            "<path class=\"edge {}\" data-from=\"{from}\" data-to=\"{to}\" d=\"{}\"><title>{}</title></path>\n",
            role.name(),
            curve(points),
            words.join("\n"),
        ));
    }
    for (at, (one, (x, y))) in boxes.iter().zip(&drawing.nodes).enumerate() {
        let middle = x + WIDTH / 2;
        let stage = one.names.first().and_then(|name| name.strip_prefix("stage:"));
        let stage = stage.map(|name| format!(" data-stage=\"{}\"", escape(name)));
        page.push_str(&format!(
            "<g class=\"node {}\" data-node=\"{at}\"{} tabindex=\"0\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" rx=\"6\"/><text x=\"{middle}\" y=\"{}\">{}</text><text class=\"small\" x=\"{middle}\" y=\"{}\">{}</text></g>\n",
            one.kind,
            stage.unwrap_or_default(),
            escape(&one.names.join(", ")),
            y + 19,
            escape(&fit(&one.title, FITS)),
            y + 35,
            escape(&fit(&one.note, FITS + 6)),
        ));
    }
    page.push_str("</svg></div>\n");
    table(&lines, page);
}

fn summary(origin: &Origin, page: &mut String) {
    let (stages, traced) = (origin.stages().count(), origin.traced());
    let untraced: Vec<String> = origin.untraced().map(|name| format!("<code>{}</code>", escape(name))).collect();
    page.push_str(&format!(
        "<p>Made by {}, {} of them traced: {} calls by {} processes on {} paths.",
        count(stages, "stage"),
        stages - untraced.len(),
        traced.calls,
        traced.processes,
        traced.paths,
    ));
    if !untraced.is_empty() {
        page.push_str(&format!(" <span class=\"warning\">Without a trace:</span> {}.", untraced.join(", ")));
    }
    page.push_str("</p>\n");
}

fn boxes(origin: &Origin) -> Vec<Box<'_>> {
    let mut boxes = Vec::new();
    let mut sources: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for node in &origin.nodes {
        let (kind, name) = node.name.split_once(':').unwrap_or(("", &node.name));
        let names = vec![node.name.as_str()];
        match kind {
            "stage" => {
                let size = |tree: crate::audit::Tree| format!("{}, {}", files(tree.files), bytes(tree.bytes));
                let note = node.output.map(size).unwrap_or_default();
                let kind = if node.trace.is_some() { "stage" } else { "stage untraced" };
                boxes.push(Box { kind, title: name.to_owned(), note, names });
            }
            "source" => {
                let users = origin.flows.iter().filter(|flow| flow.from == node.name).map(|flow| flow.to.as_str());
                sources.entry(users.collect()).or_default().push(&node.name);
            }
            _ => boxes.push(Box { kind: "sysroot", title: name.to_owned(), note: "sysroot".to_owned(), names }),
        }
    }
    for names in sources.into_values() {
        let short: Vec<&str> = names.iter().map(|name| name.trim_start_matches("source:")).collect();
        let note = count(names.len(), "source");
        boxes.push(Box { kind: "source", title: short.join(", "), note, names });
    }
    boxes
}

fn files(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "file")
}

/// Layers: a stage below all that it takes; sysroots and sources right above the first stage that takes them.
fn depths(boxes: &[Box<'_>], lines: &BTreeMap<(usize, usize, Role), Vec<&Flow>>) -> Vec<usize> {
    let is_stage = |at: usize| boxes[at].kind.starts_with("stage");
    let mut depths: Vec<usize> = boxes.iter().map(|one| usize::from(one.kind.starts_with("stage"))).collect();
    // Stages come after all that they need.
    for at in (0..boxes.len()).filter(|at| is_stage(*at)) {
        let needs = lines.keys().filter(|(from, to, _)| *to == at && *from < at && is_stage(*from));
        depths[at] = needs.map(|(from, ..)| depths[*from] + 1).max().unwrap_or(1);
    }
    for at in (0..boxes.len()).filter(|at| !is_stage(*at)) {
        let users = lines.keys().filter(|(from, ..)| *from == at).map(|(_, to, _)| depths[*to]);
        depths[at] = users.min().unwrap_or(1).saturating_sub(1);
    }
    depths
}

/// A smooth line through points, which leaves and arrives upright.
fn curve(points: &[(i64, i64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        match at.checked_sub(1).and_then(|before| points.get(before)) {
            None => path.push_str(&format!("M{x} {y}")),
            Some((from, _)) if from == x => path.push_str(&format!("V{y}")),
            Some((from, above)) => {
                let middle = i64::midpoint(*above, *y);
                path.push_str(&format!("C{from} {middle} {x} {middle} {x} {y}"));
            }
        }
    }
    path
}

fn words(flow: &Flow) -> String {
    let from = whole(flow);
    let tree = &flow.tree;
    let size = format!("{}, {}", files(tree.files), bytes(tree.bytes));
    format!("{from} to {} as {}: {} ({size})", flow.to, flow.role.name(), tree.digest.short())
}

fn whole(flow: &Flow) -> String {
    if flow.part.is_empty() { flow.from.clone() } else { format!("{}/{}", flow.from, flow.part) }
}

fn table(lines: &BTreeMap<(usize, usize, Role), Vec<&Flow>>, page: &mut String) {
    let total: usize = lines.values().map(Vec::len).sum();
    page.push_str(&format!(
        "<details id=\"flows\"><summary>What flowed: {}</summary>\n<table>\n<thead><tr><th>From<th>To<th>As<th>Tree\
         <th class=\"number\">Files<th class=\"number\">Size</thead>\n<tbody>\n",
        count(total, "tree")
    ));
    for ((from, to, role), flows) in lines {
        for flow in flows {
            page.push_str(&format!(
                "<tr data-from=\"{from}\" data-to=\"{to}\"><td>{}<td>{}<td>{}<td><code title=\"{}\">{}</code><td class=\"number\">{}<td class=\"number\">{}\n",
                escape(&whole(flow)),
                escape(&flow.to),
                role.name(),
                flow.tree.digest,
                flow.tree.digest.short(),
                flow.tree.files,
                bytes(flow.tree.bytes),
            ));
        }
    }
    page.push_str("</tbody>\n</table>\n</details>\n");
    // Filled by the page's script.
    page.push_str("<div id=\"about\" aria-live=\"polite\" hidden></div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Node, Tree};
    use crate::digest::Digest;

    #[test]
    fn hostile_names_are_text_and_all_flows_are_there() {
        let tree = Tree { digest: Digest::of(b"x"), files: 3, bytes: 4096 };
        let node = |name: &str| Node { name: name.into(), output: Some(tree), trace: None };
        let flow =
            |from: &str, to: &str, role| Flow { from: from.into(), part: "<p>".into(), to: to.into(), role, tree };
        let origin = Origin {
            nodes: vec![
                node("stage:</svg><script>a"),
                node("stage:\"b"),
                node("sysroot:s"),
                node("source:x"),
                node("source:y"),
            ],
            flows: vec![
                flow("sysroot:s", "stage:</svg><script>a", Role::Tools),
                flow("source:x", "stage:\"b", Role::Source),
                flow("source:y", "stage:\"b", Role::Source),
                flow("stage:</svg><script>a", "stage:\"b", Role::Target),
            ],
        };
        let mut page = String::new();
        origin_html(&origin, &mut page);
        for hostile in ["<script>", "</svg><s", "<p>\"", "=\"\"b"] {
            assert!(!page.contains(hostile), "{hostile}: {page}");
        }
        assert_eq!(page.matches("<tr data-from").count(), 4);
        assert_eq!(page.matches("<path class=\"edge").count(), Role::ALL.len() + 3, "two sources are one line");
        assert_eq!(page.matches("<g class=\"node").count(), 4);
        assert!(page.contains("Without a trace:") && page.contains("x, y"), "{page}");
    }
}
