//! A Lambda function behind its function URL (payload format 2.0): the shipped program, run as Lambda runs it.
//!
//! Always holds: the program gets the event a function URL would make, and the caller gets what a function URL would make
//! of its answer; a function that fails is a 502 of the URL, not a failure of the origin. Bodies are read whole, as
//! Lambda does. Deliberately absent: what the stand-in for Lambda leaves out.

use super::{Fetching, Framing, OriginAnswer, OriginConnector, OriginFailure, OriginFetch};
use crate::body::{Body, BodyError};
use crate::fields::Fields;
use futures_util::stream;
use portcullis_runtime_api::{Iam, Lambda, REQUEST_BYTES_MAX, UrlAnswer, UrlRequest};
use portcullis_runtime_api::{Outcome, function_url_event};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a function URL knows beside the request.
#[derive(Clone, Debug)]
pub struct FunctionUrl {
    /// Its host name.
    pub domain_name: String,
    /// The address the request comes from: an edge server's.
    pub source_ip: IpAddr,
    /// Who signed the request, where access control is on.
    pub iam: Option<Iam>,
}

/// A function as an origin.
#[derive(Debug)]
pub struct LambdaOrigin {
    lambda: Lambda,
    url: FunctionUrl,
    requests: AtomicU64,
}

impl LambdaOrigin {
    /// A function that runs already, behind its URL.
    #[must_use]
    pub fn new(lambda: Lambda, url: FunctionUrl) -> Self {
        Self {
            lambda,
            url,
            requests: AtomicU64::new(0),
        }
    }

    /// The function.
    #[must_use]
    pub fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    async fn invoke(&self, fetch: OriginFetch) -> Result<OriginAnswer, OriginFailure> {
        let (path, query) = fetch.target.split_once('?').unwrap_or((&fetch.target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let is_head = fetch.method == ::http::Method::HEAD;
        let body = match fetch.body.collect(REQUEST_BYTES_MAX).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => {
                return answer(UrlAnswer::of(&Outcome::RequestTooLarge), is_head);
            }
            Err(_) => return Err(OriginFailure::Closed),
        };
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let fields = fetch.fields.iter();
        let event = function_url_event(&UrlRequest {
            method: fetch.method.to_string(),
            raw_path: path,
            raw_query: query,
            headers: fields
                .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
                .collect(),
            body: body.to_vec(),
            source_ip: self.url.source_ip.to_string(),
            domain_name: self.url.domain_name.clone(),
            iam: self.url.iam.clone(),
            time_epoch_ms: fetch.now_ms,
            request_id: format!("00000000-0000-4000-8000-{number:012x}"),
        });
        let invocation = self.lambda.invoke(event).await;
        answer(UrlAnswer::of(&invocation.outcome), is_head)
    }
}

impl OriginConnector for LambdaOrigin {
    fn fetch(&self, request: OriginFetch) -> Fetching<'_> {
        Box::pin(self.invoke(request))
    }
}

fn answer(answer: UrlAnswer, is_head: bool) -> Result<OriginAnswer, OriginFailure> {
    let mut fields = Fields::default();
    let cookies = answer
        .cookies
        .iter()
        .map(|cookie| ("set-cookie", cookie.as_str()));
    let headers = answer.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    // The URL writes these itself.
    let headers = headers.filter(|(name, _)| !matches!(*name, "content-length" | "connection"));
    for (name, value) in headers.chain(cookies) {
        fields
            .add(name, value)
            .map_err(|_| OriginFailure::Invalid)?;
    }
    let has_body = !is_head && !matches!(answer.status, 204 | 304);
    if !answer.complete {
        let parts = [Ok(answer.body), Err(BodyError::Truncated)];
        return Ok(OriginAnswer {
            status: answer.status,
            fields,
            framing: Framing::Chunked,
            body: Body::parts(stream::iter(parts), None),
        });
    }
    let length = answer.body.len() as u64;
    if answer.status >= 200 && !matches!(answer.status, 204 | 304) {
        fields
            .add("content-length", length.to_string())
            .map_err(|_| OriginFailure::Invalid)?;
    }
    Ok(OriginAnswer {
        status: answer.status,
        fields,
        framing: Framing::Length(if has_body { length } else { 0 }),
        body: if has_body {
            answer.body.into()
        } else {
            Body::empty()
        },
    })
}
