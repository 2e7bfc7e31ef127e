//! The gateway as an origin of the model, in one process.

use crate::heard::Heard;
use http_body_util::{BodyDataStream, BodyExt as _};
use portcullis_edge_server::body::{Body, BodyError};
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::origins::{Framing, OriginAnswer, OriginFetch};
use portcullis_origin::clock::Clock;
use portcullis_origin::handle::Gateway;
use portcullis_origin::record::Record;
use portcullis_origin::response::{self, Response};
use portcullis_origin::serve::{Budget, Ports};
use portcullis_origin::state::StateStore;

/// Asks a gateway by its function URL, `id` being the request's, and tells of its record.
pub async fn ask<P: Ports, S: StateStore, C: Clock + Clone>(
    gateway: &Gateway<P, S, C>,
    fetch: &OriginFetch,
    id: &str,
    budget: &Budget,
    told: impl FnOnce(&Record<'_>),
) -> OriginAnswer {
    let text = |name: &str| joined(&fetch.fields, name);
    let site = gateway.judge().site();
    let heard = Heard::of(site, fetch.method.as_str(), &fetch.target, id, text);
    let cookies = heard.cookies();
    let answer = gateway.handle(&heard.request(&cookies), budget).await;
    if let Some(record) = &answer.record {
        told(record);
    }
    as_origin(answer.response)
}

fn joined(fields: &Fields, name: &str) -> Option<String> {
    let values: Vec<_> = fields.all(name).map(String::from_utf8_lossy).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn as_origin(response: Response) -> OriginAnswer {
    let (body, framing) = match response.body {
        response::Body::Empty => (Body::empty(), Framing::Length(0)),
        response::Body::Whole(bytes) => {
            let length = bytes.len() as u64;
            (Body::from(bytes), Framing::Length(length))
        }
        response::Body::Stream { length, bytes } => {
            let parts = BodyDataStream::new(bytes.map_err(|_| BodyError::Truncated));
            let framing = length.map_or(Framing::Chunked, Framing::Length);
            (Body::parts(parts, length), framing)
        }
    };
    let mut fields = Fields::with_capacity(response.headers.len(), 512);
    for (name, value) in &response.headers {
        // The gateway's values are fields by their type.
        let _added = fields.add(name, value.as_bytes());
    }
    OriginAnswer {
        status: response.status,
        fields,
        framing,
        body,
    }
}
