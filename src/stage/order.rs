//! Order in a graph of numbered nodes: topological sorting, and the shortest cycles where there is none.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How many nodes of a knot are tried as the start of its shortest cycle. A search costs one walk over the knot, so this
/// keeps a graph that is one huge knot from taking quadratic time.
const STARTS: usize = 64;

/// The nodes, each after all that it needs; among those that are ready the smallest first. If there are cycles: one
/// cycle for each knot (strongly connected component), each starting at its smallest node, sorted.
pub(super) fn topological(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let mut users = vec![Vec::new(); needs.len()];
    let mut missing: Vec<usize> = needs.iter().map(Vec::len).collect();
    for (node, list) in needs.iter().enumerate() {
        list.iter().for_each(|need| users[*need].push(node));
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        missing.iter().enumerate().filter(|(_, count)| **count == 0).map(|(node, _)| Reverse(node)).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for user in &users[node] {
            missing[*user] -= 1;
            if missing[*user] == 0 {
                ready.push(Reverse(*user));
            }
        }
    }
    if order.len() == needs.len() { Ok(order) } else { Err(cycles(needs, &users, &missing)) }
}

/// One cycle a knot, among the nodes that could not be ordered.
fn cycles(needs: &[Vec<usize>], users: &[Vec<usize>], missing: &[usize]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    let knots = knots(needs, users, missing);
    for (number, knot) in knots.members.iter().enumerate() {
        let inside = |node: usize| knots.number[node] == Some(number);
        let mut best: Option<Vec<usize>> = None;
        for start in knot.iter().take(STARTS) {
            let limit = best.as_ref().map_or(usize::MAX, Vec::len);
            if let Some(cycle) = shortest(*start, needs, &inside, limit) {
                best = Some(cycle);
            }
        }
        found.extend(best);
    }
    for cycle in &mut found {
        let least = cycle.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(at, _)| at);
        cycle.rotate_left(least);
    }
    found.sort();
    found
}

/// The shortest way from `start` over needs back to `start`, if it is shorter than `limit`.
fn shortest(start: usize, needs: &[Vec<usize>], inside: &dyn Fn(usize) -> bool, limit: usize) -> Option<Vec<usize>> {
    let mut from = std::collections::BTreeMap::new();
    let mut queue = VecDeque::from([(start, 1)]);
    while let Some((node, length)) = queue.pop_front() {
        if length >= limit {
            return None;
        }
        for next in needs[node].iter().filter(|next| inside(**next)) {
            if *next == start {
                let mut cycle = vec![node];
                while let Some(before) = from.get(&cycle[cycle.len() - 1]) {
                    cycle.push(*before);
                }
                cycle.reverse();
                return Some(cycle);
            }
            if let std::collections::btree_map::Entry::Vacant(slot) = from.entry(*next) {
                slot.insert(node);
                queue.push_back((*next, length + 1));
            }
        }
    }
    None
}

/// The knots with more than one node, or with one that needs itself.
struct Knots {
    members: Vec<Vec<usize>>,
    /// Number of each node's knot.
    number: Vec<Option<usize>>,
}

/// Kosaraju's algorithm without recursion: finishing order over needs, then collection over users in reverse.
fn knots(needs: &[Vec<usize>], users: &[Vec<usize>], missing: &[usize]) -> Knots {
    let stuck = |node: &usize| missing[*node] > 0;
    let mut seen = vec![false; needs.len()];
    let mut finished = Vec::new();
    for root in (0..needs.len()).filter(stuck) {
        let mut stack = vec![(root, 0)];
        while let Some((node, next)) = stack.pop() {
            if next == 0 && std::mem::replace(&mut seen[node], true) {
                continue;
            }
            match needs[node].get(next) {
                Some(need) => {
                    stack.push((node, next + 1));
                    if stuck(need) && !seen[*need] {
                        stack.push((*need, 0));
                    }
                }
                None => finished.push(node),
            }
        }
    }
    let mut knots = Knots { members: Vec::new(), number: vec![None; needs.len()] };
    let mut taken = vec![false; needs.len()];
    for root in finished.into_iter().rev() {
        let mut members = Vec::new();
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut taken[node], true) {
                members.push(node);
                stack.extend(users[node].iter().filter(|user| stuck(user) && !taken[**user]));
            }
        }
        members.sort_unstable();
        if members.len() > 1 || members.first().is_some_and(|node| needs[*node].contains(node)) {
            members.iter().for_each(|node| knots.number[*node] = Some(knots.members.len()));
            knots.members.push(members);
        }
    }
    knots
}
