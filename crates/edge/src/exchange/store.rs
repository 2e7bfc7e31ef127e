//! What is kept of an answer, and for how long.

use super::{Asking, Exchange, Framing, Next, OriginHead};
use crate::compress::{self, Compressed};
use crate::distribution::OriginKind;
use crate::freshness::{
    ERROR_CACHING_MIN_TTL_DEFAULT, EdgeTtl, ErrorToCache, ErrorTtl, OriginLifetime, TtlRule,
    edge_ttl, error_ttl,
};
use crate::headers::Headers;
use crate::key::CacheKey;
use crate::network::{Flight, Network};
use crate::store::{Body, Copy, Cut, Lifetime, Parts, Tier};
use crate::switches::OriginAge;
use crate::tags;
use crate::trace::{ResultType, Step, WhyNotStored};
use bytes::Bytes;
use portcullis_http_semantics::cache_control::Scope;
use portcullis_http_semantics::negotiation::Coding;
use portcullis_http_semantics::{ByteRange, CacheControl, HttpDate};
use std::sync::Arc;

/// Whether an answer is kept.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is, for this long.
    Keep {
        /// In seconds.
        ttl: u64,
        /// Why.
        lifetime: Lifetime,
    },
    /// It is not.
    Drop(WhyNotStored),
}

/// How the body of an origin's answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As its framing said.
    Complete,
    /// Too early, or with an error.
    Truncated,
    /// The viewer went away before it was through.
    ViewerGone,
    /// It is longer than what was asked for.
    TooLarge,
}

/// A body on its way through, and the copy it will become.
#[derive(Debug)]
pub struct Keep {
    copy: Copy,
    /// The part of the whole, where the answer is one.
    part: Option<ByteRange>,
    places: Vec<Tier>,
    key: CacheKey,
    flight: Option<(Tier, CacheKey, Flight)>,
    chunks: Vec<Bytes>,
    bytes: usize,
    bytes_max: usize,
    expected: Option<u64>,
}

impl Keep {
    /// Takes a chunk as it passes. What is too large to be kept is let go at once.
    pub fn push(&mut self, chunk: &Bytes) {
        self.bytes = self.bytes.saturating_add(chunk.len());
        if self.bytes > self.bytes_max {
            self.chunks = Vec::new();
        } else {
            self.chunks.push(chunk.clone());
        }
    }

    /// Whether all bytes that were announced have passed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.expected == Some(self.bytes as u64)
    }

    fn is_whole(&self) -> bool {
        self.expected
            .is_none_or(|expected| expected == self.bytes as u64)
    }

    /// The bytes in a buffer of their own, so that nothing larger is kept alive by them.
    fn body(&self) -> Bytes {
        let mut body = Vec::with_capacity(self.bytes);
        for chunk in &self.chunks {
            body.extend_from_slice(chunk);
        }
        Bytes::from(body)
    }
}

impl Network {
    /// Ends what [`Keep::push`] was fed with: the copy is stored if the body is whole, and whoever waited is let go.
    pub fn finish(&mut self, keep: Keep, ending: Ending, now_ms: u64) -> Option<WhyNotStored> {
        let why_not = if keep.bytes > keep.bytes_max {
            Some(WhyNotStored::TooLarge)
        } else if ending != Ending::Complete || !keep.is_whole() {
            Some(WhyNotStored::Incomplete)
        } else {
            None
        };
        if why_not.is_none() {
            let body = keep.body();
            let mut copy = keep.copy;
            copy.since_ms = now_ms.max(copy.since_ms);
            copy.body = match keep.part {
                Some(range) => {
                    self.with_part(&keep.key, &copy, &keep.places, Cut { range, bytes: body })
                }
                None => Body::Whole(body),
            };
            self.put(&keep.places, &keep.key, copy);
        }
        if let Some((tier, key, flight)) = keep.flight {
            self.land(tier, &key, flight);
        }
        why_not
    }

    fn put(&mut self, places: &[Tier], key: &CacheKey, copy: Copy) {
        let copy = Arc::new(copy);
        for tier in places {
            self.store.insert(*tier, key.clone(), Arc::clone(&copy));
        }
    }

    /// Adds a part to those of the same representation that are there.
    fn with_part(&mut self, key: &CacheKey, copy: &Copy, places: &[Tier], cut: Cut) -> Body {
        let mut parts = Parts::default();
        let known = places.first().and_then(|tier| self.store.get(*tier, key));
        if let Some(known) = known {
            let same = known.headers.get("etag") == copy.headers.get("etag");
            if let (Body::Parts(there), true) = (&known.body, same) {
                parts = there.clone();
            }
        }
        parts.add(cut);
        Body::Parts(parts)
    }

