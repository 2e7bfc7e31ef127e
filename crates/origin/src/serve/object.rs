//! One object read under the conditions of a request: the outcome of RFC 9110 §13.2.2 in one store call where it can be,
//! in two where it must.

use super::Ports;
use super::body::{Promise, verified};
use super::calls::Calls;
use super::conditions::{Conditions, Reading, validators};
use super::outcome::OriginFault;
use super::reply::PendingBody;
use crate::request::Method;
use crate::store::{Fetched, Metadata, Object, ObjectRef, Want};
use portcullis_http_semantics::{
    ByteRange, Method as HttpMethod, Precondition, RangeSpec, Resolved,
};

/// What a read came to.
pub(super) enum Read {
    /// There is no such object.
    Missing,
    /// The client has it; what the store says of it may be less than all.
    NotModified(Metadata),
    /// A precondition does not hold.
    PreconditionFailed,
    /// The range lies outside an object of that size, if the store says it.
    Unsatisfiable(Option<u64>),
    /// The object or a part of it; no body for HEAD.
    Found {
        metadata: Metadata,
        part: Option<ByteRange>,
        body: Option<PendingBody>,
    },
}

/// Reads `object`.
pub(super) async fn read<P: Ports>(
    calls: &Calls<'_, P>,
    object: &ObjectRef,
    method: Method,
    conditions: &Conditions<'_>,
) -> Result<Read, OriginFault> {
    match (&conditions.reading, method) {
        (Reading::Direct(want), Method::Get) => direct(calls, object, want).await,
        _ => examine(calls, object, method, conditions).await,
    }
}

async fn direct<P: Ports>(
    calls: &Calls<'_, P>,
    object: &ObjectRef,
    want: &Want,
) -> Result<Read, OriginFault> {
    match calls.get(object, want).await? {
        // If-Range does not hold: the whole (RFC 9110 §13.1.5).
        Fetched::Changed if want.if_match.is_some() => {
            calls.look_again()?;
            let whole = Want::default();
            let fetched = calls.get(object, &whole).await?;
            understood(calls, object, &whole, fetched).await
        }
        Fetched::NotModified(metadata) if want.if_none_match.is_some() => {
            Ok(Read::NotModified(Metadata {
                etag: metadata.etag.or_else(|| want.if_none_match.clone()),
                ..metadata
            }))
        }
        fetched => understood(calls, object, want, fetched).await,
    }
}

async fn examine<P: Ports>(
    calls: &Calls<'_, P>,
    object: &ObjectRef,
    method: Method,
    conditions: &Conditions<'_>,
) -> Result<Read, OriginFault> {
    loop {
        let Some(metadata) = calls.head(object).await? else {
            return Ok(Read::Missing);
        };
        let current = validators(&metadata);
        // HEAD and GET meet the same conditions; only GET has ranges.
        match conditions.preconditions.evaluate(HttpMethod::Get, &current) {
            Precondition::Failed => return Ok(Read::PreconditionFailed),
            Precondition::NotModified => return Ok(Read::NotModified(metadata)),
            Precondition::Proceed => {}
        }
        if method != Method::Get {
            return Ok(Read::Found {
                metadata,
                part: None,
                body: None,
            });
        }
        let applies = conditions
            .preconditions
            .range_applies(HttpMethod::Get, &current);
        let want = Want {
            range: conditions.range.filter(|_| applies),
            if_match: metadata.etag.clone(),
            if_none_match: None,
        };
        match calls.get(object, &want).await? {
            Fetched::Changed => calls.look_again()?,
            fetched => return understood(calls, object, &want, fetched).await,
        }
    }
}

/// What a store's answer means, if it fits what was wanted.
async fn understood<P: Ports>(
    calls: &Calls<'_, P>,
    object: &ObjectRef,
    want: &Want,
    fetched: Fetched,
) -> Result<Read, OriginFault> {
    match fetched {
        Fetched::Full(Object { metadata, body }) if is_wanted(want, &metadata) => {
            let promise = Promise {
                first: 0,
                length: metadata.size,
                etag: metadata.etag.clone(),
                sha256: metadata.sha256,
            };
            Ok(Read::Found {
                part: None,
                body: Some(verified(body, promise, calls.resume(object))),
                metadata,
            })
        }
        Fetched::Partial {
            object: Object { metadata, body },
            first,
            last,
        } if is_wanted(want, &metadata) => {
            let part = part(want.range, &metadata, first, last).ok_or(OriginFault::Malformed)?;
            let promise = Promise {
                first,
                length: part.len(),
                etag: metadata.etag.clone(),
                sha256: None,
            };
            Ok(Read::Found {
                part: Some(part),
                body: Some(verified(body, promise, calls.resume(object))),
                metadata,
            })
        }
        Fetched::Unsatisfiable { size } if want.range.is_some() => {
            let size = match size {
                Some(size) => Some(size),
                None => calls.head(object).await?.map(|metadata| metadata.size),
            };
            Ok(Read::Unsatisfiable(size))
        }
        Fetched::Missing => Ok(Read::Missing),
        Fetched::Full(_)
        | Fetched::Partial { .. }
        | Fetched::NotModified(_)
        | Fetched::Changed
        | Fetched::Unsatisfiable { .. } => Err(OriginFault::Malformed),
    }
}

/// Whether this is the object that was asked for.
fn is_wanted(want: &Want, metadata: &Metadata) -> bool {
    want.if_match.is_none() || want.if_match == metadata.etag
}

/// The part that was asked for, if it is the part that came.
fn part(asked: Option<RangeSpec>, metadata: &Metadata, first: u64, last: u64) -> Option<ByteRange> {
    match asked?.resolve(metadata.size) {
        Resolved::Satisfiable(range) if (range.first(), range.last()) == (first, last) => {
            Some(range)
        }
        _ => None,
    }
}
