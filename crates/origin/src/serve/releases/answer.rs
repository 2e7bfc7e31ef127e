//! What a release answers: a file under the conditions of the request, a redirect, a 404, each with the site's headers and
//! cache tags.
//!
//! Always holds: conditions and ranges are met by what the manifest says, whose entity tag is the object's identity, so that
//! they hold whatever the store; bytes have the manifest's length and digest, or the answer breaks.

use crate::field::{FieldValue, StrongTag};
use crate::object_path::{ObjectKey, ObjectPath};
use crate::releases::Opened;
use crate::request::Method;
use crate::response::{Body, Response};
use crate::serve::body::{Promise, verified};
use crate::serve::calls::Calls;
use crate::serve::conditions::{Conditions, validators};
use crate::serve::headers::{Presentation, representation, set_lifetime};
use crate::serve::lifetime::{Lifetime, Stated, VersionedName};
use crate::serve::outcome::{OriginFault, Outcome};
use crate::serve::plain::{self, plain};
use crate::serve::reply::{Content, PendingBody, Reply};
use crate::serve::{Exchange, Ports, headers};
use crate::store::{Fetched, Metadata, Object, ObjectRef, Want};
use portcullis_http_semantics::range::unsatisfied_content_range;
use portcullis_http_semantics::{
    ByteRange, Coding, Method as HttpMethod, Precondition, RangeSpec, Resolved, preferred,
};
use portcullis_release_manifest::{self as release, FileRef, tags};
use portcullis_site::Bucket;

/// One request to one release.
pub(super) struct Page<'a, P> {
    pub(super) calls: &'a Calls<'a, P>,
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) bucket: &'a Bucket,
    pub(super) opened: &'a Opened,
}

/// One of the objects of a file, and what is said of it.
struct Chosen {
    key: ObjectKey,
    metadata: Metadata,
    /// Whether the file has others.
    negotiated: bool,
}

impl<'a, P: Ports> Page<'a, P> {
    /// The same request to another release.
    pub(super) fn of<'b>(&'b self, opened: &'b Opened) -> Page<'b, P> {
        Page { opened, ..*self }
    }

    /// A file. `by_choice`: the request's headers chose it, so that it is asked about each time.
    pub(super) async fn file(
        &self,
        file: &FileRef<'_>,
        by_choice: bool,
    ) -> Result<Reply, OriginFault> {
        let chosen = self.chosen(file)?;
        let conditions = Conditions::of(&self.exchange.request.headers);
        let current = validators(&chosen.metadata);
        let mut reply = match conditions.preconditions.evaluate(HttpMethod::Get, &current) {
            Precondition::Failed => Reply::of(
                Outcome::PreconditionFailed,
                plain(412, "A precondition does not hold.\n"),
            ),
            Precondition::NotModified => {
                let head = headers::validators(304, &chosen.metadata, chosen.negotiated);
                Reply::of(Outcome::NotModified, head)
            }
            Precondition::Proceed => {
                let applies = conditions
                    .preconditions
                    .range_applies(HttpMethod::Get, &current);
                let is_get = self.exchange.method == Method::Get;
                let range = conditions.range.filter(|_| applies && is_get);
                self.bytes(file, &chosen, range).await?
            }
        };
        let is_answer = matches!(reply.head.status, 200 | 206 | 304);
        if is_answer {
            set_lifetime(&mut reply.head, &self.lifetime(file, by_choice));
        }
        self.site_headers(&mut reply.head, is_answer);
        self.tag(&mut reply.head, Some(file));
        reply.path = ObjectPath::of_decoded(&format!("/{}", chosen.key)).ok();
        reply.key = Some(chosen.key);
        Ok(self.by_release(reply))
    }

    /// The document of a path that is gone, whole and never stored.
    pub(super) async fn gone(&self, status: u16, file: &FileRef<'_>) -> Result<Reply, OriginFault> {
        let chosen = self.described(file, Coding::Identity, file.object);
        let mut head = plain(status, "");
        if let Some(content_type) = chosen.metadata.content_type.clone() {
            head.set("content-type", content_type);
        }
        head.body = Body::Empty;
        self.site_headers(&mut head, false);
        self.tag(&mut head, Some(file));
        let is_get = self.exchange.method == Method::Get;
        let body = if is_get {
            Some(self.fetch(&chosen, None).await?)
        } else {
            None
        };
        Ok(self.by_release(Reply {
            content: Some(Content {
                length: Some(file.object.size),
                streamable: true,
                body,
            }),
            key: Some(chosen.key),
            ..Reply::of(Outcome::Missing, head)
        }))
    }

