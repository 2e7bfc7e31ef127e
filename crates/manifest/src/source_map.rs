//! Where each part of a compiled site stands in the file.
//!
//! Pointers speak the site's structure, which is the manifest's except that the statements of a policy are numbered
//! directly beneath its name. The longest part of a pointer that exists is the place.

use crate::diagnostic::Place;
use crate::node::{Kind, Node, Span};
use crate::read::policies::statements;
use crate::view::View;

/// The places of one manifest.
#[derive(Debug, Clone)]
pub struct SourceMap {
    root: Node,
}

impl SourceMap {
    pub(crate) fn new(root: Node) -> Self {
        Self { root }
    }

    /// The place of a statement, counted from 0, of a policy.
    #[must_use]
    pub fn statement(&self, policy: &str, index: usize) -> Option<Place> {
        self.exact(&["policies", policy, &index.to_string()])
    }

    /// The place of a behavior, counted from 0.
    #[must_use]
    pub fn behavior(&self, index: usize) -> Option<Place> {
        self.exact(&["behaviors", &index.to_string()])
    }

    /// The place of the longest part of `pointer` that exists; of nothing, the beginning.
    #[must_use]
    pub fn pointer<S: AsRef<str>>(&self, pointer: &[S]) -> Place {
        self.walk(pointer).0.place
    }

    /// The place of `pointer` if all of it exists.
    #[must_use]
    pub fn exact<S: AsRef<str>>(&self, pointer: &[S]) -> Option<Place> {
        let (span, steps, _) = self.walk(pointer);
        (steps == pointer.len()).then_some(span.place)
    }

    /// What a diagnostic about `pointer` underlines: a single value itself, of anything larger its key.
    pub(crate) fn span<S: AsRef<str>>(&self, pointer: &[S]) -> Span {
        self.walk(pointer).0
    }

    /// What is underlined for the item `word` of the list at `pointer`.
    pub(crate) fn item<S: AsRef<str>>(&self, pointer: &[S], word: &str) -> Option<Span> {
        let (_, steps, node) = self.walk(pointer);
        let items = Some(node).filter(|_| steps == pointer.len())?.items();
        items
            .iter()
            .find(|item| View::of(item).text() == Some(word))
            .map(|item| item.span)
    }

    fn walk<S: AsRef<str>>(&self, pointer: &[S]) -> (Span, usize, &Node) {
        let mut node = &self.root;
        let mut span = Span::START;
        for (taken, step) in pointer.iter().enumerate() {
            let parent = match pointer.first().map(AsRef::as_ref) {
                Some("policies") if taken == 2 => statements(View::of(node)).node().unwrap_or(node),
                _ => node,
            };
            let Some((next, at)) = child(parent, step.as_ref()) else {
                return (span, taken, node);
            };
            (node, span) = (next, at);
        }
        (span, pointer.len(), node)
    }
}

fn child<'n>(node: &'n Node, step: &str) -> Option<(&'n Node, Span)> {
    if let Kind::Seq(items) = &node.kind {
        let item = items.get(step.parse::<usize>().ok()?)?;
        return Some((item, item.span));
    }
    let entry = node.entry(step)?;
    let single = matches!(entry.value.kind, Kind::Scalar { .. });
    Some((
        &entry.value,
        if single { entry.value.span } else { entry.span },
    ))
}
