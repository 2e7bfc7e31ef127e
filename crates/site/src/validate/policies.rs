//! Policies: references, empty lists, statements that can never match or are never reached.

use super::{Faults, LIMITS, Rule};
use crate::{Conditions, Effect, Name, Network, Policy, Site, Statement};
use ipnet::IpNet;
use portcullis_viewer::set::AddressSet;
use std::collections::BTreeSet;

pub(super) fn validate(site: &Site, faults: &mut Faults) {
    for (name, group) in &site.key_groups {
        key_group(name.as_str(), group, faults);
    }
    for (name, policy) in &site.policies {
        let place = ["policies", name.as_str()];
        faults.limit(
            &place,
            "statements",
            policy.statements.len(),
            LIMITS.statements,
        );
        if policy.statements.is_empty() {
            faults.add(Rule::EmptyRule, &place, "the policy has no statement", "a policy without statements refuses everyone; write `- { deny: any }` to mean that");
        }
        candidate(site, name, policy, faults);
        for (i, statement) in policy.statements.iter().enumerate() {
            let index = i.to_string();
            let place = ["policies", name.as_str(), &index];
            conditions(site, statement, &place, faults);
            let earlier = policy
                .statements
                .iter()
                .take(i)
                .position(|e| always_first(site, e, statement));
            if let Some(first) = earlier {
                faults.add(
                    Rule::Unreachable,
                    &place,
                    format!(
                        "statement {} is unreachable: statement {} matches whenever it does",
                        i + 1,
                        first + 1
                    ),
                    "remove it or move it up",
                );
            }
        }
    }
}

/// A candidate is another policy, tried alone, that asks for no signature that does not reach the gateway.
fn candidate(site: &Site, name: &Name, policy: &Policy, faults: &mut Faults) {
    let Some(candidate) = &policy.candidate else {
        return;
    };
    let place = ["policies", name.as_str(), "candidate"];
    let Some(tried) = site.policies.get(candidate) else {
        let known = site.policies.keys().map(Name::as_str);
        faults.unknown(
            Rule::UnknownPolicy,
            &place,
            "policy",
            candidate.as_str(),
            known,
        );
        return;
    };
    if candidate == name || tried.candidate.is_some() {
        let why = "a candidate is another policy that has no candidate itself";
        faults.add(
            Rule::Enforcement,
            &place,
            why,
            "name the policy that is tried",
        );
    }
    let groups = |policy: &Policy| -> BTreeSet<Name> {
        let conditions = policy.statements.iter().filter_map(|s| s.when.as_ref());
        conditions
            .filter_map(|when| when.signed_by.clone())
            .collect()
    };
    if let Some(group) = groups(tried).difference(&groups(policy)).next() {
        faults.add(
            Rule::Enforcement,
            &place,
            format!("`{candidate}` asks for a signature of `{group}`, which is not forwarded for `{name}`"),
            "a signature can be tried only where the policy asks for it already",
        );
    }
}

fn key_group(name: &str, group: &crate::KeyGroup, faults: &mut Faults) {
    if group.public_keys.is_empty() {
        faults.add(
            Rule::KeyGroup,
            &["key_groups", name, "public_keys"],
            "the list is empty",
            "name at least one PEM file",
        );
        return;
    }
    if group.algorithms.is_empty() {
        faults.add(
            Rule::KeyGroup,
            &["key_groups", name, "algorithms"],
            "the list is empty",
            "name at least one, such as RSA-SHA256",
        );
        return;
    }
    if let Err(error) = group.verifier() {
        faults.add(Rule::KeyGroup,
            &["key_groups", name],
            error.to_string(),
            "each key group has 1 to 5 different keys (RSA 2048 to 4096, or ECDSA P-256), each with an algorithm of its kind",
        );
    }
}

