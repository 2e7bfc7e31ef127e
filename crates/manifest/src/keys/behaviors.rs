//! The keys of a behavior.

use crate::shape::{Record, Shape, optional, record, required, word};
use crate::text;

/// One behavior.
pub(crate) static BEHAVIOR: Record = record(&[
    required(
        "path",
        Shape::Text(&text::PATTERN),
        "The path pattern: `*` is any run of characters, `?` exactly one.",
    ),
    required(
        "origin",
        Shape::Text(&text::NAME),
        "An origin or an origin group.",
    ),
    required(
        "policy",
        Shape::Text(&text::NAME),
        "The policy that decides.",
    ),
    optional(
        "enforce",
        Shape::Word(&[
            word(
                "edge",
                "a generated CloudFront Function decides on every request; the gateway again on a miss",
            ),
            word(
                "origin",
                "the gateway alone: every input of the policy must be in the cache key, or caching off",
            ),
        ]),
        "Where the policy is enforced. Left out: edge where caching is on and the policy is more than `allow: any`, else origin.",
    ),
    optional(
        "caching",
        Shape::Word(&[
            word("enabled", "CloudFront keeps answers; the default"),
            word("disabled", "every request reaches the origin"),
        ]),
        "Whether CloudFront keeps answers.",
    ),
    optional(
        "methods",
        Shape::List(&Shape::Text(&METHOD)),
        "The methods served: GET and HEAD, optionally OPTIONS. Left out: GET and HEAD.",
    ),
    optional(
        "cache_key",
        Shape::Record(&CACHE_KEY),
        "What tells cached answers apart, besides the path. Left out: nothing.",
    ),
    optional(
        "ttl",
        Shape::Record(&TTL),
        "How long CloudFront keeps answers: min ≤ default ≤ max.",
    ),
    optional(
        "viewer_protocol",
        Shape::Word(&[
            word("redirect-to-https", "plain HTTP is redirected; the default"),
            word("https-only", "plain HTTP is refused"),
            word("allow-all", "plain HTTP is served"),
        ]),
        "What a viewer's plain HTTP request gets.",
    ),
    optional(
        "compress",
        Shape::Flag,
        "Whether CloudFront compresses. Left out: true where caching is on.",
    ),
    optional(
        "response_headers",
        Shape::Record(&RESPONSE_HEADERS),
        "Headers added to every answer, errors included.",
    ),
    optional(
        "large_objects",
        Shape::Either(&[
            Shape::Word(&[
                word("refuse", "413 with a clear reason; the default"),
                word("stream", "streamed through the function's streaming front"),
            ]),
            Shape::Record(&LARGE_OBJECTS),
        ]),
        "What happens to an object too large for a buffered answer.",
    ),
]);

/// The words are checked by the reader, which says why a method is not served.
static METHOD: crate::shape::Text = crate::shape::Text {
    name: "method",
    expected: "GET, HEAD or OPTIONS",
    code: crate::codes::METHOD,
    pattern: "",
    words: || ["GET", "HEAD", "OPTIONS"].map(str::to_owned).to_vec(),
    check: method,
};

fn method(text: &str) -> Result<(), crate::shape::Mistake> {
    const SERVED: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
    if SERVED.contains(&text) {
        return Ok(());
    }
    let capitals = text.to_uppercase();
    let message = matches!(
        capitals.as_str(),
        "POST" | "PUT" | "PATCH" | "DELETE" | "CONNECT" | "TRACE"
    )
    .then(|| format!("`{text}` is not served: this gateway is read-only"));
    let nearest = SERVED.contains(&capitals.as_str()).then_some(capitals);
    Err(crate::shape::Mistake { message, nearest })
}

static CACHE_KEY: Record = record(&[
    optional(
        "query",
        Shape::Either(&[
            Shape::Word(&[
                word("none", "no query parameter; the default"),
                word("all", "every query parameter"),
            ]),
            Shape::List(&Shape::Text(&text::PARAMETER)),
        ]),
        "Query parameters: none, all, or a list of names. The same ones reach the origin.",
    ),
    optional(
        "headers",
        Shape::List(&Shape::Text(&text::HEADER)),
        "Header names, at most 10.",
    ),
    optional(
        "country",
        Shape::Flag,
        "Whether the viewer's country (CloudFront's) is in the key. Left out: false.",
    ),
]);

static TTL: Record = record(&[
    optional(
        "min",
        Shape::Text(&text::DURATION),
        "Beats even `no-store` when above zero. Left out: 0s.",
    ),
    optional(
        "default",
        Shape::Text(&text::DURATION),
        "Used when the origin names no lifetime. Left out: 1d, or `min` if that is more.",
    ),
    optional(
        "max",
        Shape::Text(&text::DURATION),
        "Caps the origin's lifetime. Left out: 365d, or `default` if that is more.",
    ),
]);

static RESPONSE_HEADERS: Record = record(&[
    optional(
        "security",
        Shape::Word(&[
            word("none", "only nosniff; the default"),
            word(
                "basic",
                "HSTS for a year, frames from the same origin, strict referrer policy",
            ),
            word(
                "strict",
                "as basic, with frames denied, HSTS for two years with subdomains, isolation of the opener",
            ),
        ]),
        "A set of security headers.",
    ),
    optional(
        "cors",
        Shape::Record(&CORS),
        "Cross-origin access, an exact list.",
    ),
]);

static CORS: Record = record(&[
    required(
        "allow_origins",
        Shape::List(&Shape::Text(&text::WEB_ORIGIN)),
        "Origins like https://www.example.com, or `*` alone.",
    ),
    optional(
        "allow_headers",
        Shape::List(&Shape::Text(&text::HEADER)),
        "Request headers a preflight may ask for.",
    ),
    optional(
        "expose_headers",
        Shape::List(&Shape::Text(&text::HEADER)),
        "Response headers scripts may read.",
    ),
    optional(
        "max_age",
        Shape::Text(&text::DURATION),
        "How long a preflight's answer holds. Left out: 10m.",
    ),
]);

static LARGE_OBJECTS: Record = record(&[required(
    "hand_off",
    Shape::Record(&HAND_OFF),
    "A redirect to a short-lived signed URL on a behavior that serves the bucket directly.",
)]);

static HAND_OFF: Record = record(&[
    required(
        "path",
        Shape::Text(&text::FOLDER),
        "The path prefix of that behavior, beginning and ending with `/`.",
    ),
    required(
        "key_group",
        Shape::Text(&text::NAME),
        "The key group that behavior trusts.",
    ),
    optional(
        "expires",
        Shape::Text(&text::DURATION),
        "How long the URL is valid, 1s to 1h. Left out: 5m.",
    ),
]);
