//! One request, from top to bottom: state, judgement, answer, record.

use crate::clock::{Clock, Now};
use crate::field::FieldValue;
use crate::judge::{Decided, Judge, Judgement, Rejection};
use crate::proof::ProofFailure;
use crate::record::{Record, Sampler};
use crate::releases::Releases;
use crate::request::Request;
use crate::response::{Body, Response};
use crate::serve::{self, Budget, Ports, Published, Target};
use crate::state::StateStore;
use crate::state::poll::{Live, LiveState};
use portcullis_policy::{Admitted, Decision};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The gateway of one site over its ports. It can be shared: requests may run at the same time.
#[derive(Debug)]
pub struct Gateway<P, S, C> {
    judge: Judge,
    live: LiveState<S, C>,
    clock: C,
    ports: P,
    sampler: Sampler,
    releases: Releases,
    warm: AtomicBool,
}

/// An answer and what is said of it.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The answer.
    pub response: Response,
    /// The decision line; `None` where a flood of unproven requests is only counted.
    pub record: Option<Record<'a>>,
}

impl<P: Ports, S: StateStore, C: Clock + Clone> Gateway<P, S, C> {
    /// A gateway that judges with `judge`, by the state that `live` keeps.
    pub fn new(judge: Judge, live: LiveState<S, C>, clock: C, ports: P) -> Self {
        Self {
            judge,
            live,
            clock,
            ports,
            sampler: Sampler::default(),
            releases: Releases::default(),
            warm: AtomicBool::new(false),
        }
    }

    /// The judge.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The live state.
    pub fn live(&self) -> &LiveState<S, C> {
        &self.live
    }

    /// Answers one request. It takes no longer than `budget` allows and never fails: what goes wrong is an answer.
    pub async fn handle<'a>(&'a self, request: &Request<'a>, budget: &Budget) -> Answer<'a> {
        let started = self.clock.now();
        let cold_start = !self.warm.swap(true, Ordering::Relaxed);
        let (live, judgement) = self.judged(request, started).await;
        let mut record = Record::of(&self.judge, request, &live, &judgement, started);
        record.cold_start = cold_start;
        let response = match judgement {
            Judgement::Unproven(_) => return self.unproven(record, started),
            Judgement::Rejected(_, rejection) => rejected(rejection),
            Judgement::Decided(decided) => {
                let asked = (request, budget, started);
                self.decided(*decided, &live, asked, &mut record).await
            }
        };
        let response = identified(response, request.id);
        Answer {
            record: Some(self.finished(record, &response, started)),
            response,
        }
    }

    /// Judges by the last good state, and once more by a fresh one if the secret may only be too new.
    async fn judged<'a>(
        &'a self,
        request: &Request<'a>,
        started: Now,
    ) -> (Arc<Live>, Judgement<'a>) {
        let live = self.live.before_decision().await;
        let judgement = self.judge.judge(request, live.state(), started.wall);
        let too_new = matches!(
            judgement,
            Judgement::Unproven(ProofFailure::SecretWrong | ProofFailure::SecretUnknown)
        );
        if !too_new || !self.live.force_refresh().await {
            return (live, judgement);
        }
        let live = self.live.current();
        let judgement = self.judge.judge(request, live.state(), started.wall);
        (live, judgement)
    }

    fn unproven<'a>(&'a self, mut record: Record<'a>, started: Now) -> Answer<'a> {
        let response = serve::plain(403, FORBIDDEN);
        let record = self.sampler.admit(started.wall).map(|left_out| {
            record.lines_left_out = left_out;
            self.finished(record, &response, started)
        });
        Answer { response, record }
    }

    async fn decided<'a>(
        &'a self,
        decided: Decided<'a>,
        live: &Live,
        asked: (&Request<'a>, &Budget, Now),
        record: &mut Record<'a>,
    ) -> Response {
        match &decided.decision {
            Decision::Admitted(admitted) => {
                self.admitted(&decided, admitted, live, asked, record).await
            }
            Decision::Refused(_) => {
                let (request, ..) = asked;
                let mut response = serve::plain(403, FORBIDDEN);
                serve::decorate(&mut response, decided.behavior, request.headers.origin);
                without_body_for_head(response, request)
            }
        }
    }

    async fn admitted<'a>(
        &'a self,
        decided: &Decided<'a>,
        admitted: &Admitted,
        live: &Live,
        (request, budget, started): (&Request<'a>, &Budget, Now),
        record: &mut Record<'a>,
    ) -> Response {
        let target = Target {
            site: self.judge.site(),
            behaviors: self.judge.behaviors(),
            path: &decided.path,
            index: decided.index,
            behavior: decided.behavior,
            releases: live.state().release.as_ref().map(|serving| Published {
                releases: &self.releases,
                serving,
            }),
        };
        let served =
            serve::serve(&self.ports, admitted, target, request, started.wall, budget).await;
        record.served(&served);
        served.response
    }

    fn finished<'a>(
        &self,
        mut record: Record<'a>,
        response: &Response,
        started: Now,
    ) -> Record<'a> {
        record.status = response.status;
        record.bytes = match &response.body {
            Body::Empty => 0,
            Body::Whole(bytes) => bytes.len() as u64,
            Body::Stream { length, .. } => length.unwrap_or_default(),
        };
        record.duration_ms =
            u64::try_from(self.clock.now().since(started).as_millis()).unwrap_or(u64::MAX);
        record
    }
}

/// What every refusal says, whether the object exists or not.
const FORBIDDEN: &str = "Access denied.\n";

fn rejected(rejection: Rejection) -> Response {
    let text = match rejection {
        Rejection::Loop => "The request came back to where it had been.\n",
        Rejection::Path(_) => "The path is not in the form this site accepts.\n",
        Rejection::Ungoverned => FORBIDDEN,
    };
    serve::plain(rejection.status(), text)
}

fn without_body_for_head(mut response: Response, request: &Request<'_>) -> Response {
    if request.method == "HEAD" {
        response.body = Body::Empty;
    }
    response
}

/// Adds the opaque id by which the viewer's answer and the decision line are found together. An answer that a cache may
/// keep has none, since it would be the id of somebody else's request.
fn identified(mut response: Response, id: &str) -> Response {
    let shared = response
        .header("cache-control")
        .is_none_or(|value| value.as_bytes() != b"no-store");
    if !shared && let Ok(id) = FieldValue::new(id.as_bytes()) {
        response.set("x-portcullis-id", id);
    }
    response
}
