//! A distribution made ready: what its behaviors mean for keys, origins and viewers, worked out once.

use crate::collapse;
use crate::distribution::{Distribution, Origin, OriginKind, Target};
use crate::exchange::ViewerRequest;
use crate::headers::Headers;
use crate::identity::EdgeHost;
use crate::key::{CacheKey, KeyInput, KeyRules};
use crate::origin_request::{self, Forwarding, GeneratedHeader, OriginRequest};
use crate::pattern::first_match;
use crate::respond::{Asked, ViewerRules};
use crate::selection::Names;
use crate::switches::Switches;
use std::sync::Arc;

/// A distribution in play.
#[derive(Debug)]
pub struct Played {
    /// What it was made from.
    pub distribution: Distribution,
    origins: Vec<Arc<Origin>>,
    behaviors: Vec<Rules>,
}

/// A behavior made ready.
#[derive(Debug)]
struct Rules {
    key: KeyRules,
    forwarding: Forwarding,
    viewer: ViewerRules,
    caches: bool,
    collapses: bool,
    revalidates: bool,
}

impl Played {
    /// Makes a distribution ready.
    #[must_use]
    pub fn new(distribution: Distribution) -> Self {
        let rules = distribution.all_behaviors().map(|behavior| Rules {
            key: KeyRules::of(behavior),
            forwarding: Forwarding::of(behavior),
            viewer: ViewerRules::of(behavior, is_s3(&distribution, behavior.target)),
            caches: collapse::caches(behavior),
            collapses: collapse::may_collapse(behavior),
            revalidates: !collapse::forwards_cookies(behavior),
        });
        Self {
            behaviors: rules.collect(),
            origins: distribution.origins.iter().cloned().map(Arc::new).collect(),
            distribution,
        }
    }

    fn rules(&self, behavior: usize) -> Option<&Rules> {
        self.behaviors.get(behavior)
    }

    pub(crate) fn caches(&self, behavior: usize) -> bool {
        self.rules(behavior).is_some_and(|rules| rules.caches)
    }

    pub(crate) fn collapses(&self, behavior: usize) -> bool {
        self.rules(behavior).is_some_and(|rules| rules.collapses)
    }

    pub(crate) fn revalidates(&self, behavior: usize) -> bool {
        self.rules(behavior).is_some_and(|rules| rules.revalidates)
    }

    pub(crate) fn key(
        &self,
        behavior: usize,
        request: &ViewerRequest,
        switches: &Switches,
    ) -> Option<CacheKey> {
        let rules = self.rules(behavior)?;
        let input = KeyInput {
            domain: &self.distribution.domain,
            method: &request.method,
            target: &request.target,
            headers: &request.headers,
            version: request.version,
            generated: &|name| GeneratedHeader::named(name)?.value(&as_viewer(request)),
        };
        Some(rules.key.key(&input, switches))
    }

    /// The request to an origin; an unknown behavior forwards nothing.
    pub(crate) fn origin_request(
        &self,
        behavior: usize,
        request: &ViewerRequest,
        origin: &Origin,
        edge: &EdgeHost,
        switches: &Switches,
    ) -> OriginRequest {
        let nothing = Forwarding::default();
        let forwarding = self.rules(behavior).map_or(&nothing, |r| &r.forwarding);
        let to = origin_request::Origin {
            domain: origin.domain.clone(),
            path: origin.path.clone(),
            custom_headers: origin.custom_headers.clone(),
        };
        let viewer = as_viewer(request);
        origin_request::origin_request(&viewer, forwarding, None, &to, edge, &request.id, switches)
    }

    /// Whether Lambda@Edge at the origin's side sees the query: only where a policy forwards all of it
    /// (DG:edge-function-restrictions-all).
    pub(crate) fn shows_query(&self, behavior: usize) -> bool {
        let query = self.rules(behavior).map(|rules| &rules.forwarding.query);
        query.is_some_and(|query| {
            query.cache_policy == Names::All || query.origin_request_policy == Names::All
        })
    }

    /// Adds the headers CloudFront generates for this behavior, as a CloudFront Function sees them.
    pub(crate) fn add_generated(
        &self,
        behavior: usize,
        request: &ViewerRequest,
        headers: &mut Headers,
    ) {
        let rules = self.rules(behavior);
        for header in rules.map_or(&[][..], |rules| &rules.forwarding.generated) {
            headers.remove(header.name());
            if let Some(value) = header.value(&as_viewer(request)) {
                headers.add(header.name(), value);
            }
        }
    }

    pub(crate) fn to_viewer(
        &self,
        behavior: usize,
        request: &ViewerRequest,
        headers: &mut Headers,
    ) {
        let asked = Asked {
            method: &request.method,
            headers: &request.headers,
        };
        if let Some(rules) = self.rules(behavior) {
            rules.viewer.apply(&asked, headers);
        }
    }

    pub(crate) fn origins(&self) -> &[Arc<Origin>] {
        &self.origins
    }

    pub(crate) fn origin(&self, at: usize) -> Option<Arc<Origin>> {
        self.origins.get(at).cloned()
    }

    /// The origin of a behavior, or the first of its group.
    pub(crate) fn target_origin(&self, behavior: usize) -> Option<&Origin> {
        let target = self.distribution.behavior(behavior).target;
        target_origin(&self.distribution, target)
    }

    pub(crate) fn shield(&self, behavior: usize) -> Option<&str> {
        self.target_origin(behavior)?.shield.as_deref()
    }

    /// The Maximum TTL that bounds how long an error lives: of the behavior that serves its page, where there is one.
    pub(crate) fn error_max_ttl(&self, behavior: usize, status: u16) -> u64 {
        let page = self
            .distribution
            .error(status)
            .and_then(|e| e.page.as_ref());
        let serving = page.map_or(behavior, |page| {
            let patterns = self
                .distribution
                .behaviors
                .iter()
                .map(|(pattern, _)| pattern);
            first_match(patterns, &page.path).unwrap_or(self.distribution.behaviors.len())
        });
        self.distribution.behavior(serving).caching.ttls().max
    }
}

fn as_viewer(request: &ViewerRequest) -> origin_request::ViewerRequest<'_> {
    origin_request::ViewerRequest {
        method: &request.method,
        target: &request.target,
        version: request.version,
        scheme: request.scheme,
        headers: &request.headers,
        peer: request.peer,
        country: request.country,
    }
}

fn target_origin(distribution: &Distribution, target: Target) -> Option<&Origin> {
    let at = match target {
        Target::Origin(at) => at,
        Target::Group(at) => *distribution.groups.get(at)?.members.first()?,
    };
    distribution.origins.get(at)
}

fn is_s3(distribution: &Distribution, target: Target) -> bool {
    let origin = target_origin(distribution, target);
    origin.is_some_and(|origin| matches!(origin.kind, OriginKind::S3 { .. }))
}
