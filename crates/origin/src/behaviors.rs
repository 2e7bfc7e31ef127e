//! Which behavior governs a path: CloudFront's rule, the first pattern that matches, at a cost that hardly grows with the
//! number of behaviors.
//!
//! Patterns hang in a tree of the characters before their first wildcard, so only those that can match are tried.

use crate::object_path::ObjectPath;
use portcullis_site::{Behavior, PathPattern};

/// The behaviors of a site, in order, and the tree over their patterns.
#[derive(Debug)]
pub struct Behaviors {
    list: Vec<Behavior>,
    nodes: Vec<Node>,
}

/// The tree's nodes after one run of literal characters.
#[derive(Debug, Default)]
struct Node {
    /// Next byte and node, in the order of the bytes.
    next: Vec<(u8, u32)>,
    /// Patterns whose literal characters end here, in the order of the behaviors.
    patterns: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    behavior: u32,
    rest: Rest,
}

/// What follows a pattern's literal characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nothing: the path must end.
    End,
    /// A final `*`: anything.
    Anything,
    /// More: the whole pattern is matched.
    Pattern,
}

impl Behaviors {
    /// A table of `behaviors`, whose last one matches everything.
    #[must_use]
    pub fn new(behaviors: &[Behavior]) -> Self {
        let mut table = Self {
            list: behaviors.to_vec(),
            nodes: vec![Node::default()],
        };
        for (index, behavior) in behaviors.iter().enumerate() {
            table.insert(u32::try_from(index).unwrap_or(u32::MAX), &behavior.path);
        }
        table
    }

    fn insert(&mut self, behavior: u32, pattern: &PathPattern) {
        let literal = pattern.literal_prefix();
        let node = literal.bytes().fold(0, |node, byte| self.step(node, byte));
        let rest = match pattern.as_str().get(literal.len()..) {
            None | Some("") => Rest::End,
            Some("*") => Rest::Anything,
            Some(_) => Rest::Pattern,
        };
        if let Some(node) = self.nodes.get_mut(node) {
            node.patterns.push(Candidate { behavior, rest });
        }
    }

    /// The node after `byte`, made if it is not there.
    fn step(&mut self, node: usize, byte: u8) -> usize {
        let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let Some(next) = self.nodes.get_mut(node).map(|n| &mut n.next) else {
            return 0;
        };
        match next.binary_search_by_key(&byte, |(b, _)| *b) {
            Ok(at) => next.get(at).map_or(0, |(_, node)| *node as usize),
            Err(at) => {
                next.insert(at, (byte, fresh));
                self.nodes.push(Node::default());
                fresh as usize
            }
        }
    }

    /// The first behavior whose pattern matches, and its index. `None` only for a table without a default behavior.
    #[must_use]
    pub fn of(&self, path: &ObjectPath<'_>) -> Option<(usize, &Behavior)> {
        let sent = path.sent();
        let mut first = u32::MAX;
        let mut node = self.nodes.first()?;
        let mut rest = sent.as_bytes().iter();
        loop {
            let ended = rest.as_slice().is_empty();
            let matched = node
                .patterns
                .iter()
                .take_while(|c| c.behavior < first)
                .find(|c| match c.rest {
                    Rest::End => ended,
                    Rest::Anything => true,
                    Rest::Pattern => self
                        .list
                        .get(c.behavior as usize)
                        .is_some_and(|b| b.path.matches(sent)),
                });
            first = matched.map_or(first, |c| c.behavior);
            let Some(byte) = rest.next() else { break };
            let Ok(at) = node.next.binary_search_by_key(byte, |(b, _)| *b) else {
                break;
            };
            let Some(next) = node
                .next
                .get(at)
                .and_then(|(_, n)| self.nodes.get(*n as usize))
            else {
                break;
            };
            node = next;
        }
        let index = first as usize;
        self.list.get(index).map(|behavior| (index, behavior))
    }

    /// The behaviors in order.
    #[must_use]
    pub fn list(&self) -> &[Behavior] {
        &self.list
    }
}

#[cfg(test)]
mod tests;