fn conditions(site: &Site, statement: &Statement, place: &[&str; 3], faults: &mut Faults) {
    let verb = match statement.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let Some(when) = &statement.when else { return };
    let at = |key| [place[0], place[1], place[2], verb, key];
    if when.networks.is_none()
        && when.countries.is_none()
        && !when.unknown_country
        && when.signed_by.is_none()
    {
        faults.add(
            Rule::EmptyRule,
            &at("")[..4],
            "the statement has no condition",
            "write `any` to mean every viewer",
        );
    }
    if let Some(networks) = &when.networks {
        if networks.is_empty() {
            faults.add(
                Rule::EmptyRule,
                &at("networks"),
                "the list is empty",
                "an empty list matches nobody; name a network or remove the condition",
            );
        }
        for network in networks.iter().filter(|n| !site.networks.contains_key(*n)) {
            faults.unknown(
                Rule::UnknownNetwork,
                &at("networks"),
                "network",
                network.as_str(),
                site.networks.keys().map(Name::as_str),
            );
        }
    }
    if when.countries.as_ref().is_some_and(Vec::is_empty) && !when.unknown_country {
        faults.add(
            Rule::EmptyRule,
            &at("countries"),
            "the list is empty",
            "an empty list matches nobody; name a country or remove the condition",
        );
    }
    if statement.effect == Effect::Allow && when.unknown_country {
        faults.add(
            Rule::UnknownAllowed,
            &at("countries"),
            "`unknown` cannot be allowed",
            "an unknown country satisfies no `allow`; use it in a `deny`",
        );
    }
    if let Some(group) = &when.signed_by
        && !site.key_groups.contains_key(group)
    {
        faults.unknown(
            Rule::UnknownKeyGroup,
            &at("signed_by"),
            "key group",
            group.as_str(),
            site.key_groups.keys().map(Name::as_str),
        );
    }
}

/// Whether `earlier` matches whenever `later` does, whatever is unknown. A `deny` takes unknowns, an `allow` does not; so
/// an `allow` never hides a conditional `deny`.
fn always_first(site: &Site, earlier: &Statement, later: &Statement) -> bool {
    let (Some(first), Some(then)) = (&earlier.when, &later.when) else {
        return earlier.when.is_none();
    };
    if earlier.effect == Effect::Allow && later.effect == Effect::Deny {
        return false;
    }
    networks_within(site, first, then)
        && countries_within(first, then)
        && signature_within(first, then)
}

fn networks_within(site: &Site, first: &Conditions, then: &Conditions) -> bool {
    let Some(outer) = &first.networks else {
        return true;
    };
    let Some(inner) = &then.networks else {
        return false;
    };
    if inner.iter().all(|n| outer.contains(n)) {
        return true;
    }
    let (Some(outer), Some(inner)) = (addresses(site, outer), addresses(site, inner)) else {
        return false;
    };
    AddressSet::from_networks(outer).is_ok_and(|outer| {
        inner
            .into_iter()
            .all(|network| outer.contains_network(network))
    })
}

/// The addresses of the named networks, if all of them are written in the manifest.
fn addresses(site: &Site, names: &[Name]) -> Option<Vec<IpNet>> {
    let mut all = Vec::new();
    for name in names {
        match site.networks.get(name)? {
            Network::Addresses(list) => all.extend(list.iter().copied()),
            Network::PrefixList { .. } => return None,
        }
    }
    Some(all)
}

fn countries_within(first: &Conditions, then: &Conditions) -> bool {
    let asks = |c: &Conditions| c.countries.is_some() || c.unknown_country;
    if !asks(first) {
        return true;
    }
    let outer = first.countries.as_deref().unwrap_or_default();
    let inner = then.countries.as_deref().unwrap_or_default();
    asks(then)
        && inner.iter().all(|c| outer.contains(c))
        && (first.unknown_country || !then.unknown_country)
}

fn signature_within(first: &Conditions, then: &Conditions) -> bool {
    first.signed_by.is_none() || first.signed_by == then.signed_by
}
