//! A network that is played by hand: viewers at given times, an origin that is told what to answer.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a test that cannot go on must fail; each test file uses a part of this"
)]

use bytes::Bytes;
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::compute::{ComputeCall, ComputeFailure, Computed};
use portcullis_edge::distribution::{
    Behavior, CachePolicy, CacheSettings, CustomOrigin, Distribution, Functions, Origin,
    OriginKind, OriginProtocol, Target, ViewerConnections,
};
use portcullis_edge::exchange::{
    Ending, Event, Exchange, Fetch, Framing, Next, OriginHead, Reply, ReplyBody, ViewerRequest,
};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::gate::{
    AllowedMethods, GeoRestriction, HttpVersion, Scheme, ViewerProtocolPolicy,
};
use portcullis_edge::headers::{CustomHeaders, Headers};
use portcullis_edge::identity::{REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge::network::{Network, Settings};
use portcullis_edge::origin_failure::OriginFailure;
use portcullis_edge::selection::Names;
use portcullis_edge::trace::{ResultType, Trace};

/// 2026-01-01T00:00:00Z, in milliseconds.
pub const EPOCH_MS: u64 = 1_767_225_600_000;
pub const DOMAIN: &str = "d111111abcdef8.cloudfront.net";

/// A cache policy: TTLs, nothing keyed.
pub fn policy(min: u64, default: u64, max: u64) -> CachePolicy {
    CachePolicy {
        name: "tried".to_owned(),
        ttls: Ttls { min, default, max },
        headers: Vec::new(),
        cookies: Names::Nothing,
        query: Names::Nothing,
        codings: EdgeCodings {
            gzip: false,
            brotli: false,
        },
    }
}

/// A behavior that keeps GET and HEAD by a policy.
pub fn behavior(policy: CachePolicy) -> Behavior {
    Behavior {
        target: Target::Origin(0),
        viewer_protocol: ViewerProtocolPolicy::AllowAll,
        methods: AllowedMethods::All,
        caches_options: false,
        compress: false,
        caching: CacheSettings::Policy(policy),
        origin_request: None,
        response_headers: None,
        trusted: None,
        functions: Functions::default(),
        field_encryption: None,
        smooth_streaming: false,
        grpc: false,
        real_time_log: None,
    }
}

/// A distribution with one custom origin and one behavior.
pub fn distribution(default_behavior: Behavior) -> Distribution {
    Distribution {
        id: "EDFDVBD6EXAMPLE".to_owned(),
        domain: DOMAIN.to_owned(),
        enabled: true,
        aliases: Vec::new(),
        default_root: None,
        origins: vec![origin("first")],
        groups: Vec::new(),
        behaviors: Vec::new(),
        default_behavior,
        errors: Vec::new(),
        geo: GeoRestriction::Off,
        viewer: ViewerConnections::default(),
        logging: None,
        cache_tag_header: None,
        web_acl: None,
        continuous_deployment: None,
        staging: false,
    }
}

pub fn origin(id: &str) -> Origin {
    Origin {
        id: id.to_owned(),
        domain: format!("{id}.example.org"),
        path: String::new(),
        custom_headers: CustomHeaders::default(),
        kind: OriginKind::Custom(CustomOrigin {
            http_port: 80,
            https_port: 443,
            protocol: OriginProtocol::HttpsOnly,
            read_timeout_s: 30,
            keepalive_timeout_s: 5,
        }),
        connection_attempts: 3,
        connection_timeout_s: 10,
        completion_timeout_s: None,
        shield: None,
        access_control: None,
    }
}

/// What an origin answers: status, fields, body; or how it fails.
pub type Said = Result<(u16, Vec<(&'static str, String)>, &'static str), OriginFailure>;

/// An answer with a `Cache-Control` and a body.
pub fn said(status: u16, cache_control: &str, body: &'static str) -> Said {
    let fields = match cache_control {
        "" => Vec::new(),
        value => vec![("Cache-Control", value.to_owned())],
    };
    Ok((status, fields, body))
}

/// What a viewer got.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: Headers,
    pub body: Bytes,
    pub result: ResultType,
    pub detailed: &'static str,
    pub trace: Trace,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// What stands for edge functions.
pub type Runs = fn(&ComputeCall) -> Result<Computed, ComputeFailure>;

/// A network and how often its origins were asked.
pub struct Play {
    pub network: Network,
    pub now_ms: u64,
    pub asked: Vec<String>,
    pub computes: Option<Runs>,
    requests: u8,
}

impl Play {
    pub fn of(distribution: Distribution) -> Self {
        let mut network = Network::new(Settings::local([7; 16], 1));
        network.install(distribution).unwrap();
        Self {
            network,
            now_ms: EPOCH_MS,
            asked: Vec::new(),
            computes: None,
            requests: 0,
        }
    }

    pub fn request(&mut self, method: &str, target: &str, fields: &[(&str, &str)]) -> Exchange {
        self.requests = self.requests.wrapping_add(1);
        let mut headers = Headers::default();
        headers.add("Host", DOMAIN);
        fields
            .iter()
            .for_each(|(name, value)| headers.add(name, *value));
        Exchange::new(
            ViewerRequest {
                method: method.to_owned(),
                target: target.to_owned(),
                host: DOMAIN.to_owned(),
                scheme: Scheme::Https,
                version: HttpVersion::Http11,
                headers,
                peer: "192.0.2.2:50000".parse().unwrap(),
                country: None,
                has_body: false,
                id: RequestId::new([self.requests; REQUEST_ID_RANDOM_BYTES]),
            },
            0,
        )
    }

    /// A viewer's request, with what the origin says to each question.
    pub fn ask(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        origin: impl FnMut(&Fetch) -> Said,
    ) -> Got {
        let mut exchange = self.request(method, target, fields);
        self.drive(&mut exchange, Event::Begin, origin)
    }

    pub fn get(&mut self, target: &str, origin: impl FnMut(&Fetch) -> Said) -> Got {
        self.ask("GET", target, &[], origin)
    }

    /// Drives an exchange to its answer, and passes the body through.
    pub fn drive(
        &mut self,
        exchange: &mut Exchange,
        mut event: Event,
        mut origin: impl FnMut(&Fetch) -> Said,
    ) -> Got {
        let mut body = Bytes::new();
        loop {
            event = match self.network.advance(exchange, event, self.now_ms) {
                Next::Wait(_) => panic!("nothing is under way"),
                Next::Compute(call) => {
                    let answer = self
                        .computes
                        .map_or(Err(ComputeFailure::Execution), |run| run(&call));
                    Event::Computed(answer)
                }
                Next::Collect { .. } => Event::Collected(Ok(body.clone())),
                Next::Fetch(fetch) => {
                    self.asked.push(fetch.request.target.clone());
                    Event::Fetched(origin(&fetch).map(|(status, fields, text)| {
                        body = Bytes::from_static(text.as_bytes());
                        head(status, &fields, text)
                    }))
                }
                Next::Answer(reply) => return self.answered(exchange, *reply, body),
            };
        }
    }

    fn answered(&mut self, exchange: &Exchange, reply: Reply, from_origin: Bytes) -> Got {
        let body = match reply.body {
            ReplyBody::Empty => Bytes::new(),
            ReplyBody::Bytes(bytes) => bytes,
            ReplyBody::Origin => from_origin,
        };
        if let Some(mut keep) = reply.keep {
            keep.push(&body);
            self.network.finish(keep, Ending::Complete, self.now_ms);
        }
        Got {
            status: reply.status,
            headers: reply.headers,
            body,
            result: reply.result,
            detailed: reply.detailed,
            trace: exchange.trace.clone(),
        }
    }

    pub fn wait(&mut self, seconds: u64) {
        self.now_ms += seconds * 1_000;
    }
}

pub fn head(status: u16, fields: &[(&'static str, String)], body: &str) -> OriginHead {
    let mut headers = Headers::default();
    fields
        .iter()
        .for_each(|(name, value)| headers.add(name, value.as_str()));
    headers.set("Content-Length", body.len().to_string());
    OriginHead {
        status,
        headers,
        framing: Framing::Length(body.len() as u64),
    }
}
