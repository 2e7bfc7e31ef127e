//! The caches: who has a copy, may it be served, and if not, who goes to the origin.

use super::{Asking, Exchange, Next, State};
use crate::key::CacheKey;
use crate::network::{Network, Tiers};
use crate::played::Played;
use crate::stale::{OriginReply, Serving};
use crate::store::{Copy, Tier};
use crate::trace::{Bypass, Found, Layer, ResultType, Step};
use std::sync::Arc;

/// What the tiers had.
struct Lookup {
    /// The first copy in its lifetime, and where it lay.
    fresh: Option<(Arc<Copy>, Layer)>,
    /// The first copy beyond it.
    expired: Option<Arc<Copy>>,
}

impl Network {
    pub(super) fn consult(&mut self, exchange: &mut Exchange, now_ms: u64) -> Next {
        let Some(played) = exchange.played.clone() else {
            return self.out_of_order(exchange, now_ms);
        };
        if let Some(why) = bypass(exchange, &played) {
            exchange.trace.steps.push(Step::Bypassed(why));
            return self.ask_origin(exchange, Asking::uncached(), now_ms);
        }
        let key = played.key(
            exchange.behavior,
            &exchange.request,
            &self.settings.switches,
        );
        let Some(key) = key else {
            return self.out_of_order(exchange, now_ms);
        };
        let tiers = self.tiers_of(exchange, &played);
        let lookup = self.look_up(exchange, &key, tiers, now_ms);
        if exchange.page.is_none() {
            exchange.trace.key.get_or_insert_with(|| key.clone());
        }
        match lookup {
            Lookup {
                fresh: Some((copy, layer)),
                ..
            } => self.hit(exchange, &key, &copy, (tiers, layer), now_ms),
            Lookup {
                fresh: None,
                expired,
            } => self.miss(exchange, &played, key, tiers, expired, now_ms),
        }
    }

    fn look_up(
        &mut self,
        exchange: &mut Exchange,
        key: &CacheKey,
        tiers: Tiers,
        now_ms: u64,
    ) -> Lookup {
        let mut lookup = Lookup {
            fresh: None,
            expired: None,
        };
        for (tier, layer) in tiers.iter() {
            let copy = self.store.get(tier, key).cloned();
            let found = found(copy.as_deref(), now_ms);
            exchange
                .trace
                .steps
                .push(Step::Asked { tier, layer, found });
            match (copy, found) {
                (Some(copy), Found::Fresh { .. }) if exchange.can_use(&copy) => {
                    lookup.fresh = Some((copy, layer));
                    break;
                }
                // An expired error is no representation: it neither stands in nor is refreshed.
                (Some(copy), Found::Expired { .. }) if !copy.is_error() => {
                    lookup.expired.get_or_insert(copy);
                }
                (Some(_) | None, _) => {}
            }
        }
        lookup
    }

    fn hit(
        &mut self,
        exchange: &mut Exchange,
        key: &CacheKey,
        copy: &Arc<Copy>,
        (tiers, layer): (Tiers, Layer),
        now_ms: u64,
    ) -> Next {
        if layer != Layer::Edge {
            let carried = self.carried_down(copy, now_ms);
            for (tier, _) in tiers.iter().take_while(|(_, at)| *at != layer) {
                self.store.insert(tier, key.clone(), Arc::clone(&carried));
            }
        }
        let detailed = if layer == Layer::Shield {
            "OriginShieldHit"
        } else {
            "Hit"
        };
        self.serve_copy(exchange, copy, ResultType::Hit, detailed, now_ms)
    }

    fn miss(
        &mut self,
        exchange: &mut Exchange,
        played: &Played,
        key: CacheKey,
        tiers: Tiers,
        expired: Option<Arc<Copy>>,
        now_ms: u64,
    ) -> Next {
        let meeting = tiers.last();
        let flight = self.flight(meeting, &key);
        if let Some(copy) = &expired {
            if copy.stands_in_until_ms > now_ms {
                return self.serve_stale(exchange, copy, Serving::StaleByDefault, now_ms);
            }
            if !exchange.is_background && !copy.always_asks && refreshes_in_background(copy, now_ms)
            {
                let background = flight.is_none().then(|| Box::new(exchange.in_background()));
                let stale = Serving::StaleAsyncRefresh;
                return self.serve_stale_and(exchange, copy, stale, background, now_ms);
            }
        }
        let collapses = played.collapses(exchange.behavior) && exchange.may_be_shared();
        match flight {
            Some(flight) if collapses && !exchange.waited => {
                exchange.waited = true;
                exchange.trace.steps.push(Step::Collapsed);
                exchange.state = State::Waiting;
                return Next::Wait(flight);
            }
            None if collapses => {
                let flight = self.take_off(meeting, &key);
                exchange.flight = Some((meeting, key.clone(), flight));
            }
            Some(_) | None => {}
        }
        let conditional = played.revalidates(exchange.behavior)
            && expired.as_ref().is_some_and(|copy| copy.has_validator());
        let asking = Asking {
            key: Some(key),
            stale: expired,
            conditional,
            ..Asking::uncached()
        };
        self.ask_origin(exchange, asking, now_ms)
    }

