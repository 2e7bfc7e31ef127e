//! An answer in the form every front can send: a status, headers and a body that is empty, whole or streamed.

use crate::field::FieldValue;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use std::borrow::Cow;

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// No bytes.
    Empty,
    /// All bytes, checked.
    Whole(Bytes),
    /// `length` bytes to come, if that is known.
    Stream {
        /// The number of bytes, if it is known before the end.
        length: Option<u64>,
        /// The bytes; it ends with an error if the rest will not come.
        bytes: UnsyncBoxBody<Bytes, BodyError>,
    },
}

/// A streamed body that cannot be finished: the front must break the response visibly, never end it cleanly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body cannot be finished")]
pub struct BodyError;

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers by lower-case name; no name stands twice.
    pub headers: Vec<(Cow<'static, str>, FieldValue)>,
    /// The body.
    pub body: Body,
}

impl Response {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&FieldValue> {
        self.headers
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// Sets a header, replacing an earlier value.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: FieldValue) {
        let name = name.into();
        match self.headers.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name, value)),
        }
    }
}