    pub(super) fn judge(
        &self,
        exchange: &Exchange,
        asking: &Asking,
        head: &OriginHead,
        now_ms: u64,
    ) -> Verdict {
        let Some(played) = &exchange.played else {
            return Verdict::Drop(WhyNotStored::Status);
        };
        if asking.key.is_none() {
            let disabled = crate::freshness::NotStored::CachingDisabled;
            return Verdict::Drop(WhyNotStored::Ttl(disabled));
        }
        let cache_control = cache_control(&head.headers);
        let (from_ms, age) = match self.settings.switches.origin_age {
            OriginAge::Ignored => (now_ms, 0),
            OriginAge::Counted => counted_age(&head.headers, now_ms),
        };
        let origin = OriginLifetime {
            cache_control: cache_control.as_ref(),
            expires_in: expires_in(&head.headers, from_ms),
            age,
        };
        if head.status >= 400 {
            return self.judge_error(exchange, head.status, origin);
        }
        if exchange.request.method == "HEAD" {
            return Verdict::Drop(WhyNotStored::Head);
        }
        match head.status {
            304 => return Verdict::Drop(WhyNotStored::Conditional),
            // DG:http-3xx-status-codes.
            307 | 308 if cache_control.is_none() => return Verdict::Drop(WhyNotStored::Status),
            200 | 203 | 204 | 206 | 300..400 => {}
            _ => return Verdict::Drop(WhyNotStored::Status),
        }
        let ttls = played
            .distribution
            .behavior(exchange.behavior)
            .caching
            .ttls();
        match edge_ttl(ttls, &origin, &self.settings.switches) {
            EdgeTtl::NotStored(why) => Verdict::Drop(WhyNotStored::Ttl(why)),
            EdgeTtl::Stored { seconds, rule } => Verdict::Keep {
                ttl: seconds,
                lifetime: Lifetime::Ttl(rule),
            },
        }
    }

    fn judge_error(&self, exchange: &Exchange, status: u16, origin: OriginLifetime<'_>) -> Verdict {
        let Some(played) = &exchange.played else {
            return Verdict::Drop(WhyNotStored::Status);
        };
        let from_s3 = played
            .target_origin(exchange.behavior)
            .is_some_and(|origin| matches!(origin.kind, OriginKind::S3 { .. }));
        let error = ErrorToCache {
            status,
            origin,
            from_s3,
            min_ttl: self.error_min_ttl(exchange, status),
            max_ttl: played.error_max_ttl(exchange.behavior, status),
            caching: played.caches(exchange.behavior),
        };
        match error_ttl(&error, self.settings.switches.error_list_b) {
            ErrorTtl::NotStored(why) => Verdict::Drop(WhyNotStored::Error(why)),
            ErrorTtl::Stored { seconds, rule } => Verdict::Keep {
                ttl: seconds,
                lifetime: Lifetime::Error(rule),
            },
        }
    }

    pub(super) fn error_min_ttl(&self, exchange: &Exchange, status: u16) -> u64 {
        let error = exchange
            .played
            .as_ref()
            .and_then(|played| played.distribution.error(status));
        error
            .and_then(|error| error.min_ttl)
            .unwrap_or(ERROR_CACHING_MIN_TTL_DEFAULT)
    }

