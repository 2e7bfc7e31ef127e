//! The origin's fields on their way to the viewer (DG:RequestAndResponseBehaviorCustomOrigin), and the response headers
//! policy on top of them (DG:understanding-response-headers-policies).
//!
//! The copy in the cache keeps the origin's fields; what happens here happens for each answer. So a `Cache-Control` of the
//! policy never changes how long the edge keeps a copy.

mod cors;
mod policy;

pub use cors::{AllowedOrigin, NotAnOriginPattern};

use crate::collapse;
use crate::distribution::{
    Behavior, CacheSettings, HeaderSelection, HeadersAll, ResponseHeadersPolicy,
};
use crate::headers::Headers;
use portcullis_http_semantics::field::list;
use std::sync::Arc;

/// Fields by which S3 names a request.
const OF_S3: [&str; 2] = ["x-amz-id-2", "x-amz-request-id"];

/// What of an origin's fields reaches the viewers of a behavior.
#[derive(Clone, Debug)]
pub struct ViewerRules {
    from_s3: bool,
    keeps_cookies: bool,
    vary: VaryRule,
    policy: Option<Arc<ResponseHeadersPolicy>>,
    origins: Vec<AllowedOrigin>,
}

/// Which names stay in `Vary`, beside `Accept-Encoding` and `Cookie`.
#[derive(Clone, Debug)]
enum VaryRule {
    All,
    Names(Vec<String>),
}

/// What of a request the answer's fields depend on.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The fields.
    pub headers: &'a Headers,
}

impl ViewerRules {
    /// The rules of a behavior. Patterns of origins that cannot be read match nothing; a reader refuses them before.
    #[must_use]
    pub fn of(behavior: &Behavior, from_s3: bool) -> Self {
        let policy = behavior.response_headers.clone();
        let cors = policy.as_ref().and_then(|policy| policy.cors.as_ref());
        let origins = cors.map_or(&[][..], |cors| &cors.origins);
        Self {
            from_s3,
            keeps_cookies: collapse::forwards_cookies(behavior),
            vary: vary_rule(behavior),
            origins: origins
                .iter()
                .filter_map(|pattern| pattern.parse().ok())
                .collect(),
            policy,
        }
    }

    /// Turns an origin's fields into those of the viewer.
    pub fn apply(&self, asked: &Asked<'_>, headers: &mut Headers) {
        self.filter(headers);
        if let Some(policy) = &self.policy {
            policy::apply(policy, &self.origins, asked, headers);
        }
    }

    fn filter(&self, headers: &mut Headers) {
        headers.remove_hop_by_hop();
        headers.retain(|name| {
            let is = |own: &&str| name.eq_ignore_ascii_case(own);
            !(self.from_s3 && OF_S3.iter().any(&is) || !self.keeps_cookies && is(&"set-cookie"))
        });
        if let VaryRule::Names(names) = &self.vary
            && let Some(vary) = headers.joined("vary", ",")
        {
            filter_vary(&vary, names, headers);
        }
    }
}

fn filter_vary(vary: &[u8], names: &[String], headers: &mut Headers) {
    let stays = |name: &&[u8]| {
        let fixed = [&b"accept-encoding"[..], b"cookie"];
        fixed.iter().any(|own| name.eq_ignore_ascii_case(own))
            || names
                .iter()
                .any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
    };
    let all: Vec<&[u8]> = list(vary).collect();
    let kept: Vec<&[u8]> = all.iter().copied().filter(stays).collect();
    if kept.is_empty() {
        headers.remove("vary");
    } else if kept.len() < all.len() {
        headers.set("Vary", kept.join(&b", "[..]));
    }
}

/// The headers a behavior forwards, as far as `Vary` may name them.
fn vary_rule(behavior: &Behavior) -> VaryRule {
    let mut names = match &behavior.caching {
        CacheSettings::Policy(policy) => policy.headers.clone(),
        CacheSettings::Legacy(legacy) => match &legacy.headers {
            HeadersAll::All => return VaryRule::All,
            HeadersAll::Listed(names) => names.clone(),
        },
    };
    match behavior
        .origin_request
        .as_ref()
        .map(|policy| &policy.headers)
    {
        None | Some(HeaderSelection::None) => {}
        Some(HeaderSelection::Listed(listed)) => names.extend(listed.iter().cloned()),
        Some(
            HeaderSelection::AllViewer
            | HeaderSelection::AllViewerAnd(_)
            | HeaderSelection::AllExcept(_),
        ) => return VaryRule::All,
    }
    let of_device = |name: &String| name.to_ascii_lowercase().starts_with("cloudfront-is-");
    if names.iter().any(of_device) {
        names.push("User-Agent".to_owned());
    } else {
        names.retain(|name| !name.eq_ignore_ascii_case("user-agent"));
    }
    VaryRule::Names(names)
}
