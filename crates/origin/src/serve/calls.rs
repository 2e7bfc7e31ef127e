//! The only way to a port: counted calls under one deadline, repeated a bounded number of times.
//!
//! Always holds: [`Calls`] cannot be made without an admission; whatever is repeated in one request, calls and resumed
//! bodies together, is repeated at most [`EXTRA_CALLS_MAX`] times (fault drill F01); no call outlives the deadline.

use super::{Budget, Ports, body::Resume, outcome::OriginFault};
use crate::store::ObjectStore as _;
use crate::store::{Fetched, Metadata, ObjectRef, StoreError, Want};
use crate::upstream::{Upstream as _, UpstreamRequest, UpstreamResponse};
use portcullis_policy::Admitted;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Store calls a request may make beyond its look-ups: repeated calls, resumed bodies, a second look at an object that
/// changed.
pub const EXTRA_CALLS_MAX: u32 = 2;

/// The mean pause before a call is repeated for the first time; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// The ports, opened by an admission, for one request.
pub(super) struct Calls<'a, P> {
    ports: &'a P,
    _admitted: &'a Admitted,
    deadline: Instant,
    extra: Arc<Extra>,
    upstream: u32,
}

/// What of a request's calls is left and used; a body that resumes shares it.
#[derive(Debug)]
pub(super) struct Extra {
    made: AtomicU32,
    repeated: AtomicU32,
    jitter: u16,
}

impl Extra {
    /// Counts a call that is about to be made.
    pub(super) fn count(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one of the extra calls and the pause that goes before it; `None` when there is none left.
    pub(super) fn take(&self) -> Option<Duration> {
        let used = self
            .repeated
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < EXTRA_CALLS_MAX).then_some(used + 1)
            })
            .ok()?;
        // Half to one and a half times the mean, so that instances that failed together do not return together.
        Some(PAUSE * (1 << used) * (500 + u32::from(self.jitter.min(1_000))) / 1_000)
    }
}

impl<'a, P: Ports> Calls<'a, P> {
    pub(super) fn new(ports: &'a P, admitted: &'a Admitted, budget: &Budget) -> Self {
        Self {
            ports,
            _admitted: admitted,
            deadline: Instant::now() + budget.time,
            extra: Arc::new(Extra {
                made: AtomicU32::new(0),
                repeated: AtomicU32::new(0),
                jitter: budget.jitter,
            }),
            upstream: 0,
        }
    }

    pub(super) fn store_calls(&self) -> u32 {
        self.extra.made.load(Ordering::Relaxed)
    }

    pub(super) fn upstream_calls(&self) -> u32 {
        self.upstream
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn signer(&self) -> &'a P::Signer {
        self.ports.signer()
    }

    /// Reads an object or what is wanted of it.
    pub(super) async fn get(
        &self,
        object: &ObjectRef,
        want: &Want,
    ) -> Result<Fetched, OriginFault> {
        self.repeating(|| self.ports.objects().get(object, want))
            .await
    }

    /// Reads an object's metadata.
    pub(super) async fn head(&self, object: &ObjectRef) -> Result<Option<Metadata>, OriginFault> {
        self.repeating(|| self.ports.objects().head(object)).await
    }

    /// A second look at an object that changed; it counts as a repetition.
    pub(super) fn look_again(&self) -> Result<(), OriginFault> {
        self.extra.take().map(|_| ()).ok_or(OriginFault::Changed)
    }

    /// What a body needs to go on where it broke.
    pub(super) fn resume(&self, object: &ObjectRef) -> Resume<P::Objects> {
        Resume {
            store: Arc::clone(self.ports.objects()),
            object: object.clone(),
            extra: Arc::clone(&self.extra),
        }
    }

    /// One exchange with a custom origin; its client makes the attempts to connect, so nothing is repeated here.
    pub(super) async fn fetch(
        &mut self,
        request: UpstreamRequest<'_>,
    ) -> Result<UpstreamResponse, OriginFault> {
        self.upstream += 1;
        let answer = timeout_at(self.deadline, self.ports.upstream().fetch(request)).await;
        Ok(answer.map_err(|_| OriginFault::TimedOut)??)
    }

    async fn repeating<T, F>(&self, call: impl Fn() -> F) -> Result<T, OriginFault>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            self.extra.count();
            let answer = timeout_at(self.deadline, call()).await;
            let fault = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => OriginFault::from(error),
                Err(_) => return Err(OriginFault::TimedOut),
            };
            let pause = fault.is_passing().then(|| self.extra.take()).flatten();
            match pause {
                Some(pause) if Instant::now() + pause < self.deadline => sleep(pause).await,
                _ => return Err(fault),
            }
        }
    }
}