    /// A redirect.
    pub(super) fn redirect(&self, status: u16, location: FieldValue) -> Reply {
        let mut head = plain::redirect(status, location);
        self.site_headers(&mut head, false);
        self.tag(&mut head, None);
        self.by_release(Reply::of(Outcome::Redirected, head))
    }

    /// A 404, with the site's document if it has one.
    pub(super) fn missing(&self) -> Reply {
        let mut reply = Reply::missing();
        if let Some(document) = &self.opened.not_found {
            let length = document.bytes.len() as u64;
            reply
                .head
                .set("content-type", document.content_type.clone());
            reply.head.set("content-length", FieldValue::from(length));
            reply.head.body = Body::Whole(document.bytes.clone());
        }
        self.site_headers(&mut reply.head, false);
        self.tag(&mut reply.head, None);
        self.by_release(reply)
    }

    fn by_release(&self, reply: Reply) -> Reply {
        Reply {
            release: Some(self.opened.stored.release),
            ..reply
        }
    }

    async fn bytes(
        &self,
        file: &FileRef<'_>,
        chosen: &Chosen,
        range: Option<RangeSpec>,
    ) -> Result<Reply, OriginFault> {
        let size = chosen.metadata.size;
        let part = match range.map(|range| (range, range.resolve(size))) {
            None => None,
            Some((range, Resolved::Satisfiable(part))) => Some((range, part)),
            Some((_, Resolved::Unsatisfiable)) => return Ok(unsatisfiable(size)),
        };
        let (status, outcome) = match part {
            Some(_) => (206, Outcome::Partial),
            None => (200, Outcome::Full),
        };
        let as_asked = Presentation {
            file_name: file.path.rsplit('/').next().unwrap_or_default(),
            // The manifest says it, so nothing is to be guessed from a suffix.
            coding: Coding::Identity,
            negotiated: chosen.negotiated,
            uploads: false,
        };
        let (mut head, dropped) = representation(status, &chosen.metadata, &as_asked);
        if let Some((_, part)) = part {
            head.set("content-range", FieldValue::from(part));
        }
        let is_get = self.exchange.method == Method::Get;
        let body = if is_get {
            Some(self.fetch(chosen, part).await?)
        } else {
            None
        };
        Ok(Reply {
            dropped,
            content: Some(Content {
                length: Some(part.map_or(size, |(_, part)| part.len())),
                streamable: part.is_none() && chosen.metadata.content_encoding.is_none(),
                body,
            }),
            ..Reply::of(outcome, head)
        })
    }

    /// The bytes of an object, or of a part of it. They never change, so there is no condition.
    async fn fetch(
        &self,
        chosen: &Chosen,
        part: Option<(RangeSpec, ByteRange)>,
    ) -> Result<PendingBody, OriginFault> {
        let object = ObjectRef {
            bucket: self.bucket.clone(),
            key: chosen.key.clone(),
        };
        let want = Want {
            range: part.map(|(range, _)| range),
            ..Want::default()
        };
        let is_promised = |metadata: &Metadata| metadata.size == chosen.metadata.size;
        let (Object { metadata, body }, first, length, sha256) =
            match (self.calls.get(&object, &want).await?, part) {
                (Fetched::Full(object), None) if is_promised(&object.metadata) => {
                    (object, 0, chosen.metadata.size, chosen.metadata.sha256)
                }
                (
                    Fetched::Partial {
                        object,
                        first,
                        last,
                    },
                    Some((_, part)),
                ) if is_promised(&object.metadata)
                    && (first, last) == (part.first(), part.last()) =>
                {
                    (object, first, part.len(), None)
                }
                (Fetched::Missing, _) => return Err(OriginFault::Incomplete),
                _ => return Err(OriginFault::Malformed),
            };
        let promise = Promise {
            first,
            length,
            etag: metadata.etag,
            sha256,
        };
        Ok(verified(body, promise, self.calls.resume(&object)))
    }