    pub(super) fn tiers_of(&self, exchange: &Exchange, played: &Played) -> Tiers {
        let shield = played.shield(exchange.behavior);
        self.tiers(exchange.pop, shield)
    }
}

/// RFC 9111 would let the lifetime go on; whether CloudFront's tiers do is a switch.
impl Network {
    fn carried_down(&self, copy: &Arc<Copy>, now_ms: u64) -> Arc<Copy> {
        let mut carried = Copy::clone(copy);
        carried.age_at_start = copy.age(now_ms);
        carried.since_ms = now_ms;
        if self.settings.switches.tier_lifetime == crate::switches::TierLifetime::Remaining {
            carried.ttl = copy.ttl.saturating_sub(copy.resident(now_ms));
            carried.max_ttl = copy.max_ttl.saturating_sub(copy.resident(now_ms));
        }
        Arc::new(carried)
    }
}

fn found(copy: Option<&Copy>, now_ms: u64) -> Found {
    match copy {
        None => Found::Nothing,
        Some(copy) if copy.is_fresh(now_ms) => Found::Fresh {
            age: copy.age(now_ms),
            remaining: copy.ttl - copy.resident(now_ms),
        },
        Some(copy) => Found::Expired {
            age: copy.age(now_ms),
        },
    }
}

fn refreshes_in_background(copy: &Copy, now_ms: u64) -> bool {
    let serving = copy
        .staleness(now_ms)
        .serve(OriginReply::Status(200), crate::switches::StaleLimit::None);
    serving == Serving::StaleAsyncRefresh
}

fn bypass(exchange: &Exchange, played: &Played) -> Option<Bypass> {
    let behavior = played.distribution.behavior(exchange.behavior);
    let cached = match exchange.request.method.as_str() {
        "GET" | "HEAD" => true,
        "OPTIONS" => behavior.caches_options,
        _ => false,
    };
    if !cached {
        Some(Bypass::Method)
    } else if !played.caches(exchange.behavior) {
        Some(Bypass::CachingDisabled)
    } else {
        None
    }
}

impl Asking {
    pub(super) fn uncached() -> Self {
        Self {
            key: None,
            stale: None,
            conditional: false,
            second: false,
            changed: None,
            generated: None,
        }
    }
}

impl Exchange {
    /// Whether a copy answers this request: parts answer only ranges that lie in one of them.
    fn can_use(&self, copy: &Copy) -> bool {
        match &copy.body {
            crate::store::Body::Whole(_) => true,
            crate::store::Body::Parts(parts) => {
                self.request.method == "GET" && self.part_of(parts).is_some()
            }
        }
    }

    /// Whether an answer to this request would answer another one with the same key.
    fn may_be_shared(&self) -> bool {
        let headers = &self.request.headers;
        let own = [
            "range",
            "if-none-match",
            "if-modified-since",
            "if-match",
            "if-unmodified-since",
        ];
        self.request.method != "HEAD" && own.iter().all(|name| headers.get(name).is_none())
    }

    /// The same request without its viewer, to refresh a copy.
    fn in_background(&self) -> Self {
        let mut background = Self::new(self.request.clone(), self.pop);
        for name in [
            "if-none-match",
            "if-modified-since",
            "if-match",
            "if-unmodified-since",
            "range",
            "if-range",
        ] {
            background.request.headers.remove(name);
        }
        if background.request.method == "HEAD" {
            background.request.method = "GET".to_owned();
        }
        background.played.clone_from(&self.played);
        background.behavior = self.behavior;
        background.trace.behavior = self.trace.behavior;
        background.is_background = true;
        background.state = State::Waiting;
        background
    }
}

impl Copy {
    pub(super) fn has_validator(&self) -> bool {
        let whole = matches!(self.body, crate::store::Body::Whole(_));
        let named =
            self.headers.get("etag").is_some() || self.headers.get("last-modified").is_some();
        whole && named && !self.always_asks && self.status == 200
    }
}

/// The tiers a copy is written to, by their number alone.
pub(super) fn places(tiers: Tiers) -> impl Iterator<Item = Tier> {
    tiers.iter().map(|(tier, _)| tier)
}
