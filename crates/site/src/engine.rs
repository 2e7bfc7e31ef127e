//! From names to numbers: the site's policies in the form the decision uses.

use crate::{Conditions, Effect, KeyGroup, Mode, Name, Network, Policy, Site, Statement};
use portcullis_policy as engine;
use portcullis_signed_access::{KeyError, PublicKey};
use portcullis_viewer::country::CountrySet;
use portcullis_viewer::set::{AddressSet, TooManyNetworks};
use std::collections::BTreeMap;

/// The addresses of one named network.
#[derive(Debug)]
pub enum NetworkAddresses {
    /// Written in the manifest.
    Fixed(AddressSet),
    /// The snapshot of a managed prefix list, found by its id in the site state and at most so many seconds old.
    PrefixList {
        /// The list's id.
        id: String,
        /// Seconds.
        age_max: u64,
    },
}

/// The policies, networks and key groups of a site, numbered in the order of their names.
#[derive(Debug)]
pub struct Engine {
    policies: BTreeMap<Name, engine::Policy>,
    networks: Vec<(Name, NetworkAddresses)>,
    key_groups: Vec<(Name, portcullis_signed_access::KeyGroup)>,
}

/// Why a site cannot be turned into an engine; a validated site can, except for a key that its library refuses.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A key or its group is refused.
    #[error("key group `{0}`: {1}")]
    KeyGroup(Name, KeyGroupError),
    /// A network has more addresses than a set holds.
    #[error("network `{0}` has too many addresses")]
    Network(Name),
    /// A policy is refused.
    #[error("policy `{0}` cannot be used: {1}")]
    Policy(Name, &'static str),
}

/// Why a key group is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyGroupError {
    /// One of its keys.
    #[error("`{0}`: {1}")]
    Key(String, KeyError),
    /// The keys together.
    #[error(transparent)]
    Group(portcullis_signed_access::KeyGroupError),
}

impl Engine {
    /// Numbers everything in `site`.
    ///
    /// # Errors
    /// A key or policy that cannot be used.
    pub fn new(site: &Site) -> Result<Self, EngineError> {
        let networks = site
            .networks
            .iter()
            .map(|(name, network)| {
                Ok((
                    name.clone(),
                    addresses(network).map_err(|_| EngineError::Network(name.clone()))?,
                ))
            })
            .collect::<Result<_, EngineError>>()?;
        let key_groups = site
            .key_groups
            .iter()
            .map(|(name, group)| {
                Ok((
                    name.clone(),
                    group
                        .verifier()
                        .map_err(|e| EngineError::KeyGroup(name.clone(), e))?,
                ))
            })
            .collect::<Result<_, EngineError>>()?;
        let policies = site
            .policies
            .iter()
            .map(|(name, p)| {
                Ok((
                    name.clone(),
                    policy(site, p).map_err(|why| EngineError::Policy(name.clone(), why))?,
                ))
            })
            .collect::<Result<_, EngineError>>()?;
        Ok(Self {
            policies,
            networks,
            key_groups,
        })
    }

    /// The policy of that name.
    #[must_use]
    pub fn policy(&self, name: &Name) -> Option<&engine::Policy> {
        self.policies.get(name)
    }

    /// The networks; the position of each is its [`engine::NetworkIndex`].
    #[must_use]
    pub fn networks(&self) -> &[(Name, NetworkAddresses)] {
        &self.networks
    }

    /// The key groups; the position of each is its [`engine::KeyGroupIndex`].
    #[must_use]
    pub fn key_groups(&self) -> &[(Name, portcullis_signed_access::KeyGroup)] {
        &self.key_groups
    }
}

impl KeyGroup {
    /// The keys, ready to verify with.
    ///
    /// # Errors
    /// [`KeyGroupError`], never for a site that was validated.
    pub fn verifier(&self) -> Result<portcullis_signed_access::KeyGroup, KeyGroupError> {
        let keys = self.public_keys.iter().map(|key| {
            let parsed = PublicKey::from_pem(&key.pem)
                .map_err(|e| KeyGroupError::Key(key.file.clone(), e))?;
            Ok((key.id.clone(), parsed))
        });
        let keys = keys.collect::<Result<Vec<_>, KeyGroupError>>()?;
        portcullis_signed_access::KeyGroup::new(keys, &self.algorithms)
            .map_err(KeyGroupError::Group)
    }
}

fn addresses(network: &Network) -> Result<NetworkAddresses, TooManyNetworks> {
    Ok(match network {
        Network::Addresses(list) => {
            NetworkAddresses::Fixed(AddressSet::from_networks(list.iter().copied())?)
        }
        Network::PrefixList { id, max_age } => NetworkAddresses::PrefixList {
            id: id.clone(),
            age_max: max_age.get(),
        },
    })
}

fn policy(site: &Site, policy: &Policy) -> Result<engine::Policy, &'static str> {
    let statements = policy
        .statements
        .iter()
        .map(|s| statement(site, s))
        .collect::<Result<_, _>>()?;
    let mode = match policy.mode {
        Mode::Enforce => engine::Mode::Enforce,
        Mode::Report => engine::Mode::Report,
    };
    engine::Policy::new(statements, mode).map_err(|error| match error {
        engine::PolicyError::Empty => "it has no statement",
        engine::PolicyError::TooManyStatements => "it has too many statements",
        engine::PolicyError::TooManyKeyGroups => "it asks for more than 4 key groups",
    })
}

fn statement(site: &Site, statement: &Statement) -> Result<engine::Statement, &'static str> {
    let effect = match statement.effect {
        Effect::Allow => engine::Effect::Allow,
        Effect::Deny => engine::Effect::Deny,
    };
    let when = statement
        .when
        .as_ref()
        .map(|when| conditions(site, when))
        .transpose()?;
    Ok(engine::Statement { effect, when })
}

fn conditions(site: &Site, when: &Conditions) -> Result<engine::Conditions, &'static str> {
    let networks = when
        .networks
        .as_ref()
        .map(|names| networks(site, names))
        .transpose()?;
    let asks_country = when.countries.is_some() || when.unknown_country;
    let countries = asks_country.then(|| engine::CountryCondition {
        countries: when
            .countries
            .iter()
            .flatten()
            .copied()
            .collect::<CountrySet>(),
        unknown: when.unknown_country,
    });
    let signed_by = when
        .signed_by
        .as_ref()
        .map(|name| {
            position(site.key_groups.keys(), name)
                .and_then(engine::KeyGroupIndex::new)
                .ok_or("it names an unknown key group")
        })
        .transpose()?;
    engine::Conditions::new(networks, countries, signed_by)
        .map_err(|_| "a statement has no condition or an empty list")
}

fn networks(site: &Site, names: &[Name]) -> Result<engine::Networks, &'static str> {
    names.iter().try_fold(engine::Networks::NONE, |set, name| {
        let index = position(site.networks.keys(), name).and_then(engine::NetworkIndex::new);
        index
            .map(|i| set.with(i))
            .ok_or("it names an unknown network")
    })
}

fn position<'a>(mut names: impl Iterator<Item = &'a Name>, name: &Name) -> Option<usize> {
    names.position(|n| n == name)
}