    /// The object that the viewer's codings choose.
    fn chosen(&self, file: &FileRef<'_>) -> Result<Chosen, OriginFault> {
        let accepted = self
            .exchange
            .request
            .headers
            .accept_encoding
            .map(str::as_bytes);
        let mut available: Vec<Coding> = file.codings().map(coding).collect();
        available.push(Coding::Identity);
        let best = preferred(accepted, &available).unwrap_or(Coding::Identity);
        for variant in file.variants() {
            let (is_in, object) = variant?;
            if coding(is_in) == best {
                return Ok(self.described(file, best, object));
            }
        }
        Ok(self.described(file, Coding::Identity, file.object))
    }

    fn described(
        &self,
        file: &FileRef<'_>,
        coding: Coding,
        object: release::ObjectRef<'_>,
    ) -> Chosen {
        let encoded = (coding != Coding::Identity).then(|| coding.name());
        Chosen {
            key: ObjectKey::of_release(&object.key()),
            metadata: Metadata {
                size: object.size,
                etag: StrongTag::parse(object.etag().as_bytes()),
                content_type: FieldValue::new(file.content_type.as_bytes()).ok(),
                content_encoding: encoded.and_then(|name| FieldValue::new(name.as_bytes()).ok()),
                sha256: Some(*object.sha256),
                ..Metadata::default()
            },
            negotiated: file.codings().next().is_some(),
        }
    }

    fn lifetime(&self, file: &FileRef<'_>, by_choice: bool) -> Lifetime {
        let target = &self.exchange.target;
        let rules = self.opened.manifest.headers(target.path.decoded());
        let ruled = rules.iter().find(|(name, _)| *name == "cache-control");
        // The same path answers otherwise to who asks otherwise, and no key holds what it depends on.
        let (stated, versioned) = match ruled {
            _ if by_choice => ("no-cache", false),
            Some((_, value)) => (value.as_str(), false),
            None => (file.cache_control, file.versioned),
        };
        let stated = FieldValue::new(stated.as_bytes()).ok();
        let stated = Stated::of(stated.as_ref(), None, self.exchange.now);
        let versioned = VersionedName::by_release(versioned);
        Lifetime::of(target.site, target.behavior, stated, versioned)
    }

    /// The headers that the site's rules give this path. None replaces one that is there but the media type of a file.
    fn site_headers(&self, head: &mut Response, is_answer: bool) {
        for (name, value) in self
            .opened
            .manifest
            .headers(self.exchange.target.path.decoded())
        {
            let replaces = name == "content-type" && is_answer && head.status != 304;
            let is_of_a_file = matches!(name, "cache-control" | "content-type");
            let adds = !is_of_a_file && head.header(name).is_none();
            if (replaces || adds)
                && let Ok(value) = FieldValue::new(value.as_bytes())
            {
                head.set(name.to_owned(), value);
            }
        }
    }

    fn tag(&self, head: &mut Response, file: Option<&FileRef<'_>>) {
        let release = tags::of_release(&self.opened.stored.release);
        let path = tags::of_path(self.exchange.target.path.sent());
        let class = file.and_then(|file| file.class).map(tags::of_class);
        let own = file.into_iter().flat_map(FileRef::tags);
        let fixed = [
            Some(release.as_str()),
            class.as_deref(),
            Some(path.as_str()),
        ];
        let value = tags::value(fixed.into_iter().flatten().chain(own));
        if let Ok(value) = FieldValue::new(value.as_bytes()) {
            head.set(tags::HEADER, value);
        }
    }
}

fn unsatisfiable(size: u64) -> Reply {
    let mut head = plain(416, "The range lies outside.\n");
    if let Ok(value) = FieldValue::new(unsatisfied_content_range(size).as_bytes()) {
        head.set("content-range", value);
    }
    Reply::of(Outcome::Unsatisfiable, head)
}

const fn coding(of: release::Coding) -> Coding {
    match of {
        release::Coding::Brotli => Coding::Br,
        release::Coding::Gzip => Coding::Gzip,
        release::Coding::Zstd => Coding::Zstd,
    }
}
