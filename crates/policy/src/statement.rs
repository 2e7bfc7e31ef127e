//! A policy in the form a decision uses: numbered networks and key groups, countries as a set of bits.

use portcullis_viewer::country::CountrySet;

/// Named networks of one site.
pub const NETWORKS_MAX: usize = 128;
/// Key groups of one site.
pub const KEY_GROUPS_MAX: usize = 32;
/// Key groups one policy may ask for (CloudFront's limit for a behavior).
pub const KEY_GROUPS_PER_POLICY_MAX: usize = 4;
/// Statements of one policy.
pub const STATEMENTS_MAX: usize = 256;

/// The number of a named network.
///
/// - Less than [`NETWORKS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetworkIndex(u8);

impl NetworkIndex {
    /// The network numbered `index`, if there can be one.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index)
            .ok()
            .filter(|i| usize::from(*i) < NETWORKS_MAX)
            .map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// The number of a key group.
///
/// - Less than [`KEY_GROUPS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyGroupIndex(u8);

impl KeyGroupIndex {
    /// The key group numbered `index`, if there can be one.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index)
            .ok()
            .filter(|i| usize::from(*i) < KEY_GROUPS_MAX)
            .map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// A set of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Networks(u128);

impl Networks {
    /// No network.
    pub const NONE: Self = Self(0);

    /// The set with `network` added.
    #[must_use]
    pub fn with(self, network: NetworkIndex) -> Self {
        Self(self.0 | (1 << network.0))
    }

    /// Whether the sets share a network.
    #[must_use]
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The networks in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = NetworkIndex> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let next = u8::try_from(rest.trailing_zeros())
                .ok()
                .filter(|_| rest != 0)?;
            rest &= rest - 1;
            Some(NetworkIndex(next))
        })
    }
}

/// What a matching statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Admits.
    Allow,
    /// Refuses.
    Deny,
}

/// The countries a statement asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountryCondition {
    /// These countries.
    pub countries: CountrySet,
    /// And an unknown one.
    pub unknown: bool,
}

/// The conditions of a statement; all of them must hold.
///
/// - At least one is present.
/// - The set of networks is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    networks: Option<Networks>,
    countries: Option<CountryCondition>,
    signed_by: Option<KeyGroupIndex>,
}

/// Conditions that would admit or refuse everybody by accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionsError {
    /// None is present.
    None,
    /// A list is empty.
    EmptyList,
}

impl Conditions {
    /// Conditions of a statement that is not `any`.
    ///
    /// # Errors
    /// None present, or an empty list: nothing empty means everyone.
    pub fn new(
        networks: Option<Networks>,
        countries: Option<CountryCondition>,
        signed_by: Option<KeyGroupIndex>,
    ) -> Result<Self, ConditionsError> {
        if networks.is_none() && countries.is_none() && signed_by.is_none() {
            return Err(ConditionsError::None);
        }
        let empty = |c: CountryCondition| c.countries.is_empty() && !c.unknown;
        if networks.is_some_and(Networks::is_empty) || countries.is_some_and(empty) {
            return Err(ConditionsError::EmptyList);
        }
        Ok(Self {
            networks,
            countries,
            signed_by,
        })
    }

    /// The networks asked for.
    #[must_use]
    pub fn networks(&self) -> Option<Networks> {
        self.networks
    }

    /// The countries asked for.
    #[must_use]
    pub fn countries(&self) -> Option<CountryCondition> {
        self.countries
    }

    /// The key group whose signature is asked for.
    #[must_use]
    pub fn signed_by(&self) -> Option<KeyGroupIndex> {
        self.signed_by
    }
}

/// One statement; no conditions is the manifest's `any`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// What it does.
    pub effect: Effect,
    /// When it matches.
    pub when: Option<Conditions>,
}

/// Whether refusals bite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    Enforce,
    /// They are reported and the request is admitted.
    Report,
}

/// What a policy needs to know before it can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inputs {
    /// Networks any statement asks for.
    pub networks: Networks,
    /// Whether any statement asks for the country.
    pub country: bool,
    /// Key groups any statement asks for.
    pub key_groups: [Option<KeyGroupIndex>; KEY_GROUPS_PER_POLICY_MAX],
}

/// An ordered list of statements.
///
/// - 1 to [`STATEMENTS_MAX`] statements, asking for at most [`KEY_GROUPS_PER_POLICY_MAX`] key groups.
#[derive(Debug, Clone)]
pub struct Policy {
    statements: Box<[Statement]>,
    mode: Mode,
    inputs: Inputs,
}

/// Why a policy cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyError {
    /// No statement.
    Empty,
    /// More than [`STATEMENTS_MAX`].
    TooManyStatements,
    /// More than [`KEY_GROUPS_PER_POLICY_MAX`].
    TooManyKeyGroups,
}

impl Policy {
    /// A policy of these statements.
    ///
    /// # Errors
    /// No statement, or more than the limits.
    pub fn new(statements: Vec<Statement>, mode: Mode) -> Result<Self, PolicyError> {
        if statements.is_empty() {
            return Err(PolicyError::Empty);
        }
        if statements.len() > STATEMENTS_MAX {
            return Err(PolicyError::TooManyStatements);
        }
        let inputs = inputs(&statements)?;
        Ok(Self {
            statements: statements.into_boxed_slice(),
            mode,
            inputs,
        })
    }

    /// The statements in order.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Whether refusals bite.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What must be known; anything else need not be looked up.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }
}

fn inputs(statements: &[Statement]) -> Result<Inputs, PolicyError> {
    let mut inputs = Inputs::default();
    for when in statements.iter().filter_map(|s| s.when.as_ref()) {
        inputs.networks = inputs.networks.union(when.networks.unwrap_or_default());
        inputs.country |= when.countries.is_some();
        let Some(group) = when.signed_by else {
            continue;
        };
        if !inputs.key_groups.contains(&Some(group)) {
            let free = inputs.key_groups.iter_mut().find(|g| g.is_none());
            *free.ok_or(PolicyError::TooManyKeyGroups)? = Some(group);
        }
    }
    Ok(inputs)
}
