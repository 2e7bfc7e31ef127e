//! A checked tree becomes a site, with every default written out.
//!
//! Always holds: reading never stops. Where a value was refused something harmless stands in its place, so that indices
//! stay those of the file and the site's own rules can still find every other fault.

pub(crate) mod access;
mod behaviors;
mod content;
pub(crate) mod policies;

use crate::diagnostic::Sink;
use crate::files::Files;
use crate::view::View;
use portcullis_site::{Host, Name, Site};
use std::collections::BTreeMap;

/// One day in seconds.
pub(crate) const DAY: u64 = 86_400;

/// What readers share.
pub(crate) struct Reading<'s, 'd> {
    pub(crate) sink: &'d mut Sink<'s>,
    pub(crate) files: &'d dyn Files,
}

impl Reading<'_, '_> {
    /// Reads the whole manifest.
    pub(crate) fn site(&mut self, root: View) -> Site {
        let networks = access::networks(root.get("networks"));
        let own_groups = self.own_groups(root.get("geo").get("groups"));
        let policies = self.policies(root.get("policies"), &own_groups);
        let behaviors = self.behaviors(root.get("behaviors"), &policies);
        let origins = content::origins(root.get("origins"));
        Site {
            site: root.get("site").parse(Name::new).unwrap_or_else(stand_in),
            hosts: root.get("hosts").list(|host| host.parse(Host::new)),
            certificate: root.get("certificate").text().map(str::to_owned),
            hosted_zone: root.get("dns").get("hosted_zone").parse(Host::new),
            viewer_tls: root
                .get("viewer_tls")
                .text()
                .unwrap_or("TLSv1.2_2021")
                .to_owned(),
            origin_shield: root.get("origin_shield").text().map(str::to_owned),
            origin_groups: content::origin_groups(root.get("origin_groups")),
            guard: access::guard(root.get("guard")),
            geo: access::geo(root.get("geo"), &own_groups, &policies),
            key_groups: self.key_groups(root.get("key_groups")),
            releases: content::releases(root.get("releases"), &origins),
            errors: content::errors(root.get("errors")),
            origins,
            networks,
            policies,
            behaviors,
        }
    }
}

/// A name that no manifest can contain by accident, in place of one that was refused.
pub(crate) fn stand_in() -> Name {
    const WORD: &str = "refused.3f1c9a52d0e84b67";
    #[expect(
        clippy::expect_used,
        reason = "the constant is a name; a test would fail otherwise"
    )]
    Name::new(WORD).expect("a constant name")
}

/// The entries of a map by name; of a name that stands twice the first, and of a refused name none.
pub(crate) fn named<'n, T>(
    map: View<'n>,
    value: impl Fn(&'n str, View<'n>) -> T,
) -> BTreeMap<Name, T> {
    let mut all = BTreeMap::new();
    for (key, view) in map.entries() {
        if let Ok(name) = Name::new(key) {
            all.entry(name).or_insert_with(|| value(key, view));
        }
    }
    all
}