    /// What keeps a body as it passes, or nothing; who waits is let go when nothing is kept.
    pub(super) fn keep(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        head: &OriginHead,
        verdict: &Verdict,
        now_ms: u64,
    ) -> Option<Keep> {
        let kept = match (verdict, &asking.key) {
            (Verdict::Keep { ttl, lifetime }, Some(key)) => Some((*ttl, *lifetime, key)),
            (Verdict::Keep { .. } | Verdict::Drop(_), _) => None,
        };
        let part = (head.status == 206).then(|| content_range(&head.headers));
        let (Some((ttl, lifetime, key)), None | Some(Some(_)), Some(played)) =
            (kept, part, exchange.played.clone())
        else {
            self.note_dropped(exchange, verdict);
            return None;
        };
        let expected = match head.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::Close => None,
        };
        let bytes_max = self.settings.object_bytes_max;
        if expected.is_some_and(|length| length > bytes_max as u64) {
            self.note_dropped(exchange, &Verdict::Drop(WhyNotStored::TooLarge));
            return None;
        }
        exchange.trace.steps.push(Step::Stored {
            ttl,
            rule: lifetime,
        });
        let max_ttl = played
            .distribution
            .behavior(exchange.behavior)
            .caching
            .ttls()
            .max;
        Some(Keep {
            copy: new_copy(
                exchange,
                head,
                (ttl, lifetime, max_ttl),
                &played.distribution.cache_tag_header,
                now_ms,
            ),
            part: part.flatten(),
            places: super::consult::places(self.tiers_of(exchange, &played)).collect(),
            key: key.clone(),
            flight: exchange.flight.take(),
            chunks: Vec::new(),
            bytes: 0,
            bytes_max,
            expected,
        })
    }

    fn note_dropped(&mut self, exchange: &mut Exchange, verdict: &Verdict) {
        let why = match verdict {
            Verdict::Drop(why) => *why,
            Verdict::Keep { .. } => WhyNotStored::Status,
        };
        exchange.trace.steps.push(Step::NotStored(why));
        self.land_flight(exchange);
    }

    /// RFC 9111 §4.3.4: the copy takes the fields of the 304 and lives anew.
    pub(super) fn refresh(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        copy: &Arc<Copy>,
        head: &OriginHead,
        now_ms: u64,
    ) -> Next {
        let mut refreshed = Copy::clone(copy);
        refreshed.headers = Arc::new(merged(&copy.headers, &head.headers));
        let whole = OriginHead {
            status: copy.status,
            headers: Headers::clone(&refreshed.headers),
            framing: head.framing,
        };
        let verdict = self.judge(&as_get(exchange), asking, &whole, now_ms);
        refreshed.since_ms = now_ms;
        refreshed.age_at_start = origin_age(&head.headers);
        refreshed.stands_in_until_ms = 0;
        (refreshed.ttl, refreshed.lifetime) = match verdict {
            Verdict::Keep { ttl, lifetime } => (ttl, lifetime),
            Verdict::Drop(_) => (0, Lifetime::Ttl(TtlRule::RevalidatedEachTime)),
        };
        (refreshed.stale_while_revalidate, refreshed.stale_if_error) =
            stale_windows(&refreshed.headers);
        exchange
            .trace
            .steps
            .push(Step::Refreshed { ttl: refreshed.ttl });
        let refreshed = Arc::new(refreshed);
        if let (Some(key), Some(played)) = (&asking.key, exchange.played.clone()) {
            for tier in super::consult::places(self.tiers_of(exchange, &played)) {
                match verdict {
                    Verdict::Keep { .. } => {
                        self.store.insert(tier, key.clone(), Arc::clone(&refreshed));
                    }
                    Verdict::Drop(_) => drop(self.store.remove(tier, key)),
                }
            }
        }
        self.land_flight(exchange);
        self.serve_copy(
            exchange,
            &refreshed,
            ResultType::RefreshHit,
            "RefreshHit",
            now_ms,
        )
    }

    /// Whether the edge compresses this answer, and how large it may be.
    pub(super) fn compresses(
        &self,
        exchange: &Exchange,
        asking: &Asking,
        head: &OriginHead,
    ) -> Option<u64> {
        self.coding(exchange, asking, head)
            .map(|_| compress::BYTES_MAX)
    }

    fn coding(&self, exchange: &Exchange, asking: &Asking, head: &OriginHead) -> Option<Coding> {
        asking.key.as_ref()?;
        let played = exchange.played.as_ref()?;
        if exchange.request.method != "GET" {
            return None;
        }
        let behavior = played.distribution.behavior(exchange.behavior);
        let answer = compress::Answer {
            status: head.status,
            headers: &head.headers,
            length: match head.framing {
                Framing::Length(length) => Some(length),
                Framing::Chunked | Framing::Close => None,
            },
        };
        let accepts = exchange.request.headers.get("accept-encoding");
        let version = exchange.request.version;
        compress::coding(behavior, accepts, version, &answer, &self.settings.switches)
    }

    pub(super) fn collected(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        mut head: OriginHead,
        verdict: &Verdict,
        body: Result<Bytes, Ending>,
        now_ms: u64,
    ) -> Next {
        let Ok(body) = body else {
            let cause = crate::answer::Cause::OriginConnectionFailed;
            return self.fail(exchange, asking, cause, now_ms);
        };
        let Some(coding) = self.coding(exchange, asking, &head) else {
            return self.out_of_order(exchange, now_ms);
        };
        let vary = self.settings.switches.compression_vary;
        let Some(Compressed { bytes, headers }) =
            compress::compressed(coding, &body, &head.headers, vary)
        else {
            return self.out_of_order(exchange, now_ms);
        };
        exchange.trace.steps.push(Step::Compressed);
        head.headers = headers;
        head.framing = Framing::Length(bytes.len() as u64);
        let keep = self.keep(exchange, asking, &head, verdict, now_ms);
        if let Some(mut keep) = keep {
            keep.copy.coded = Some(coding);
            keep.push(&bytes);
            self.finish(keep, Ending::Complete, now_ms);
        }
        self.pass_bytes(exchange, head, bytes, now_ms)
    }
}

