//! A JSON text that is lent where it can be, and the list of texts that stands for a repeated header.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A text of the event: part of it, or a copy of what JSON had to escape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn owned(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last comma, without the white space around it.
    pub(super) fn last_entry(self) -> Self {
        fn last(list: &str) -> &str {
            list.rsplit(',').next().unwrap_or_default().trim_ascii()
        }
        match self.0 {
            Cow::Borrowed(list) => Self(Cow::Borrowed(last(list))),
            Cow::Owned(list) => Self(Cow::Owned(last(&list).to_owned())),
        }
    }

    /// Adds another value of the same header.
    pub(super) fn append(&mut self, separator: &str, more: &str) {
        let text = self.0.to_mut();
        text.push_str(separator);
        text.push_str(more);
    }
}

/// A text, if there is one.
pub(super) fn lent<'r>(text: &'r Option<Text<'_>>) -> Option<&'r str> {
    text.as_ref().map(Text::as_str)
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneText;
        impl<'de> Visitor<'de> for OneText {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text::owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(OneText)
    }
}

/// One value, a list of values, or `null` for none.
#[derive(Clone, Copy)]
pub(super) struct Values {
    /// What a list is joined with.
    pub(super) separator: &'static str,
}

impl<'de> DeserializeSeed<'de> for Values {
    type Value = Option<Text<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Option<Text<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list of texts or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Text::owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values: Option<Text<'de>> = None;
        while let Some(next) = list.next_element::<Text<'de>>()? {
            match &mut values {
                None => values = Some(next),
                Some(values) => values.append(self.separator, next.as_str()),
            }
        }
        Ok(values)
    }
}
