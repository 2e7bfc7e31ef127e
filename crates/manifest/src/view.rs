//! A checked value on its way to a type: every accessor gives `None` where the file says nothing or says it wrongly, which
//! the check has reported already.

use crate::check::number;
use crate::node::{Kind, Node, Span};
use crate::text::duration;
use portcullis_site::Seconds;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

/// A value, or the place where none is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'n>(Option<&'n Node>);

impl<'n> View<'n> {
    pub(crate) fn of(node: &'n Node) -> Self {
        Self(Some(node))
    }

    pub(crate) fn node(self) -> Option<&'n Node> {
        self.0
    }

    /// The value of a key.
    pub(crate) fn get(self, key: &str) -> Self {
        Self(
            self.0
                .and_then(|node| node.entry(key))
                .map(|entry| &entry.value),
        )
    }

    /// Whether something is written here, right or wrong.
    pub(crate) fn is_present(self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn is_list(self) -> bool {
        self.0.is_some_and(|node| matches!(node.kind, Kind::Seq(_)))
    }

    pub(crate) fn is_map(self) -> bool {
        self.0.is_some_and(|node| matches!(node.kind, Kind::Map(_)))
    }

    pub(crate) fn span(self) -> Span {
        self.0.map_or(Span::START, |node| node.span)
    }

    /// The items of a list.
    pub(crate) fn items(self) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        self.0.map_or(&[][..], Node::items).iter().map(Self::of)
    }

    /// The keys and values of a map.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'n str, Self)> {
        self.0
            .map_or(&[][..], Node::entries)
            .iter()
            .map(|entry| (entry.key.as_str(), Self::of(&entry.value)))
    }

    pub(crate) fn text(self) -> Option<&'n str> {
        match &self.0?.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text as a type with a constructor of its own.
    pub(crate) fn parse<T, E>(
        self,
        constructor: impl FnOnce(&'n str) -> Result<T, E>,
    ) -> Option<T> {
        constructor(self.text()?).ok()
    }

    /// The text as one of an enum's words, by the names it is serialized with.
    pub(crate) fn word<T: Deserialize<'n>>(self) -> Option<T> {
        let words: StrDeserializer<'n, Error> = self.text()?.into_deserializer();
        T::deserialize(words).ok()
    }

    pub(crate) fn seconds(self) -> Option<Seconds> {
        duration::seconds(self.text()?)
    }

    /// The duration, or so many seconds.
    pub(crate) fn seconds_or(self, default: u64) -> Seconds {
        self.seconds().unwrap_or(Seconds::of(default))
    }

    pub(crate) fn flag(self) -> Option<bool> {
        match self.text()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn number<T: TryFrom<u64>>(self) -> Option<T> {
        T::try_from(number(self.text()?)?).ok()
    }

    /// The items that can be read.
    pub(crate) fn list<T>(self, item: impl Fn(Self) -> Option<T>) -> Vec<T> {
        self.items().filter_map(item).collect()
    }

    /// The texts of a list.
    pub(crate) fn texts(self) -> Vec<String> {
        self.list(|item| item.text().map(str::to_owned))
    }
}
