//! The stand-in for the edge guard: the CloudFront Function of a behavior with `enforce: edge`, which decides before the
//! cache on every request. Here the judge decides that the gateway uses.
//!
//! Always holds: its answers are those of the gateway's policy; what the gateway would call malformed goes on to it.

use super::system::{System, VIEWER_PORT};
use super::world::Shared;
use crate::heard::{Arrived, Viewer};
use portcullis_edge::compute::{
    ChangedRequest, ComputeCall, ComputeFailure, Computed, FunctionRequest, FunctionResponse,
    OriginChoice,
};
use portcullis_edge::distribution::Compute;
use portcullis_edge::headers::Headers;
use portcullis_edge::identity::{EdgeHost, REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge::origin_request::GeneratedHeader;
use portcullis_edge_server::drive::{Functions, Running};
use portcullis_origin::judge::Judgement;
use portcullis_policy::Decision;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The edge guard of the site.
pub(super) struct Guard(pub(super) Arc<Shared>);

impl Functions for Guard {
    fn run<'a>(&'a self, _distribution: &'a str, call: ComputeCall) -> Running<'a> {
        Box::pin(self.decide(call))
    }
}

impl Guard {
    async fn decide(&self, call: ComputeCall) -> Result<Computed, ComputeFailure> {
        let Compute::Function(_) = call.compute else {
            return Err(ComputeFailure::Execution);
        };
        let FunctionRequest {
            method,
            uri,
            query,
            headers,
            ..
        } = call.request;
        let mark = if query.is_empty() { "" } else { "?" };
        let target = format!("{uri}{mark}{query}");
        let arrived = Arrived {
            viewer: viewer(call.viewer, &headers),
            method: &method,
            target: &target,
            headers: &headers,
        };
        if let Some(reason) = refusal(&self.0.system(), &arrived).await {
            self.0.refused_by_guard(&method, &uri, reason);
            return Ok(Computed::Response(refusal_page(reason)));
        }
        Ok(Computed::Request(ChangedRequest {
            uri,
            query,
            headers,
            body: None,
            origin: OriginChoice::Unchanged,
        }))
    }
}

/// The viewer as CloudFront describes it to a function.
fn viewer(address: IpAddr, headers: &Headers) -> Viewer {
    let country = headers.get(GeneratedHeader::ViewerCountry.name());
    let country = country.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    Viewer {
        address: Some(SocketAddr::new(address, VIEWER_PORT)),
        country,
    }
}

/// Why the viewer is refused.
async fn refusal(system: &System, arrived: &Arrived<'_>) -> Option<&'static str> {
    let (at, behavior) = system.behavior(arrived.target)?;
    let (edge, id) = (
        EdgeHost::new([0; 16]),
        RequestId::new([0; REQUEST_ID_RANDOM_BYTES]),
    );
    let heard = system.sender(&edge, &id).send(arrived, at);
    let cookies = heard.cookies();
    let request = heard.request(&cookies);
    let decider = system.decider(behavior);
    let state = decider.live().before_decision().await;
    let judged = decider.judge().judge(&request, state.state(), system.now());
    match judged {
        Judgement::Unproven(failure) => Some(failure.code()),
        Judgement::Rejected(..) => None,
        Judgement::Decided(decided) => match &decided.decision {
            Decision::Admitted(_) => None,
            Decision::Refused(refusal) => Some(refusal.reason.code()),
        },
    }
}

fn refusal_page(reason: &str) -> FunctionResponse {
    let mut headers = Headers::default();
    headers.set("Content-Type", "text/plain; charset=utf-8");
    headers.set("Cache-Control", "no-store");
    headers.set("X-Portcullis-Reason", reason);
    FunctionResponse {
        status: 403,
        headers,
        body: Some(bytes::Bytes::from_static(b"Access denied.\n")),
    }
}
