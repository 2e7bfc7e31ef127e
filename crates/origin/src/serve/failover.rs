//! Origin groups: a second origin answers when the first fails in a way the group lists.
//!
//! CloudFront, origin failover: the first is always tried first, with no memory of earlier requests; only GET and HEAD
//! fail over; a failed connection counts as 503 and a missing answer as 504, and only if the group lists that. Always
//! holds: what the gateway itself refuses is never failed over, since refusals happen before an origin is asked.

use super::calls::Calls;
use super::outcome::{OriginFault, Outcome};
use super::reply::Reply;
use super::{Exchange, Ports, ask_one};
use crate::request::Method;
use portcullis_site::OriginGroup;

/// Asks the group's origins.
pub(super) async fn ask<P: Ports>(
    calls: &mut Calls<'_, P>,
    exchange: &Exchange<'_>,
    group: &OriginGroup,
) -> Result<Reply, OriginFault> {
    let origins = &exchange.target.site.origins;
    let first = ask_one(calls, exchange, origins.get(&group.primary)).await;
    let fails_over = exchange.method != Method::Options
        && status(&first).is_some_and(|status| group.failover_on.contains(&status));
    if fails_over {
        // The first answer's body is dropped unread.
        drop(first);
        return ask_one(calls, exchange, origins.get(&group.secondary)).await;
    }
    first
}

/// The status under which an answer can be listed; `None` if it never fails over.
fn status(answer: &Result<Reply, OriginFault>) -> Option<u16> {
    match answer {
        Err(fault) => fault.failover_status(),
        Ok(reply) => match reply.outcome {
            Outcome::Missing => Some(404),
            Outcome::Unsatisfiable => Some(416),
            Outcome::Relayed(status) => Some(status),
            Outcome::OriginFailed(fault) => fault.failover_status(),
            Outcome::Full
            | Outcome::Partial
            | Outcome::NotModified
            | Outcome::PreconditionFailed
            | Outcome::HandedOff
            | Outcome::Preflight
            | Outcome::Redirected
            | Outcome::TooLarge
            | Outcome::MethodNotAllowed
            | Outcome::NotServedHere => None,
        },
    }
}
