//! The manifest as a tree of values that know where they stand.
//!
//! Always holds: a scalar is text, whatever it looks like, so `NO` is never a boolean and `012` never a number; keys keep
//! their order and their duplicates. Deliberately absent: types and meaning, which the shapes give.

use crate::diagnostic::Place;

/// A range of one line: where something begins and how many characters of that line it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) place: Place,
    /// At least 1.
    pub(crate) width: u32,
}

impl Span {
    pub(crate) const START: Self = Self {
        place: Place { line: 1, column: 1 },
        width: 1,
    };
}

/// One value.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What kind of value it is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Any scalar; `plain` when it is written without quotes and not as a block.
    Scalar {
        text: String,
        plain: bool,
    },
    Seq(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that was refused where it was read; whatever asks for it gets nothing and says nothing more.
    Refused,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// The first entry of that key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a map; of anything else none.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; of anything else none.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Seq(items) => items,
            _ => &[],
        }
    }

    /// Whether this is how YAML writes "nothing": an empty value, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What an error message calls it.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            _ if self.is_null() => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::Seq(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Refused => "a refused value",
        }
    }
}
