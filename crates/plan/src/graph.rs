use std::collections::{HashMap, VecDeque};

use petgraph::Direction;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

/// Layers of a graph of `count` nodes: a node's layer is one more than the highest before it.
/// The error is a cycle: its first node is repeated at its end.
pub(crate) fn layers(count: usize, edges: &[(usize, usize)]) -> Result<Vec<usize>, Vec<usize>> {
    let graph = directed(count, edges);
    let Ok(order) = toposort(&graph, None) else {
        return Err(find_cycle(&graph).expect("because toposort fails only on a cycle"));
    };
    let mut layer = vec![0; count];
    for node in order {
        let before = graph.neighbors_directed(node, Direction::Incoming);
        layer[node.index()] = before.map(|n| layer[n.index()] + 1).max().unwrap_or(0);
    }
    Ok(layer)
}

/// A graph over the numbers below `count`.
pub(crate) fn directed(count: usize, edges: &[(usize, usize)]) -> DiGraph<(), ()> {
    let mut graph = DiGraph::with_capacity(count, edges.len());
    for _ in 0..count {
        graph.add_node(());
    }
    for (from, to) in edges {
        graph.add_edge(NodeIndex::new(*from), NodeIndex::new(*to), ());
    }
    graph
}

/// A shortest cycle through the smallest node of a strongly connected component.
pub(crate) fn find_cycle(graph: &DiGraph<(), ()>) -> Option<Vec<usize>> {
    let start = tarjan_scc(graph)
        .into_iter()
        .filter(|component| {
            component.len() > 1 || graph.find_edge(component[0], component[0]).is_some()
        })
        .filter_map(|component| component.into_iter().min())
        .min()?;
    let mut came_from = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for next in graph.neighbors(node) {
            if next == start {
                return Some(walk_back(start, node, &came_from));
            }
            came_from.entry(next).or_insert_with(|| {
                queue.push_back(next);
                node
            });
        }
    }
    None
}

fn walk_back(
    start: NodeIndex,
    end: NodeIndex,
    came_from: &HashMap<NodeIndex, NodeIndex>,
) -> Vec<usize> {
    let mut path = vec![start.index()];
    let mut at = end;
    while at != start {
        path.push(at.index());
        at = came_from[&at];
    }
    path.push(start.index());
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::layers;

    #[test]
    fn a_node_is_one_layer_above_its_highest_dependency() {
        let layers = layers(5, &[(0, 1), (1, 2), (0, 2), (3, 2)]).expect("acyclic");
        assert_eq!(layers, [0, 1, 2, 0, 0]);
    }

    #[test]
    fn a_cycle_is_returned_as_a_closed_path() {
        assert_eq!(layers(4, &[(0, 1), (1, 2), (2, 3), (3, 1)]), Err(vec![1, 2, 3, 1]));
        assert_eq!(layers(1, &[(0, 0)]), Err(vec![0, 0]));
    }

    #[test]
    fn the_shortest_of_two_cycles_through_a_node_is_named() {
        let edges = [(0, 1), (1, 2), (2, 0), (1, 0)];
        assert_eq!(layers(3, &edges), Err(vec![0, 1, 0]));
    }
}
