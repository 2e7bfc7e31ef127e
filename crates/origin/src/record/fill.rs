//! How a record is filled from a judgement and from what was served.

use super::{
    CandidateRecord, CountryRecord, Inputs, ProofRecord, Record, SignatureRecord, Verdict,
};
use crate::clock::Now;
use crate::judge::{Decided, Judge, Judgement};
use crate::request::Request;
use crate::serve::Served;
use crate::state::poll::Live;
use portcullis_policy::{AddressFact, Decision, Networks, Refusal, SignatureFact};
use portcullis_site::{Name, Site};

impl<'a> Record<'a> {
    /// The record of a judged request; what depends on the answer is filled in later.
    #[must_use]
    pub fn of(
        judge: &'a Judge,
        request: &Request<'a>,
        live: &Live,
        judgement: &Judgement<'a>,
        now: Now,
    ) -> Self {
        let state_age_s = live.age(now).as_secs();
        let mut record = Self::blank(judge, request, live, now);
        record.proof.state_age_s = state_age_s;
        match judgement {
            Judgement::Unproven(failure) => record.reason = failure.code(),
            Judgement::Rejected(proven, rejection) => {
                record.verdict = Verdict::Rejected;
                record.reason = rejection.code();
                record.proof = ProofRecord::proven(
                    proven,
                    edge_list_age(judge.site(), live, now),
                    state_age_s,
                );
            }
            Judgement::Decided(decided) => {
                record.proof = ProofRecord::proven(
                    &decided.proven,
                    edge_list_age(judge.site(), live, now),
                    state_age_s,
                );
                record.decide(judge, decided, now.wall);
            }
        }
        record
    }

    fn blank(judge: &'a Judge, request: &Request<'a>, live: &Live, now: Now) -> Self {
        Self {
            time: now.wall,
            level: "INFO",
            kind: "decision",
            id: request.id,
            cloudfront_id: request.headers.cloudfront_id,
            site: judge.site().site.as_str(),
            bundle: judge.digest(),
            release: live_release(live),
            verdict: Verdict::Unproven,
            reason: "",
            label: None,
            policy: None,
            statement: None,
            candidate: None,
            behavior: None,
            method: request.method,
            path: request.raw_path,
            proof: ProofRecord::default(),
            inputs: None,
            status: 0,
            outcome: None,
            dropped_headers: 0,
            bytes: 0,
            store_calls: 0,
            upstream_calls: 0,
            cold_start: false,
            duration_ms: 0,
            lines_left_out: 0,
        }
    }

    fn decide(&mut self, judge: &'a Judge, decided: &Decided<'a>, now: u64) {
        let policy = &decided.behavior.policy;
        self.policy = Some(policy.as_str());
        self.behavior = Some(decided.behavior.path.as_str());
        let (verdict, refusal, statement) = came_to(&decided.decision);
        self.verdict = verdict;
        self.reason = refusal.map_or("admitted", |r| r.reason.code());
        self.statement = statement.map(|index| index + 1);
        self.candidate = decided.candidate.as_ref().map(|(policy, decision)| {
            let (tried, refusal, statement) = came_to(decision);
            CandidateRecord {
                policy: policy.as_str(),
                verdict: tried,
                reason: refusal.map_or("admitted", |r| r.reason.code()),
                statement: statement.map(|index| index + 1),
                differs: (tried == Verdict::Refused) != (verdict == Verdict::Refused),
            }
        });
        self.label = refusal.and_then(|_| label(judge.site(), policy, statement?));
        self.inputs = Some(inputs(judge, decided, now));
    }

    /// Fills in what was served.
    pub fn served(&mut self, served: &Served) {
        self.outcome = Some(served.outcome.code());
        if let Some(release) = served.release {
            self.release = Some(release.to_string());
        }
        self.dropped_headers = served.dropped_headers;
        self.store_calls = served.store_calls;
        self.upstream_calls = served.upstream_calls;
    }
}

/// The verdict of a decision, why it refuses or would, and by which statement.
fn came_to(decision: &Decision) -> (Verdict, Option<Refusal>, Option<usize>) {
    match decision {
        Decision::Admitted(admitted) => match admitted.reported() {
            Some(refusal) => (Verdict::Reported, Some(refusal), refusal.statement),
            None => (Verdict::Admitted, None, admitted.statement()),
        },
        Decision::Refused(refusal) => (Verdict::Refused, Some(*refusal), refusal.statement),
    }
}

fn live_release(live: &Live) -> Option<String> {
    let serving = live.state().release.as_ref()?;
    Some(serving.live?.release.to_string())
}

fn label<'a>(site: &'a Site, policy: &Name, statement: usize) -> Option<&'a str> {
    let statement = site.policies.get(policy)?.statements.get(statement)?;
    statement.reason.as_ref().map(Name::as_str)
}

/// The age of the oldest list of edges that the state has.
fn edge_list_age(site: &Site, live: &Live, now: Now) -> Option<u64> {
    let lists = site.guard.edges.prefix_lists.iter();
    lists
        .filter_map(|name| live.state().edge_lists.get(name))
        .map(|list| list.age(now.wall))
        .max()
}

fn inputs<'a>(judge: &'a Judge, decided: &Decided<'a>, now: u64) -> Inputs<'a> {
    let facts = &decided.gathered.facts;
    let asked = decided.policy.inputs();
    let names = |set: Networks| {
        let name =
            |index: portcullis_policy::NetworkIndex| judge.engine().networks().get(index.get());
        set.iter()
            .filter_map(|index| name(index).map(|(name, _)| name.as_str()))
            .collect()
    };
    Inputs {
        address: match facts.address {
            AddressFact::Known(address) => Some(address),
            AddressFact::Unknown => None,
        },
        networks: names(facts.networks.inside),
        networks_unknown: names(facts.networks.unknown),
        country: asked.country.then(|| country(judge, decided, now)),
        signatures: signatures(judge, decided),
    }
}

fn country(judge: &Judge, decided: &Decided<'_>, now: u64) -> CountryRecord {
    let gathered = &decided.gathered;
    let asked_database = gathered.database_country.is_some();
    CountryRecord {
        code: gathered.facts.country.known().map(|c| c.to_string()),
        unknown: gathered.facts.country.reason(),
        given_by: gathered.country_given_by,
        database: gathered.database_country.map(CountryRecord::text),
        header: gathered.header_country.map(CountryRecord::text),
        database_built: judge.countries().built_at().filter(|_| asked_database),
        database_age_s: judge.countries().age(now).filter(|_| asked_database),
        demonstration_database: asked_database && judge.countries().is_demonstration(),
    }
}

fn signatures<'a>(judge: &'a Judge, decided: &Decided<'a>) -> Vec<SignatureRecord<'a>> {
    let groups = decided.policy.inputs().key_groups.into_iter().flatten();
    groups
        .filter_map(|group| {
            let (name, _) = judge.engine().key_groups().get(group.get())?;
            let (result, key, expires) = match decided.gathered.facts.signatures.get(group)? {
                SignatureFact::Verified(grant) => (
                    "verified",
                    Some(grant.key_id().as_str().to_owned()),
                    Some(grant.expires()),
                ),
                SignatureFact::Refused(refusal) => (refusal.code(), None, None),
            };
            Some(SignatureRecord {
                key_group: name.as_str(),
                result,
                key,
                expires,
            })
        })
        .collect()
}
