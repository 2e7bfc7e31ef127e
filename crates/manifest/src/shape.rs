//! The declaration of what a manifest may say, in one form for the check of a file and for the JSON Schema.
//!
//! Always holds: whatever is declared here is checked, and whatever is checked is declared here; a key that stands in no
//! table does not exist. Deliberately absent: what holds between keys, which `Site::validate` knows.

use crate::codes::Code;

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// One word or text of a kind.
    Text(&'static Text),
    /// One of a few words.
    Word(&'static [Word]),
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number { min: u64, max: u64 },
    /// A list of at least one item.
    List(&'static Shape),
    /// A map from the site's own names to values.
    Named {
        names: &'static Text,
        values: &'static Shape,
    },
    /// A map with known keys.
    Record(&'static Record),
    /// One of several shapes, told apart by being a single value, a list or a map; each stands at most once.
    Either(&'static [Shape]),
}

/// A word of a closed list and what it means.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) word: &'static str,
    pub(crate) about: &'static str,
}

/// A map with known keys.
#[derive(Debug)]
pub(crate) struct Record {
    /// What a schema calls it if it stands in several places; else empty.
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [Key],
    /// Exactly one of these keys is present; empty if there is no such choice.
    pub(crate) one_of: &'static [&'static str],
}

/// One key of a record.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// What it means, as an editor shows it.
    pub(crate) about: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

/// A kind of text with its own rule.
pub(crate) struct Text {
    /// What a schema calls it.
    pub(crate) name: &'static str,
    /// What is expected, as a phrase that follows "expected".
    pub(crate) expected: &'static str,
    pub(crate) code: Code,
    /// A regular expression that every accepted text matches; empty where `words` are all there are.
    pub(crate) pattern: &'static str,
    /// Words an editor offers.
    pub(crate) words: fn() -> Vec<String>,
    pub(crate) check: fn(&str) -> Result<(), Mistake>,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.expected)
    }
}

/// Why a text is refused.
#[derive(Debug, Default)]
pub(crate) struct Mistake {
    /// More than "this is not what is expected", if there is more to say.
    pub(crate) message: Option<String>,
    /// The text that was probably meant.
    pub(crate) nearest: Option<String>,
}

impl Record {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// A key that may be left out.
pub(crate) const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        about,
        required: false,
        shape,
    }
}

/// A key that must be there.
pub(crate) const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        about,
        required: true,
        shape,
    }
}

/// A map in which no keys exclude each other.
pub(crate) const fn record(keys: &'static [Key]) -> Record {
    Record {
        name: "",
        keys,
        one_of: &[],
    }
}

/// A word and its meaning.
pub(crate) const fn word(word: &'static str, about: &'static str) -> Word {
    Word { word, about }
}
