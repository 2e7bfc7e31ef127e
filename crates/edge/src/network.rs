//! The network: points of presence with their caches, regional edge caches and Origin Shield behind them, and the
//! distributions they play.
//!
//! A request is an [`Exchange`] that the caller drives: [`Network::advance`] takes what happened and says what to do next.
//! Nothing here opens a connection, reads a clock or starts anything.
//!
//! - all copies of all tiers share one store and its limit;
//! - of several exchanges for the same absent object one goes to the origin, and the others wait for it;
//! - each point of presence has its own version of a distribution, so that a change can spread at its own pace; the
//!   caches outlive a change, as CloudFront's do.

use crate::alias;
use crate::distribution::Distribution;
use crate::exchange::{Exchange, ViewerRequest};
use crate::identity::EdgeHost;
use crate::key::CacheKey;
use crate::played::Played;
use crate::store::{Copy, Fill, Store, Tier};
use crate::switches::Switches;
use crate::trace::Layer;
use portcullis_viewer::country::CountrySet;
use std::collections::HashMap;
use std::sync::Arc;

/// The most points of presence.
pub const POPS_MAX: usize = 256;
/// The most distributions.
pub const DISTRIBUTIONS_MAX: usize = 64;

const REGIONAL: u16 = 0x1000;
const SHIELD: u16 = 0x2000;

/// A point of presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pop {
    /// Its name, as `X-Amz-Cf-Pop` shows it.
    pub name: String,
    /// The AWS region of its regional edge cache.
    pub region: String,
    /// The countries whose viewers come to it; none for those that no other takes.
    pub countries: CountrySet,
}

/// What a network is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Points of presence, at least one; viewers that no other takes come to the first.
    pub pops: Vec<Pop>,
    /// Whether regional edge caches are played.
    pub regional_caches: bool,
    /// Whether a host that is no distribution's reaches the only distribution there is: how a laptop is used.
    pub any_host: bool,
    /// Bytes that all copies together may take.
    pub store_bytes_max: usize,
    /// The largest object that is kept, in bytes.
    pub object_bytes_max: usize,
    /// The readings of open questions.
    pub switches: Switches,
    /// Random bytes that name the edge in `Via`.
    pub edge: [u8; 16],
    /// A random number that spreads keys over the store.
    pub seed: u64,
}

impl Settings {
    /// One point of presence, regional caches on, 256 MiB.
    #[must_use]
    pub fn local(edge: [u8; 16], seed: u64) -> Self {
        Self {
            pops: vec![Pop {
                name: crate::identity::POP.to_owned(),
                region: "us-east-1".to_owned(),
                countries: CountrySet::default(),
            }],
            regional_caches: true,
            any_host: true,
            store_bytes_max: 256 << 20,
            object_bytes_max: 32 << 20,
            switches: Switches::default(),
            edge,
            seed,
        }
    }
}

/// A request to an origin that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flight(pub u64);

/// The network.
#[derive(Debug)]
pub struct Network {
    pub(crate) settings: Settings,
    pub(crate) edge: EdgeHost,
    pub(crate) store: Store,
    distributions: Vec<Vec<Arc<Played>>>,
    flights: HashMap<(Tier, CacheKey), Flight>,
    landed: Vec<Flight>,
    flights_begun: u64,
}

/// Why a distribution is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInstalled {
    /// There are [`DISTRIBUTIONS_MAX`] already.
    #[error("at most {DISTRIBUTIONS_MAX} distributions are played at once")]
    TooMany,
}

