//! Origins whose answers are written down.

use crate::scenario::{Answering, Scenario};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use portcullis_edge_server::body::Body;
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::origins::{
    Fetching, Framing, OriginAnswer, OriginConnector, OriginFailure, OriginFetch,
};
use portcullis_origin::upstream::{Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// The answers of all origins.
#[derive(Debug)]
pub(super) struct Written {
    answers: BTreeMap<String, Vec<Answering>>,
    down: Mutex<BTreeSet<String>>,
}

impl Written {
    pub(super) fn of(scenario: &Scenario) -> Self {
        Self {
            answers: scenario.origins.clone(),
            down: Mutex::default(),
        }
    }

    pub(super) fn has(&self, origin: &str) -> bool {
        self.answers.contains_key(origin)
    }

    pub(super) fn down(&self, origin: &str, down: bool) {
        let mut all = super::lock(&self.down);
        if down {
            all.insert(origin.to_owned());
        } else {
            all.remove(origin);
        }
    }

    /// The first answer for a path whose headers the request has; `None` where the origin is down.
    fn find(
        &self,
        origin: &str,
        path: &str,
        header: impl Fn(&str) -> Option<String>,
    ) -> Option<Answering> {
        if super::lock(&self.down).contains(origin) {
            return None;
        }
        let answers = self.answers.get(origin).into_iter().flatten();
        let mut fitting = answers.filter(|answer| {
            let here = match answer.path.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => path == answer.path,
            };
            let mut when = answer.when.iter();
            here && when.all(|(name, value)| header(name).as_deref() == Some(value))
        });
        let nothing = || Answering {
            path: path.to_owned(),
            when: BTreeMap::new(),
            status: 404,
            headers: Vec::new(),
            body: "nothing is written for this\n".to_owned(),
        };
        Some(fitting.next().cloned().unwrap_or_else(nothing))
    }
}

/// An origin of a distribution.
pub(super) struct By(pub(super) Arc<Written>, pub(super) String);

impl OriginConnector for By {
    fn fetch(&self, fetch: OriginFetch) -> Fetching<'_> {
        Box::pin(async move {
            let path = fetch.target.split('?').next().unwrap_or_default();
            let header = |name: &str| {
                let value = fetch.fields.get(name)?;
                Some(String::from_utf8_lossy(value).into_owned())
            };
            let answer = self.0.find(&self.1, path, header);
            let answer = answer.ok_or(OriginFailure::Connect)?;
            let mut fields = Fields::default();
            let length = ("content-length".to_owned(), answer.body.len().to_string());
            for (name, value) in answer.headers.iter().chain([&length]) {
                let added = fields.add(name, value);
                added.map_err(|_| OriginFailure::Invalid)?;
            }
            let is_head = fetch.method == http::Method::HEAD;
            let body = if is_head { String::new() } else { answer.body };
            Ok(OriginAnswer {
                status: answer.status,
                fields,
                framing: Framing::Length(body.len() as u64),
                body: Body::from(body.into_bytes()),
            })
        })
    }
}

/// A place that nothing stands at.
pub(super) struct Nowhere;

impl OriginConnector for Nowhere {
    fn fetch(&self, _fetch: OriginFetch) -> Fetching<'_> {
        Box::pin(async { Err(OriginFailure::Dns) })
    }
}

/// The custom origins of a site, by the URL they have in its manifest.
#[derive(Clone, Debug)]
pub struct Upstreams {
    pub(super) written: Arc<Written>,
    /// Names of origins by their URLs.
    pub(super) names: Arc<BTreeMap<String, String>>,
}

impl Upstream for Upstreams {
    async fn fetch(&self, request: UpstreamRequest<'_>) -> Result<UpstreamResponse, UpstreamError> {
        let name = self.names.get(&String::from(request.origin.url.clone()));
        let name = name.ok_or(UpstreamError::Dns)?;
        let header = |name: &str| {
            let mut headers = request.headers.iter();
            let (_, value) = headers.find(|(own, _)| *own == name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let path = format!("/{}", request.path.decoded().trim_start_matches('/'));
        let answer = self.written.find(name, &path, header);
        let answer = answer.ok_or(UpstreamError::Connect)?;
        let bytes = Bytes::from(answer.body.into_bytes());
        let headers = answer.headers.into_iter();
        Ok(UpstreamResponse {
            status: answer.status,
            headers: headers.map(|(n, v)| (n, v.into_bytes())).collect(),
            content_length: Some(bytes.len() as u64),
            body: Full::new(bytes)
                .map_err(|never| match never {})
                .boxed_unsync(),
        })
    }
}
