//! Conditional requests (RFC 9110 §13): does a request proceed, is its answer `304`, or is it `412`; and does its
//! `Range` apply.
//!
//! [`Preconditions::evaluate`] is for a representation that exists and that the viewer may see. A request whose answer
//! would be neither a success nor `412` ignores its conditions (§13.2.1), so a missing or a refused object is decided
//! before this is asked; otherwise a `304` would tell that it exists.
//!
//! Conditions that cannot be read are never taken as true. A malformed or overlong `If-Match` fails, a malformed
//! `If-None-Match` matches nothing, an invalid date is ignored (§13.1.3, §13.1.4), a malformed `If-Range` makes the
//! `Range` ignored.

use crate::date::HttpDate;
use crate::etag::{EntityTag, EntityTagList};
use crate::field::trim_ows;
use crate::method::Method;

/// What identifies the current state of a representation (RFC 9110 §8.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validators<'a> {
    /// `ETag`.
    pub etag: Option<EntityTag<'a>>,
    /// `Last-Modified`.
    pub last_modified: Option<HttpDate>,
}

/// The outcome of a request's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Perform the request.
    Proceed,
    /// Answer `304 (Not Modified)`.
    NotModified,
    /// Answer `412 (Precondition Failed)`.
    Failed,
}

/// The conditions a request carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preconditions<'a> {
    if_match: Option<TagCondition<'a>>,
    if_unmodified_since: Option<HttpDate>,
    if_none_match: Option<TagCondition<'a>>,
    if_modified_since: Option<HttpDate>,
    if_range: Option<IfRange<'a>>,
}

/// A condition on entity tags. A present field that cannot be read still takes precedence over its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TagCondition<'a> {
    List(EntityTagList<'a>),
    Malformed,
}

/// The validator of `If-Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfRange<'a> {
    Tag(EntityTag<'a>),
    Date(HttpDate),
    Malformed,
}

impl<'a> Preconditions<'a> {
    /// Reads the conditions through `field`, which gives the value of a field by its lower-case name.
    pub fn parse(field: impl Fn(&str) -> Option<&'a [u8]>) -> Self {
        let date = |name| field(name).and_then(|value| HttpDate::parse(trim_ows(value)));
        Self {
            if_match: field("if-match").map(TagCondition::parse),
            if_unmodified_since: date("if-unmodified-since"),
            if_none_match: field("if-none-match").map(TagCondition::parse),
            if_modified_since: date("if-modified-since"),
            if_range: field("if-range").map(IfRange::parse),
        }
    }

    /// Whether the request carries a condition that [`evaluate`](Self::evaluate) would look at.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.if_match.is_some()
            || self.if_none_match.is_some()
            || self.if_unmodified_since.is_some()
            || self.if_modified_since.is_some()
    }

    /// Evaluates the conditions against an existing representation, in the order of RFC 9110 §13.2.2.
    #[must_use]
    pub fn evaluate(&self, method: Method, current: &Validators<'_>) -> Precondition {
        if !self.expected_state(current) {
            return Precondition::Failed;
        }
        if !self.has_current_copy(method, current) {
            return Precondition::Proceed;
        }
        if method.retrieves() {
            Precondition::NotModified
        } else {
            Precondition::Failed
        }
    }

    /// Steps 1 and 2: is the representation in the state the client expects?
    fn expected_state(&self, current: &Validators<'_>) -> bool {
        match (self.if_match, self.if_unmodified_since) {
            // RFC 9110 §13.1.1: the comparison is strong.
            (Some(condition), _) => condition.names(current, EntityTag::strong_eq),
            // RFC 9110 §13.1.4: ignored when If-Match is present, or when no modification date is known.
            (None, Some(since)) => current
                .last_modified
                .is_none_or(|modified| modified <= since),
            (None, None) => true,
        }
    }

    /// Steps 3 and 4: does the client already hold the representation?
    fn has_current_copy(&self, method: Method, current: &Validators<'_>) -> bool {
        match (self.if_none_match, self.if_modified_since) {
            // RFC 9110 §13.1.2: the comparison is weak.
            (Some(condition), _) => condition.names(current, EntityTag::weak_eq),
            // RFC 9110 §13.1.3: ignored when If-None-Match is present, for other methods, or without a date.
            (None, Some(since)) => {
                method.retrieves() && current.last_modified.is_some_and(|m| m <= since)
            }
            (None, None) => false,
        }
    }

    /// Step 5: whether a `Range` of the request applies, given that the conditions let it proceed.
    ///
    /// Only `GET` has ranges (RFC 9110 §14.2). An `If-Range` must name the current representation exactly: a tag by
    /// strong comparison, a date by equality; else the `Range` is ignored and the whole is sent (§13.1.5).
    #[must_use]
    pub fn range_applies(&self, method: Method, current: &Validators<'_>) -> bool {
        method == Method::Get
            && match self.if_range {
                None => true,
                Some(IfRange::Tag(tag)) => current.etag.is_some_and(|etag| etag.strong_eq(tag)),
                Some(IfRange::Date(date)) => current.last_modified == Some(date),
                Some(IfRange::Malformed) => false,
            }
    }
}

impl<'a> TagCondition<'a> {
    fn parse(value: &'a [u8]) -> Self {
        EntityTagList::parse(value).map_or(Self::Malformed, Self::List)
    }

    /// Whether the condition names the current representation under the given comparison.
    fn names(
        self,
        current: &Validators<'_>,
        equal: impl Fn(EntityTag<'a>, EntityTag<'_>) -> bool,
    ) -> bool {
        match self {
            Self::List(EntityTagList::Any) => true,
            Self::List(EntityTagList::Tags(tags)) => current
                .etag
                .is_some_and(|etag| tags.iter().any(|tag| equal(tag, etag))),
            Self::Malformed => false,
        }
    }
}

impl<'a> IfRange<'a> {
    fn parse(value: &'a [u8]) -> Self {
        let value = trim_ows(value);
        let tag = EntityTag::parse(value).map(Self::Tag);
        tag.or_else(|| HttpDate::parse(value).map(Self::Date))
            .unwrap_or(Self::Malformed)
    }
}

#[cfg(test)]
mod tests;