impl Network {
    /// A network with empty caches.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            edge: EdgeHost::new(settings.edge),
            store: Store::new(settings.store_bytes_max, settings.seed),
            settings,
            distributions: Vec::new(),
            flights: HashMap::new(),
            landed: Vec::new(),
            flights_begun: 0,
        }
    }

    /// Plays a distribution at every point of presence, in place of an earlier version with its id.
    ///
    /// # Errors
    /// [`NotInstalled`]
    pub fn install(&mut self, distribution: Distribution) -> Result<(), NotInstalled> {
        let played = Arc::new(Played::new(distribution));
        if let Some(versions) = self.versions_mut(&played.distribution.id) {
            versions.fill(played);
        } else if self.distributions.len() == DISTRIBUTIONS_MAX {
            return Err(NotInstalled::TooMany);
        } else {
            let everywhere = vec![played; self.settings.pops.len()];
            self.distributions.push(everywhere);
        }
        Ok(())
    }

    /// Plays another version of a distribution at one point of presence. Nothing happens to one that is not installed.
    pub fn switch_over(&mut self, pop: usize, played: &Arc<Played>) {
        let versions = self.versions_mut(&played.distribution.id);
        if let Some(version) = versions.and_then(|versions| versions.get_mut(pop)) {
            *version = Arc::clone(played);
        }
    }

    /// The version of a distribution at a point of presence.
    #[must_use]
    pub fn played(&self, id: &str, pop: usize) -> Option<&Arc<Played>> {
        let versions = self.distributions.iter().find(|versions| is(versions, id));
        versions?.get(pop)
    }

    fn versions_mut(&mut self, id: &str) -> Option<&mut Vec<Arc<Played>>> {
        self.distributions
            .iter_mut()
            .find(|versions| is(versions, id))
    }

    /// The distribution that serves a host at a point of presence.
    pub(crate) fn serving(&self, pop: usize, host: &str) -> Option<&Arc<Played>> {
        let mut here = self.distributions.iter().filter_map(|v| v.get(pop));
        let named = alias::best(here.clone().map(|p| &p.distribution), host);
        match named {
            Some(at) => here.nth(at),
            None if self.settings.any_host && self.distributions.len() == 1 => here.next(),
            None => None,
        }
    }

    /// The point of presence a request comes to: the first one that takes its country, else the first that names none,
    /// else the first.
    #[must_use]
    pub fn pop_for(&self, request: &ViewerRequest) -> usize {
        let takes = |pop: &Pop| request.country.is_some_and(|c| pop.countries.contains(c));
        let pops = &self.settings.pops;
        let open = || pops.iter().position(|pop| pop.countries.is_empty());
        pops.iter().position(takes).or_else(open).unwrap_or(0)
    }

    /// The point of presence with a name.
    #[must_use]
    pub fn pop_named(&self, name: &str) -> Option<usize> {
        self.settings.pops.iter().position(|pop| pop.name == name)
    }

    /// What the network is made of.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes other readings of open questions; requests under way keep theirs for what is already decided.
    pub fn set_switches(&mut self, switches: Switches) {
        self.settings.switches = switches;
    }

    /// How full the store is.
    #[must_use]
    pub fn fill(&self) -> Fill {
        self.store.fill()
    }

    /// All copies, the oldest first.
    pub fn copies(&self) -> impl Iterator<Item = (Tier, &CacheKey, &Arc<Copy>)> {
        self.store.iter()
    }

    /// Puts a copy back that was kept elsewhere, such as on disk. Returns whether there was room.
    pub fn restore(&mut self, tier: Tier, key: CacheKey, copy: Copy) -> bool {
        self.store.insert(tier, key, Arc::new(copy))
    }

    /// Removes every copy that `goes` names, at every tier. Returns how many went.
    pub fn remove_if(&mut self, goes: impl FnMut(Tier, &CacheKey, &Copy) -> bool) -> usize {
        self.store.remove_if(goes)
    }

    /// Requests to origins that ended since this was last asked; whoever waits for one goes on with
    /// [`Event::Landed`](crate::exchange::Event::Landed).
    pub fn landed(&mut self) -> Vec<Flight> {
        std::mem::take(&mut self.landed)
    }

    /// The tiers a request for a cacheable object passes, the edge first.
    pub(crate) fn tiers(&self, pop: usize, shield: Option<&str>) -> Tiers {
        let mut tiers = Tiers::default();
        tiers.push(Tier(number(pop)), Layer::Edge);
        let region = self.settings.pops.get(pop).map(|pop| pop.region.as_str());
        if !self.settings.regional_caches {
            return tiers;
        }
        tiers.push(Tier(REGIONAL + self.region_number(region)), Layer::Regional);
        if let Some(shield) = shield.filter(|shield| Some(*shield) != region) {
            let at = Tier(SHIELD + self.region_number(Some(shield)));
            tiers.push(at, Layer::Shield);
        }
        tiers
    }

    /// A number for a region: that of the first point of presence there, or a digest of its name.
    fn region_number(&self, region: Option<&str>) -> u16 {
        let Some(region) = region else { return 0 };
        let known = self.settings.pops.iter().position(|p| p.region == region);
        known.map_or_else(|| 0x800 | (digest(region) & 0x7ff), number)
    }

    /// The name of a tier, for reports.
    #[must_use]
    pub fn tier_name(&self, tier: Tier) -> String {
        let pop = |at: u16| self.settings.pops.get(usize::from(at));
        match tier.0 {
            at if at >= SHIELD => "Origin Shield".to_owned(),
            at if at >= REGIONAL => pop(at - REGIONAL)
                .map_or_else(|| "REC".to_owned(), |pop| format!("REC {}", pop.region)),
            at => pop(at).map_or_else(String::new, |pop| pop.name.clone()),
        }
    }

    pub(crate) fn flight(&self, tier: Tier, key: &CacheKey) -> Option<Flight> {
        // The look-up wants an owned key; flights are rare beside hits.
        self.flights.get(&(tier, key.clone())).copied()
    }

    pub(crate) fn take_off(&mut self, tier: Tier, key: &CacheKey) -> Flight {
        self.flights_begun += 1;
        let flight = Flight(self.flights_begun);
        self.flights.insert((tier, key.clone()), flight);
        flight
    }

    pub(crate) fn land(&mut self, tier: Tier, key: &CacheKey, flight: Flight) {
        let at = (tier, key.clone());
        if self.flights.get(&at) == Some(&flight) {
            self.flights.remove(&at);
            self.landed.push(flight);
        }
    }

    /// Gives up an exchange whose viewer is gone, so that nobody waits for it.
    pub fn abandon(&mut self, exchange: &mut Exchange) {
        if let Some((tier, key, flight)) = exchange.flight.take() {
            self.land(tier, &key, flight);
        }
    }
}

/// At most three tiers, the edge first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tiers {
    at: [Option<(Tier, Layer)>; 3],
}

impl Tiers {
    fn push(&mut self, tier: Tier, layer: Layer) {
        if let Some(place) = self.at.iter_mut().find(|place| place.is_none()) {
            *place = Some((tier, layer));
        }
    }

    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = (Tier, Layer)> {
        self.at.into_iter().flatten()
    }

    /// The one next to the origin, where requests for the same object meet.
    pub(crate) fn last(self) -> Tier {
        self.iter().next_back().map_or(Tier(0), |(tier, _)| tier)
    }
}

fn is(versions: &[Arc<Played>], id: &str) -> bool {
    versions.first().is_some_and(|p| p.distribution.id == id)
}

fn number(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX) & 0x0fff
}

fn digest(text: &str) -> u16 {
    text.bytes().fold(7, |sum: u16, byte| {
        sum.wrapping_mul(31).wrapping_add(u16::from(byte))
    })
}
