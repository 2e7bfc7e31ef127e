//! A plain bucket: which objects may answer a path, in which order, and what the answer looks like.
//!
//! For `/dir/` it is the index document, for `/guide` the object of that name and then, with clean URLs, `guide.html`;
//! each in the codings the client accepts. A bare `/dir` with an index is redirected to `/dir/`, so that relative links
//! in it hold. Always holds: the query is not looked at; what another behavior governs is never served (rule A5.3).

use super::calls::Calls;
use super::conditions::Conditions;
use super::headers::{Presentation, representation, set_lifetime, validators};
use super::lifetime::{Lifetime, Stated, VersionedName};
use super::object::{self, Read};
use super::outcome::{OriginFault, Outcome};
use super::plain::{plain, redirect};
use super::reply::{Content, Reply};
use super::{Exchange, Ports, media_type, variant};
use crate::field::FieldValue;
use crate::object_path::{ObjectKey, ObjectPath};
use crate::request::Method;
use crate::store::{Metadata, ObjectRef};
use portcullis_http_semantics::range::unsatisfied_content_range;
use portcullis_http_semantics::{ByteRange, Coding};
use portcullis_site::{Bucket, KeyPrefix};

/// A bucket as the site configures it.
pub(super) struct BucketOrigin<'a> {
    pub(super) bucket: &'a Bucket,
    pub(super) prefix: &'a KeyPrefix,
    /// The document that answers for a directory.
    pub(super) index: Option<&'a str>,
    /// Whether `/guide` may be `guide.html`.
    pub(super) clean_urls: bool,
    /// Whether variants lie beside the objects.
    pub(super) precompressed: bool,
    /// Whether the objects come from others.
    pub(super) uploads: bool,
}

/// An object that may answer.
struct Candidate<'a> {
    path: &'a ObjectPath<'a>,
    coding: Coding,
    key: ObjectKey,
    /// Whether its name proves its bytes.
    versioned: Option<VersionedName>,
}

/// Answers a GET, HEAD or OPTIONS that is no preflight.
pub(super) async fn ask<P: Ports>(
    calls: &Calls<'_, P>,
    exchange: &Exchange<'_>,
    origin: &BucketOrigin<'_>,
) -> Result<Reply, OriginFault> {
    if exchange.method == Method::Options {
        return Ok(Reply::of(
            Outcome::Preflight,
            super::decorate::options(exchange.target.behavior),
        ));
    }
    let conditions = Conditions::of(&exchange.request.headers);
    for path in candidates(exchange, origin) {
        for coding in codings(exchange, origin, &path) {
            let Some(key) = variant::key(&exchange.target, origin.prefix, &path, coding) else {
                continue;
            };
            let object = ObjectRef {
                bucket: origin.bucket.clone(),
                key,
            };
            match object::read(calls, &object, exchange.method, &conditions).await? {
                Read::Missing => {}
                found => {
                    let digest = NamedDigest::of(&found, coding, path.file_name());
                    let candidate = Candidate {
                        path: &path,
                        coding,
                        key: object.key,
                        versioned: versioned(calls, origin, &path, digest).await?,
                    };
                    return Ok(answer(exchange, origin, candidate, found));
                }
            }
        }
    }
    match bare_directory(calls, exchange, origin).await? {
        Some(location) => Ok(Reply::of(Outcome::Redirected, redirect(308, location))),
        None => Ok(Reply::missing()),
    }
}

/// The paths whose objects may answer, in order.
fn candidates(exchange: &Exchange<'_>, origin: &BucketOrigin<'_>) -> Vec<ObjectPath<'static>> {
    let path = exchange.target.path;
    let derived = |suffix: &str| {
        let derived = path.with_suffix(suffix).ok();
        derived.filter(|derived| exchange.target.governs(derived))
    };
    if path.is_directory() {
        return origin.index.and_then(derived).into_iter().collect();
    }
    let is_page = origin.clean_urls && may_be_page(path);
    let page = is_page.then(|| derived(".html")).flatten();
    std::iter::once(path.clone().into_owned())
        .chain(page)
        .collect()
}

/// Whether a path may stand for a page or a directory. A name with a known type is that object or nothing: a page must
/// never answer for a script (group R11).
fn may_be_page(path: &ObjectPath<'_>) -> bool {
    !path.is_directory() && media_type::by_name(path.file_name()).is_none()
}

fn codings(
    exchange: &Exchange<'_>,
    origin: &BucketOrigin<'_>,
    path: &ObjectPath<'_>,
) -> Vec<Coding> {
    if origin.precompressed {
        variant::order(exchange.request.headers.accept_encoding, path)
    } else {
        vec![Coding::Identity]
    }
}

/// Where a bare directory is: `/dir/` for `/dir`, if its index exists.
///
/// A directory that another behavior governs is redirected to unseen: that behavior decides when the viewer gets there,
/// and whether anything is there is not told before (rule A5.3).
async fn bare_directory<P: Ports>(
    calls: &Calls<'_, P>,
    exchange: &Exchange<'_>,
    origin: &BucketOrigin<'_>,
) -> Result<Option<FieldValue>, OriginFault> {
    let Exchange { target, .. } = exchange;
    let Some(index) = origin.index.filter(|_| may_be_page(target.path)) else {
        return Ok(None);
    };
    let Ok(directory) = target.path.with_suffix("/") else {
        return Ok(None);
    };
    let location = FieldValue::new(directory.sent().as_bytes()).ok();
    if !target.governs(&directory) {
        return Ok(location);
    }
    let document = directory
        .with_suffix(index)
        .ok()
        .filter(|d| target.governs(d));
    let Some(key) = document.and_then(|document| document.key(origin.prefix)) else {
        return Ok(None);
    };
    let object = ObjectRef {
        bucket: origin.bucket.clone(),
        key,
    };
    Ok(calls.head(&object).await?.and(location))
}