fn new_copy(
    exchange: &Exchange,
    head: &OriginHead,
    (ttl, lifetime, max_ttl): (u64, Lifetime, u64),
    tag_header: &Option<String>,
    now_ms: u64,
) -> Copy {
    let (stale_while_revalidate, stale_if_error) = stale_windows(&head.headers);
    Copy {
        target: Arc::from(exchange.request.target.as_str()),
        status: head.status,
        headers: Arc::new(storable(&head.headers)),
        body: Body::Whole(Bytes::new()),
        coded: None,
        since_ms: now_ms,
        age_at_start: origin_age(&head.headers),
        ttl,
        lifetime,
        max_ttl,
        stale_while_revalidate,
        stale_if_error,
        // DG:RequestAndResponseBehaviorCustomOrigin: `Vary: *` is not answered from the cache unless a Minimum TTL is set.
        always_asks: varies_always(&head.headers) && !is_held(exchange),
        tags: tag_header
            .as_deref()
            .map(|name| tags::of(&head.headers, name))
            .unwrap_or_default(),
        stands_in_until_ms: 0,
    }
}

fn is_held(exchange: &Exchange) -> bool {
    exchange.played.as_ref().is_some_and(|played| {
        played
            .distribution
            .behavior(exchange.behavior)
            .caching
            .ttls()
            .min
            > 0
    })
}

fn varies_always(headers: &Headers) -> bool {
    headers
        .joined("vary", ",")
        .is_some_and(|vary| portcullis_http_semantics::field::list(&vary).any(|name| name == b"*"))
}

/// The fields a copy keeps: without those that are the connection's, and those `no-cache` or `private` name.
fn storable(headers: &Headers) -> Headers {
    let mut kept = headers.clone();
    kept.remove_hop_by_hop();
    if let Some(read) = cache_control(headers) {
        for scope in [&read.no_cache, &read.private] {
            if let Scope::Fields(names) = scope {
                names.iter().for_each(|name| kept.remove(name));
            }
        }
    }
    kept
}

fn merged(stored: &Headers, fresh: &Headers) -> Headers {
    let mut headers = stored.clone();
    let mut fresh = fresh.clone();
    fresh.remove_hop_by_hop();
    let changes = fresh.iter().filter(|(name, _)| !is_about_body(name));
    for (name, value) in changes {
        headers.set(name, value);
    }
    headers
}

/// RFC 9111 §3.2 and §4.3.4: these describe the stored body, whatever the 304 says.
fn is_about_body(name: &str) -> bool {
    let own = [
        "content-length",
        "content-encoding",
        "content-range",
        "content-md5",
        "content-digest",
        "repr-digest",
        "etag",
    ];
    own.iter().any(|own| name.eq_ignore_ascii_case(own))
}

pub(super) fn cache_control(headers: &Headers) -> Option<CacheControl> {
    headers
        .joined("cache-control", ", ")
        .map(|value| CacheControl::parse(&value))
}

fn stale_windows(headers: &Headers) -> (Option<u64>, Option<u64>) {
    cache_control(headers).map_or((None, None), |read| {
        (read.stale_while_revalidate, read.stale_if_error)
    })
}

/// When the lifetime began, in milliseconds, and the age on arrival, in seconds (RFC 9111 §4.2.3).
fn counted_age(headers: &Headers, now_ms: u64) -> (u64, u64) {
    let date = headers.get("date").and_then(HttpDate::parse);
    let made_ms = date.map_or(now_ms, |date| date.epoch_seconds().saturating_mul(1000));
    let apparent = now_ms.saturating_sub(made_ms) / 1000;
    (made_ms, apparent.max(origin_age(headers)))
}

/// `Expires` minus now, in seconds; an unreadable one is in the past (RFC 9111 §5.3).
fn expires_in(headers: &Headers, now_ms: u64) -> Option<i64> {
    let value = headers.get("expires")?;
    let now = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    let at = HttpDate::parse(value).map_or(0, |date| {
        i64::try_from(date.epoch_seconds()).unwrap_or(i64::MAX)
    });
    Some(at.saturating_sub(now))
}

/// RFC 9111 §5.1: of several the first, and nothing for what is no number.
fn origin_age(headers: &Headers) -> u64 {
    let age = headers
        .get("age")
        .and_then(|value| portcullis_http_semantics::field::list(value).next())
        .and_then(|value| std::str::from_utf8(value).ok());
    age.and_then(|age| age.trim().parse::<u32>().ok())
        .map_or(0, u64::from)
}

/// `Content-Range: bytes first-last/size`.
fn content_range(headers: &Headers) -> Option<ByteRange> {
    crate::range::content_range(headers.get("content-range")?)
}

/// A 304 to HEAD refreshes the copy as one to GET does.
fn as_get(exchange: &Exchange) -> Exchange {
    let mut get = Exchange::new(exchange.request.clone(), exchange.pop);
    get.request.method = "GET".to_owned();
    get.played.clone_from(&exchange.played);
    get.behavior = exchange.behavior;
    get
}
