//! How to read an object under the conditions of a request in as few store calls as can be.
//!
//! One call is enough for what caches and browsers mostly send: no condition, one tag in `If-None-Match`, a range, or a
//! range with a strong `If-Range`. Everything else is examined: the metadata first, then the bytes of exactly that state.

use crate::field::StrongTag;
use crate::request::Headers;
use crate::store::{Metadata, Want};
use portcullis_http_semantics::{
    EntityTag, EntityTagList, HttpDate, Preconditions, RangeRequest, RangeSpec, Validators,
    parse_range,
};

/// The conditions and the range of a request.
pub(super) struct Conditions<'a> {
    pub(super) preconditions: Preconditions<'a>,
    /// The one range asked for, if it is well-formed and `If-Range` can be read.
    pub(super) range: Option<RangeSpec>,
    /// How to read under them.
    pub(super) reading: Reading,
}

/// How to read an object.
pub(super) enum Reading {
    /// In one call, which the store decides. If it answers that the object changed, `If-Range` did not hold and the whole
    /// is wanted.
    Direct(Want),
    /// Metadata first.
    Examine,
}

impl<'a> Conditions<'a> {
    /// Reads the conditions of a GET.
    pub(super) fn of(headers: &Headers<'a>) -> Self {
        let value = |field: Option<&'a str>| field.map(str::as_bytes);
        let preconditions = Preconditions::parse(|name| match name {
            "if-match" => value(headers.if_match),
            "if-none-match" => value(headers.if_none_match),
            "if-modified-since" => value(headers.if_modified_since),
            "if-unmodified-since" => value(headers.if_unmodified_since),
            "if-range" => value(headers.if_range),
            _ => None,
        });
        let range = match parse_range(value(headers.range)) {
            RangeRequest::Single(spec) => Some(spec),
            RangeRequest::None | RangeRequest::Multiple | RangeRequest::Invalid => None,
        };
        let if_range = match (range, value(headers.if_range)) {
            (Some(_), Some(field)) => IfRange::of(field),
            _ => IfRange::Absent,
        };
        let range = range.filter(|_| !matches!(if_range, IfRange::Never));
        let reading = direct(headers, &preconditions, range, if_range);
        Self {
            preconditions,
            range,
            reading: reading.map_or(Reading::Examine, Reading::Direct),
        }
    }
}

/// What an `If-Range` asks of a store.
enum IfRange {
    Absent,
    /// It can never hold: a weak tag, or no validator at all (RFC 9110 §13.1.5).
    Never,
    Tag(StrongTag),
    Date,
}

impl IfRange {
    fn of(field: &[u8]) -> Self {
        match EntityTag::parse(field) {
            Some(tag) => StrongTag::of(tag).map_or(Self::Never, Self::Tag),
            None if HttpDate::parse(field.trim_ascii()).is_some() => Self::Date,
            None => Self::Never,
        }
    }
}

/// The one call that answers the request, if there is one.
fn direct(
    headers: &Headers<'_>,
    preconditions: &Preconditions<'_>,
    range: Option<RangeSpec>,
    if_range: IfRange,
) -> Option<Want> {
    let want = |if_match, if_none_match| Want {
        range,
        if_match,
        if_none_match,
    };
    match if_range {
        IfRange::Date => return None,
        IfRange::Tag(tag) if !preconditions.is_conditional() => return Some(want(Some(tag), None)),
        IfRange::Tag(_) => return None,
        IfRange::Absent | IfRange::Never => {}
    }
    if !preconditions.is_conditional() {
        return Some(want(None, None));
    }
    if headers.if_match.is_some() || headers.if_unmodified_since.is_some() {
        return None;
    }
    single_tag(headers.if_none_match?).map(|tag| want(None, Some(tag)))
}

/// The only tag of a list. Stores give strong tags, so comparing its text is the weak comparison that is asked for.
fn single_tag(field: &str) -> Option<StrongTag> {
    let EntityTagList::Tags(tags) = EntityTagList::parse(field.as_bytes())? else {
        return None;
    };
    let mut tags = tags.iter();
    let tag = EntityTag::strong(tags.next()?.opaque())?;
    tags.next().is_none().then(|| StrongTag::of(tag)).flatten()
}

/// The validators of an object.
pub(super) fn validators(metadata: &Metadata) -> Validators<'_> {
    Validators {
        etag: metadata.etag.as_ref().and_then(StrongTag::tag),
        last_modified: metadata
            .last_modified
            .and_then(HttpDate::from_epoch_seconds),
    }
}
