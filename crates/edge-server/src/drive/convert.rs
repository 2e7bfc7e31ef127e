//! Between the types of the wire and those of the model.

use crate::fields::Fields;
use crate::listen::{Scheme, Version};
use crate::origins::{Framing, OriginAnswer, OriginFailure};
use http::Method;
use portcullis_edge::exchange::{Framing as ModelFraming, OriginHead};
use portcullis_edge::gate::{HttpVersion, Scheme as ModelScheme};
use portcullis_edge::headers::Headers;
use portcullis_edge::origin_failure::OriginFailure as ModelFailure;

pub(super) fn headers(fields: &Fields) -> Headers {
    Headers::from_iter(fields.iter())
}

/// A field that cannot be sent is left out: functions and configurations may hold what no message can.
pub(super) fn fields(headers: &Headers) -> Fields {
    let mut fields = Fields::with_capacity(headers.iter().count(), headers.bytes());
    for (name, value) in headers.iter() {
        let _sendable = fields.add(name, value);
    }
    fields
}

pub(super) fn scheme_in(scheme: Scheme) -> ModelScheme {
    match scheme {
        Scheme::Http => ModelScheme::Http,
        Scheme::Https => ModelScheme::Https,
    }
}

pub(super) fn scheme_out(scheme: ModelScheme) -> Scheme {
    match scheme {
        ModelScheme::Http => Scheme::Http,
        ModelScheme::Https => Scheme::Https,
    }
}

pub(super) fn version(version: Version) -> HttpVersion {
    match version {
        Version::Http10 => HttpVersion::Http10,
        Version::Http11 => HttpVersion::Http11,
        Version::Http2 => HttpVersion::Http2,
    }
}

pub(super) fn method(method: &str) -> Option<Method> {
    Method::from_bytes(method.as_bytes()).ok()
}

pub(super) fn head(answer: &OriginAnswer) -> OriginHead {
    OriginHead {
        status: answer.status,
        headers: headers(&answer.fields),
        framing: match answer.framing {
            Framing::Length(length) => ModelFraming::Length(length),
            Framing::Chunked => ModelFraming::Chunked,
            Framing::Close => ModelFraming::Close,
        },
    }
}

pub(super) fn failure(failure: OriginFailure) -> ModelFailure {
    match failure {
        OriginFailure::Dns => ModelFailure::Dns,
        OriginFailure::Connect => ModelFailure::Connect,
        // DG:http-504: attempts to connect that take too long are a timeout.
        OriginFailure::ConnectTimeout | OriginFailure::Timeout => ModelFailure::Timeout,
        OriginFailure::Tls => ModelFailure::Tls,
        OriginFailure::Closed => ModelFailure::Closed,
        OriginFailure::Invalid => ModelFailure::Invalid,
        OriginFailure::HeaderTooBig => ModelFailure::HeaderTooLarge,
    }
}
