//! Which release a request means: a preview by header or host, a release on trial for some viewers, else the live one.
//!
//! **Why a cache may keep the answers.** Whatever chooses between releases must be in the cache key, or the behavior must not
//! cache. So on a behavior that caches
//! - `X-Portcullis-Preview` counts only if the key has it; a preview's host only if the key has `host` or `x-portcullis-host`;
//! - a trial takes only viewers named by `X-Portcullis-Sticky`, and only if the key has that. The site's edge function writes
//!   it from a cookie or the address, best as one of a hundred buckets, so that it costs a hundred copies and not one a viewer.
//!
//! On a behavior that does not cache all of them count, and a viewer is also named by the cookie [`COOKIE`], else by the
//! address that CloudFront vouches for. Everything else is answered from the live release. The policy has decided before any
//! of this: a preview is as private as the path it is asked for.

use crate::serve::Exchange;
use portcullis_release_manifest::serving::Asked;
use portcullis_site::Caching;

/// The cookie by whose value a viewer stays with a release on trial, or without it.
pub(super) const COOKIE: &str = "portcullis-sticky";
/// What the first label of a preview's host begins with; the preview's name follows.
const HOST_PREFIX: &str = "preview--";

/// What of the request says which release is meant.
pub(super) fn asked<'a>(exchange: &Exchange<'a>) -> Asked<'a> {
    let request = exchange.request;
    let by_header = request
        .headers
        .preview
        .filter(|_| counts(exchange, &["x-portcullis-preview"]));
    let host = request
        .headers
        .host
        .filter(|_| counts(exchange, &["host", "x-portcullis-host"]));
    let sticky = request
        .headers
        .sticky
        .filter(|_| counts(exchange, &["x-portcullis-sticky"]));
    let by_viewer =
        || is_uncached(exchange).then(|| cookie(exchange).or_else(|| address(exchange)));
    Asked {
        preview: by_header.or_else(|| host.and_then(preview_of)),
        sticky: sticky.or_else(|| by_viewer().flatten()).map(str::as_bytes),
    }
}

fn is_uncached(exchange: &Exchange<'_>) -> bool {
    exchange.target.behavior.caching == Caching::Disabled
}

/// Whether one of these headers may choose: the cache keeps nothing, or it keeps it apart.
fn counts(exchange: &Exchange<'_>, names: &[&str]) -> bool {
    match &exchange.target.behavior.caching {
        Caching::Disabled => true,
        Caching::Enabled { key, .. } => key
            .headers
            .iter()
            .any(|name| names.contains(&name.as_str())),
    }
}

/// The preview that a host names: `preview--NAME.` and the site's domain, which the certificate has vouched for.
fn preview_of(host: &str) -> Option<&str> {
    let (label, _) = host.split_once('.')?;
    label
        .strip_prefix(HOST_PREFIX)
        .filter(|name| !name.is_empty())
}

fn cookie<'a>(exchange: &Exchange<'a>) -> Option<&'a str> {
    let pairs = exchange
        .request
        .cookies
        .iter()
        .flat_map(|pairs| pairs.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    values.next().filter(|value| !value.is_empty())
}

/// The viewer's address without its port, which is another in each connection.
fn address<'a>(exchange: &Exchange<'a>) -> Option<&'a str> {
    let (address, _) = exchange.request.headers.viewer_address?.rsplit_once(':')?;
    Some(address)
}
