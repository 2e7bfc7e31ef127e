//! What the edge does with a request before the gateway hears of it: the first step of an explanation.

use super::Sent;
use super::steps::Explanation;
use crate::load::Manifest;
use portcullis_edge::answer::Cause;
use portcullis_edge::distribution::Distribution;
use portcullis_edge::gate::{Arrival, Gate, HttpVersion, Passage, pass};
use portcullis_edge::switches::Switches;
use portcullis_play::heard::{Arrived, chosen};
use portcullis_site::{Behavior, Methods, Site, ViewerProtocol};

/// What a refusal at the edge is called where the gateway's reasons stand.
const REFUSED: &str = "refused-at-edge";

/// The behavior that CloudFront chooses, and what it says to the request.
pub(super) struct AtEdge<'a> {
    behavior: &'a Behavior,
    pub(super) index: usize,
    passage: Passage,
}

impl<'a> AtEdge<'a> {
    /// `None` for a site without behaviors, which no manifest makes.
    pub(super) fn of(
        distribution: &Distribution,
        site: &'a Site,
        sent: &Sent,
        arrived: &Arrived<'_>,
    ) -> Option<Self> {
        let index = chosen(distribution, arrived.target);
        let behavior = site.behaviors.get(index)?;
        let passage = at_gate(distribution, index, sent, arrived);
        Some(Self {
            behavior,
            index,
            passage,
        })
    }

    /// Whether the request goes no further.
    pub(super) fn refuses(&self) -> bool {
        matches!(self.passage, Passage::Refuse(_))
    }

    /// Writes the step, and the verdict if there is one.
    pub(super) fn explain(&self, sent: &Sent, manifest: &Manifest, explanation: &mut Explanation) {
        let result = match &self.passage {
            Passage::Pass => "passes".to_owned(),
            Passage::Redirect { status, .. } => format!("{} to https", status.code()),
            Passage::Refuse(cause) => format!("{} {}", cause.status(), cause.detailed_result()),
        };
        let place = manifest.compiled.source_map.behavior(self.index);
        explanation.step("edge", &result, &self.input(sent), place);
        if self.refuses() {
            REFUSED.clone_into(&mut explanation.reason);
        }
    }

    fn input(&self, sent: &Sent) -> String {
        match &self.passage {
            Passage::Refuse(Cause::TargetTooLong) => "path and query are too long".to_owned(),
            Passage::Refuse(Cause::HeadersTooLarge) => "the headers are too large".to_owned(),
            Passage::Pass | Passage::Refuse(_) => self.settings(sent),
            Passage::Redirect { .. } => {
                format!(
                    "{}; what follows is the request that comes then",
                    self.settings(sent)
                )
            }
        }
    }

    fn settings(&self, sent: &Sent) -> String {
        let protocol = match self.behavior.viewer_protocol {
            ViewerProtocol::AllowAll => "http and https",
            ViewerProtocol::HttpsOnly => "https only",
            ViewerProtocol::RedirectToHttps => "https, and redirects http to it",
        };
        let methods = match self.behavior.methods {
            Methods::GetHead => "GET, HEAD",
            Methods::GetHeadOptions => "GET, HEAD, OPTIONS",
        };
        format!(
            "{} over {}; the behavior takes {methods} over {protocol}",
            sent.method,
            sent.scheme.name()
        )
    }
}

/// What the edge says to a request before anything is looked up.
fn at_gate(
    distribution: &Distribution,
    behavior: usize,
    sent: &Sent,
    arrived: &Arrived<'_>,
) -> Passage {
    let arrival = Arrival {
        method: arrived.method,
        host: &sent.host,
        target: arrived.target,
        scheme: sent.scheme,
        version: HttpVersion::Http11,
        country: arrived.viewer.country,
        has_body: false,
        header_bytes: arrived.headers.bytes(),
    };
    let behavior = distribution.behavior(behavior);
    let gate = Gate {
        geo: &distribution.geo,
        viewer_protocol: behavior.viewer_protocol,
        allowed_methods: behavior.methods,
    };
    pass(&gate, &arrival, &Switches::default())
}
