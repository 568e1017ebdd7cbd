//! Where the nodes of a graph are drawn: in layers by depth, everything below what it comes from. Whole numbers only, and
//! no chance: the same graph is always drawn the same.

use std::collections::BTreeMap;

/// Room between neighbours in a layer, and between layers.
const GAP: i64 = 18;
const RISE: i64 = 56;
/// Around all of it.
const MARGIN: i64 = 12;
/// Size of a node; an edge that passes a layer takes less.
pub(super) const WIDTH: i64 = 148;
pub(super) const HEIGHT: i64 = 44;
const PASSING: i64 = 10;
/// So often are layers sorted, and moved, by their neighbours.
const ROUNDS: usize = 12;

/// A graph that was laid out.
pub(super) struct Drawing {
    /// Left upper corners of the nodes.
    pub nodes: Vec<(i64, i64)>,
    /// The points that each edge goes through, from the lower side of one node to the upper side of another.
    pub edges: Vec<Vec<(i64, i64)>>,
    pub width: i64,
    pub height: i64,
}

/// A node, or a place where an edge passes a layer.
struct Item {
    layer: usize,
    width: i64,
    x: i64,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Lays a graph out. An edge leads from what has a lower layer to what has a higher one. Edges of one kind that leave the
/// same node pass layers together.
pub(super) fn draw<K: Ord + Copy>(layers: &[usize], edges: &[(usize, usize, K)]) -> Drawing {
    let item = |layer, width| Item { layer, width, x: 0, above: Vec::new(), below: Vec::new() };
    let mut items: Vec<Item> = layers.iter().map(|layer| item(*layer, WIDTH)).collect();
    let mut ways: Vec<Vec<usize>> = Vec::new();
    let mut passing: BTreeMap<(usize, K, usize), usize> = BTreeMap::new();
    for (from, to, kind) in edges {
        let mut way = vec![*from];
        for layer in layers[*from] + 1..layers[*to].max(layers[*from] + 1) {
            let place = *passing.entry((*from, *kind, layer)).or_insert_with(|| {
                items.push(item(layer, PASSING));
                items.len() - 1
            });
            way.push(place);
        }
        way.push(*to);
        for pair in way.windows(2) {
            if !items[pair[0]].below.contains(&pair[1]) {
                items[pair[0]].below.push(pair[1]);
                items[pair[1]].above.push(pair[0]);
            }
        }
        ways.push(way);
    }
    let depth = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    for (number, item) in items.iter().enumerate() {
        rows[item.layer].push(number);
    }
    for row in &rows {
        pack(&mut items, row);
    }
    for round in 0..ROUNDS {
        let down = round % 2 == 0;
        for at in 0..depth {
            let row = if down { &mut rows[at] } else { &mut rows[depth - 1 - at] };
            // Sorted by where their neighbours are; those without stay where they are.
            row.sort_by_key(|number| (wish(&items, *number, Some(down)), *number));
            pack(&mut items, row);
        }
    }
    for round in 0..ROUNDS {
        for at in 0..depth {
            let row = if round % 2 == 0 { &rows[at] } else { &rows[depth - 1 - at] };
            straighten(&mut items, row);
        }
    }
    finish(&items, &ways, layers.len(), depth)
}

/// One beside the other, around 0.
fn pack(items: &mut [Item], row: &[usize]) {
    let width: i64 = row.iter().map(|number| items[*number].width + GAP).sum();
    let mut x = -width / 2;
    for number in row {
        items[*number].x = x;
        x += items[*number].width + GAP;
    }
}

/// Where the middle of an item would best be: amidst its neighbours above, below, or both.
fn wish(items: &[Item], number: usize, above: Option<bool>) -> i64 {
    let item = &items[number];
    let (up, down) = (above != Some(false), above != Some(true));
    let near = item.above.iter().filter(|_| up).chain(item.below.iter().filter(|_| down));
    let (mut sum, mut many) = (0, 0);
    for number in near {
        sum += items[*number].x + items[*number].width / 2;
        many += 1;
    }
    if many == 0 { item.x + item.width / 2 } else { sum / many }
}

/// Moves the items of a row to where they would be, as far as their neighbours in the row let them: the middle between
/// what comes of it from the left and from the right.
fn straighten(items: &mut [Item], row: &[usize]) {
    let wishes: Vec<i64> = row.iter().map(|number| wish(items, *number, None) - items[*number].width / 2).collect();
    let mut left = wishes.clone();
    for at in 1..row.len() {
        left[at] = left[at].max(left[at - 1] + items[row[at - 1]].width + GAP);
    }
    let mut right = wishes;
    for at in (0..row.len().saturating_sub(1)).rev() {
        right[at] = right[at].min(right[at + 1] - items[row[at]].width - GAP);
    }
    for (at, number) in row.iter().enumerate() {
        items[*number].x = i64::midpoint(left[at], right[at]);
    }
}

fn finish(items: &[Item], ways: &[Vec<usize>], nodes: usize, depth: usize) -> Drawing {
    let least = items.iter().map(|item| item.x).min().unwrap_or(0);
    let most = items.iter().map(|item| item.x + item.width).max().unwrap_or(0);
    let corner = |item: &Item| (item.x - least + MARGIN, MARGIN + item.layer as i64 * (HEIGHT + RISE));
    let edge = |way: &Vec<usize>| {
        let mut points = Vec::new();
        for (place, number) in way.iter().enumerate() {
            let (x, y) = corner(&items[*number]);
            let middle = x + items[*number].width / 2;
            // What passes a layer goes straight through it.
            if place > 0 {
                points.push((middle, y));
            }
            if place + 1 < way.len() {
                points.push((middle, y + HEIGHT));
            }
        }
        points
    };
    Drawing {
        nodes: items.iter().take(nodes).map(corner).collect(),
        edges: ways.iter().map(edge).collect(),
        width: most - least + 2 * MARGIN,
        height: depth as i64 * (HEIGHT + RISE) - RISE.min(depth as i64 * RISE) + 2 * MARGIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lies_on_anything_else_and_edges_lead_down() {
        // Two hundred nodes, each below up to three earlier ones.
        let (mut layers, mut edges) = (Vec::new(), Vec::new());
        for node in 0..200_usize {
            let needs: Vec<usize> =
                [node / 2, node / 3, node * 7 / 11].into_iter().filter(|need| *need < node).collect();
            layers.push(needs.iter().map(|need| layers[*need] + 1).max().unwrap_or(0));
            edges.extend(needs.into_iter().map(|need| (need, node, need % 2)));
        }
        let drawing = draw(&layers, &edges);
        for (a, (x, y)) in drawing.nodes.iter().enumerate() {
            assert!(*x >= 0 && *y >= 0 && x + WIDTH <= drawing.width && y + HEIGHT <= drawing.height);
            for (other, below) in &drawing.nodes[..a] {
                assert!(y != below || (x - other).abs() >= WIDTH, "two nodes lie on each other");
            }
        }
        for edge in &drawing.edges {
            assert!(edge.windows(2).all(|pair| pair[0].1 < pair[1].1));
        }
        assert_eq!(draw(&layers, &edges).nodes, drawing.nodes);
        let nothing = draw::<u8>(&[], &[]);
        assert_eq!((nothing.nodes.len(), nothing.height), (0, 2 * MARGIN));
    }
}