fn answer(
    exchange: &Exchange<'_>,
    origin: &BucketOrigin<'_>,
    candidate: Candidate<'_>,
    read: Read,
) -> Reply {
    let reply = match read {
        Read::Missing => Reply::missing(),
        Read::PreconditionFailed => Reply::of(
            Outcome::PreconditionFailed,
            plain(412, "A precondition does not hold.\n"),
        ),
        Read::Unsatisfiable(size) => Reply::of(Outcome::Unsatisfiable, unsatisfiable(size)),
        Read::NotModified(metadata) => not_modified(exchange, origin, &candidate, &metadata),
        Read::Found {
            metadata,
            part,
            body,
        } => {
            let mut reply = found(exchange, origin, &candidate, &metadata, part);
            reply.content = Some(Content {
                length: Some(part.map_or(metadata.size, ByteRange::len)),
                streamable: part.is_none() && reply.head.header("content-encoding").is_none(),
                body,
            });
            reply
        }
    };
    Reply {
        path: Some(candidate.path.clone().into_owned()),
        key: Some(candidate.key),
        ..reply
    }
}

fn unsatisfiable(size: Option<u64>) -> crate::response::Response {
    let mut response = plain(416, "The range lies outside.\n");
    let range = size.map(unsatisfied_content_range);
    if let Some(value) = range.and_then(|range| FieldValue::new(range.as_bytes()).ok()) {
        response.set("content-range", value);
    }
    response
}

/// RFC 9110 §15.4.5: what a 200 would have said of validators, lifetime and negotiation.
///
/// A store may say less of an object in a 304. If it states no lifetime, the answer states none either and a cache keeps
/// what it was told with the bytes.
fn not_modified(
    exchange: &Exchange<'_>,
    origin: &BucketOrigin<'_>,
    candidate: &Candidate<'_>,
    metadata: &Metadata,
) -> Reply {
    let mut response = validators(304, metadata, origin.precompressed);
    let stated = Stated::by_object(metadata, exchange.now);
    let versioned = candidate.versioned;
    let uncached = exchange.target.behavior.caching == portcullis_site::Caching::Disabled;
    if stated.says_anything() || versioned.is_some() || uncached {
        set_lifetime(&mut response, &lifetime(exchange, stated, versioned));
    }
    Reply::of(Outcome::NotModified, response)
}

fn found(
    exchange: &Exchange<'_>,
    origin: &BucketOrigin<'_>,
    candidate: &Candidate<'_>,
    metadata: &Metadata,
    part: Option<ByteRange>,
) -> Reply {
    let (status, outcome) = match part {
        Some(_) => (206, Outcome::Partial),
        None => (200, Outcome::Full),
    };
    let as_asked = Presentation {
        file_name: candidate.path.file_name(),
        coding: candidate.coding,
        negotiated: origin.precompressed,
        uploads: origin.uploads,
    };
    let (mut response, dropped) = representation(status, metadata, &as_asked);
    let stated = Stated::by_object(metadata, exchange.now);
    let lifetime = lifetime(exchange, stated, candidate.versioned);
    set_lifetime(&mut response, &lifetime);
    if let Some(part) = part {
        response.set("content-range", FieldValue::from(part));
    }
    Reply {
        dropped,
        ..Reply::of(outcome, response)
    }
}

fn lifetime(exchange: &Exchange<'_>, stated: Stated, versioned: Option<VersionedName>) -> Lifetime {
    let target = &exchange.target;
    Lifetime::of(target.site, target.behavior, stated, versioned)
}

/// The digest that the name of an object may hold.
enum NamedDigest {
    /// The object's own, if the store keeps one.
    Own(Option<[u8; 32]>),
    /// That of the object beside a variant, which is still to be looked up.
    Beside,
}

impl NamedDigest {
    /// A variant holds other bytes of the same content, so it is the object beside it whose digest its name may hold; a
    /// look-up is worth its call only if the name may hold one at all.
    fn of(read: &Read, coding: Coding, file_name: &str) -> Self {
        match read {
            Read::Found { metadata, .. } | Read::NotModified(metadata)
                if coding == Coding::Identity =>
            {
                Self::Own(metadata.sha256)
            }
            Read::Found { .. } | Read::NotModified(_) if VersionedName::is_plausible(file_name) => {
                Self::Beside
            }
            _ => Self::Own(None),
        }
    }
}

/// Whether the name proves the bytes.
async fn versioned<P: Ports>(
    calls: &Calls<'_, P>,
    origin: &BucketOrigin<'_>,
    path: &ObjectPath<'_>,
    digest: NamedDigest,
) -> Result<Option<VersionedName>, OriginFault> {
    let digest = match (digest, path.key(origin.prefix)) {
        (NamedDigest::Own(digest), _) => digest,
        (NamedDigest::Beside, None) => None,
        (NamedDigest::Beside, Some(key)) => {
            let bucket = origin.bucket.clone();
            let object = calls.head(&ObjectRef { bucket, key }).await?;
            object.and_then(|metadata| metadata.sha256)
        }
    };
    Ok(digest.and_then(|digest| VersionedName::prove(path.file_name(), &digest)))
}
