//! The keys of origins, releases and error responses.

use crate::shape::{Record, Shape, optional, record, required, word};
use crate::text;

/// One origin: exactly one of its kinds.
pub(crate) static ORIGIN: Record = Record {
    name: "",
    one_of: &["releases", "bucket", "direct_bucket", "http"],
    keys: &[
        optional(
            "releases",
            Shape::Record(&RELEASE_STORE),
            "The release store: versioned objects behind a pointer, served by the gateway.",
        ),
        optional(
            "bucket",
            Shape::Record(&BUCKET),
            "A plain bucket served by the gateway: the key is the prefix and the path.",
        ),
        optional(
            "direct_bucket",
            Shape::Record(&DIRECT_BUCKET),
            "A bucket that CloudFront reads itself through origin access control. The gateway's policies do not run there.",
        ),
        optional(
            "http",
            Shape::Record(&HTTP),
            "A custom origin, reached through the gateway.",
        ),
    ],
};

static RELEASE_STORE: Record = record(&[required(
    "bucket",
    Shape::Text(&text::BUCKET),
    "The bucket of the release store.",
)]);

static BUCKET: Record = record(&[
    required("name", Shape::Text(&text::BUCKET), "The bucket's name."),
    optional(
        "prefix",
        Shape::Text(&text::PREFIX),
        "What comes before the path in every key, ending in `/`. Left out: nothing.",
    ),
    optional(
        "index",
        Shape::Text(&text::DOCUMENT),
        "The document that answers for a directory. Left out: none.",
    ),
    optional(
        "clean_urls",
        Shape::Flag,
        "Whether `/guide` answers `guide.html` or the index of `guide/`. Left out: false.",
    ),
    optional(
        "precompressed",
        Shape::Flag,
        "Whether `KEY.br`, `KEY.zst` and `KEY.gz` beside an object are its compressed variants. Left out: false.",
    ),
    optional(
        "uploads",
        Shape::Flag,
        "Whether the objects come from uploads by others, so that active content leaves as an attachment. Left out: false.",
    ),
]);

static DIRECT_BUCKET: Record = record(&[
    required("name", Shape::Text(&text::BUCKET), "The bucket's name."),
    optional(
        "prefix",
        Shape::Text(&text::PREFIX),
        "CloudFront's origin path, ending in `/`. Left out: nothing.",
    ),
]);

static HTTP: Record = record(&[
    required(
        "url",
        Shape::Text(&text::URL),
        "Scheme and host, optionally a port and a base path.",
    ),
    optional(
        "connect_timeout",
        Shape::Text(&text::DURATION),
        "For each attempt, 1s to 10s. Left out: 10s.",
    ),
    optional(
        "response_timeout",
        Shape::Text(&text::DURATION),
        "For each part of the answer, 1s to 120s. Left out: 30s.",
    ),
    optional(
        "attempts",
        Shape::Number { min: 1, max: 3 },
        "Attempts to connect, 1 to 3. Left out: 3.",
    ),
    optional(
        "private_addresses",
        Shape::Flag,
        "Whether the host may resolve to a private, loopback or link-local address. Left out: false.",
    ),
]);

/// An origin group.
pub(crate) static ORIGIN_GROUP: Record = record(&[
    required(
        "primary",
        Shape::Text(&text::NAME),
        "The origin that is always tried first.",
    ),
    required(
        "secondary",
        Shape::Text(&text::NAME),
        "The origin that answers when the first fails.",
    ),
    required(
        "failover_on",
        Shape::List(&Shape::Number { min: 400, max: 599 }),
        "Statuses on which the second is tried: 400, 403, 404, 416, 429, 500, 502, 503, 504. 503 includes a failed connection, 504 a timeout.",
    ),
]);

/// The release settings.
pub(crate) static RELEASES: Record = record(&[
    optional(
        "entry",
        Shape::Text(&text::DOCUMENT),
        "The directory index. Left out: index.html.",
    ),
    optional(
        "clean_urls",
        Shape::Flag,
        "Whether `/guide` answers `guide.html` or `guide/` with the index. Left out: false.",
    ),
    optional(
        "fallback",
        Shape::Record(&FALLBACK),
        "The document for paths the release does not have. Left out: none.",
    ),
    optional(
        "not_found",
        Shape::Text(&text::DOCUMENT),
        "The document sent with a 404. Left out: none.",
    ),
    optional(
        "classes",
        Shape::List(&Shape::Record(&CLASS)),
        "Lifetimes; the first match wins, and a versioned name is always immutable. Left out: browsers ask every time, the edge keeps 5m.",
    ),
    optional(
        "keep",
        Shape::Record(&KEEP),
        "What garbage collection never takes. Left out: 10 releases and anything of the last 30d.",
    ),
]);

static FALLBACK: Record = record(&[
    required(
        "document",
        Shape::Text(&text::DOCUMENT),
        "Its path in the release.",
    ),
    optional(
        "only_for",
        Shape::Word(&[word(
            "navigation",
            "requests of a browser for a page, never for an asset",
        )]),
        "What it answers: navigation, never an asset.",
    ),
]);

static CLASS: Record = record(&[
    required(
        "match",
        Shape::Text(&text::GLOB),
        "A pattern: `*` within a segment, `**` across; without `/` it matches the file name.",
    ),
    required(
        "browser",
        Shape::Text(&text::DURATION),
        "How long browsers keep it (max-age).",
    ),
    required(
        "edge",
        Shape::Text(&text::DURATION),
        "How long CloudFront keeps it (s-maxage).",
    ),
    optional(
        "stale_while_revalidate",
        Shape::Text(&text::DURATION),
        "How long a stale copy is served while a new one is fetched.",
    ),
    optional(
        "stale_if_error",
        Shape::Text(&text::DURATION),
        "How long a stale copy is served when the origin fails.",
    ),
]);

static KEEP: Record = record(&[
    optional(
        "releases",
        Shape::Number { min: 1, max: 1_000 },
        "That many of the newest releases. Left out: 10.",
    ),
    optional(
        "for",
        Shape::Text(&text::DURATION),
        "Anything younger. Left out: 30d.",
    ),
]);

/// A custom error response.
pub(crate) static ERROR_RESPONSE: Record = record(&[
    optional(
        "document",
        Shape::Text(&text::PATH),
        "The path of the document, beginning with `/`.",
    ),
    optional(
        "status",
        Shape::Number { min: 200, max: 599 },
        "The status sent with the document. Left out: the original one.",
    ),
    optional(
        "min_ttl",
        Shape::Text(&text::DURATION),
        "How long at least CloudFront keeps the error. Left out: 0s.",
    ),
]);
