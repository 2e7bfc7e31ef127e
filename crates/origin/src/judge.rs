//! From a request to a judgement, without any I/O: proof, path, behavior, facts, decision, each with what it was based on.
//!
//! The gateway acts on a judgement, `explain` prints it; there is no second way to reach one.

use crate::behaviors::Behaviors;
use crate::countries::Countries;
use crate::facts::{Gathered, Sources, gather};
use crate::object_path::{ObjectPath, PathError};
use crate::proof::{ProofFailure, Proven, prove};
use crate::request::Request;
use crate::state::SiteState;
use portcullis_policy::{Decision, Policy, decide};
use portcullis_signed_access::VerifiedCache;
use portcullis_site::{Behavior, Bundle, Engine, EngineError, Name, Site};

/// Signatures remembered as verified.
const VERIFIED_SIGNATURES: usize = 256;

/// Everything a judgement depends on besides the request, the state and the time.
#[derive(Debug)]
pub struct Judge {
    bundle: Bundle,
    digest: String,
    engine: Engine,
    behaviors: Behaviors,
    countries: Countries,
    verified: VerifiedCache,
}

/// How far a request came, and why no further.
#[derive(Debug)]
pub enum Judgement<'a> {
    /// It does not come from the site's distribution.
    Unproven(ProofFailure),
    /// It does, and is no request that could be served.
    Rejected(Proven, Rejection),
    /// The policy of its behavior has decided.
    Decided(Box<Decided<'a>>),
}

/// Why a proven request is not even decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// It has been here before.
    Loop,
    /// Its path is refused.
    Path(PathError),
    /// No behavior or policy governs it, which a valid site does not let happen.
    Ungoverned,
}

impl Rejection {
    /// The stable code in logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Path(_) => "path-refused",
            Self::Ungoverned => "ungoverned",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Loop => 508,
            Self::Path(PathError::TooLong) => 414,
            Self::Path(_) => 400,
            Self::Ungoverned => 403,
        }
    }
}

/// A decision with everything it was based on.
#[derive(Debug)]
pub struct Decided<'a> {
    /// The proof.
    pub proven: Proven,
    /// The canonical path.
    pub path: ObjectPath<'a>,
    /// The index of the behavior that governs it.
    pub index: usize,
    /// That behavior.
    pub behavior: &'a Behavior,
    /// The policy that decided.
    pub policy: &'a Policy,
    /// The facts it took, and where they came from.
    pub gathered: Gathered,
    /// What it says.
    pub decision: Decision,
    /// The policy that is tried beside it, and what that one would say.
    pub candidate: Option<(&'a Name, Decision)>,
}

impl Judge {
    /// A judge for one site.
    ///
    /// # Errors
    /// A key or policy of the site that cannot be used.
    pub fn new(bundle: Bundle, countries: Countries) -> Result<Self, EngineError> {
        Ok(Self {
            digest: bundle.digest().to_string(),
            engine: Engine::new(bundle.site())?,
            behaviors: Behaviors::new(&bundle.site().behaviors),
            verified: VerifiedCache::new(VERIFIED_SIGNATURES),
            bundle,
            countries,
        })
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> &Site {
        self.bundle.site()
    }

    /// The digest of the site's bundle, as text.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The site's numbered networks, key groups and policies.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The site's behaviors.
    #[must_use]
    pub fn behaviors(&self) -> &Behaviors {
        &self.behaviors
    }

    /// The country database.
    #[must_use]
    pub fn countries(&self) -> &Countries {
        &self.countries
    }

    /// Judges a request by `state` at `now`, in seconds since the epoch.
    #[must_use]
    pub fn judge<'a>(
        &'a self,
        request: &Request<'a>,
        state: &SiteState,
        now: u64,
    ) -> Judgement<'a> {
        let proven = match prove(&self.site().guard, state, request, now) {
            Ok(proven) => proven,
            Err(failure) => return Judgement::Unproven(failure),
        };
        if crate::serve::loops(self.site(), request) {
            return Judgement::Rejected(proven, Rejection::Loop);
        }
        let path = match ObjectPath::parse(request.raw_path) {
            Ok(path) => path,
            Err(error) => return Judgement::Rejected(proven, Rejection::Path(error)),
        };
        let governed = self.behaviors.of(&path).and_then(|(index, behavior)| {
            let policy = self.engine.policy(&behavior.policy)?;
            Some((index, behavior, policy))
        });
        let Some((index, behavior, policy)) = governed else {
            return Judgement::Rejected(proven, Rejection::Ungoverned);
        };
        let gathered = gather(self.sources(state), policy, request, &proven, now);
        let decision = decide(policy, &gathered.facts, now);
        let candidate = self.candidate(behavior, request, &proven, state, now);
        Judgement::Decided(Box::new(Decided {
            proven,
            path,
            index,
            behavior,
            policy,
            gathered,
            decision,
            candidate,
        }))
    }

    /// What the candidate of a behavior's policy would say, from facts of its own.
    fn candidate(
        &self,
        behavior: &Behavior,
        request: &Request<'_>,
        proven: &Proven,
        state: &SiteState,
        now: u64,
    ) -> Option<(&Name, Decision)> {
        let policy = self.site().policies.get(&behavior.policy)?;
        let name = policy.candidate.as_ref()?;
        let policy = self.engine.policy(name)?;
        let gathered = gather(self.sources(state), policy, request, proven, now);
        Some((name, decide(policy, &gathered.facts, now)))
    }

    fn sources<'s>(&'s self, state: &'s SiteState) -> Sources<'s> {
        Sources {
            site: self.bundle.site(),
            engine: &self.engine,
            state,
            countries: &self.countries,
            verified: &self.verified,
        }
    }
}
