//! The model with real functions in it, and an origin that answers as it is told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test that cannot go on must fail; each takes what it needs"
)]

use crate::support::{Lambda, PLACE};
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::compute::ComputeCall;
use portcullis_edge::distribution::{
    Behavior, CachePolicy, CacheSettings, Compute, CustomOrigin, Distribution, EventType,
    Functions, Origin, OriginKind, OriginProtocol, Target, ViewerConnections,
};
use portcullis_edge::exchange::{
    Ending, Event, Exchange, Framing, Next, OriginHead, Reply, ViewerRequest,
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
use portcullis_edge_functions::{EdgeFunction, Ran, Runner};
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z, in milliseconds.
const NOW_MS: u64 = 1_767_225_600_000;

/// A function of either kind.
pub(crate) enum Runs {
    Function(EdgeFunction),
    Lambda(Lambda),
}

impl Runs {
    pub(crate) fn function(code: &str) -> Self {
        Self::Function(EdgeFunction::new("tried", code, None).unwrap())
    }

    /// Puts it at an event.
    pub(crate) fn associate(&self, functions: &mut Functions, event: EventType) {
        self.put(functions, event, false);
    }

    /// Puts it at an event, where it is shown the body.
    pub(crate) fn associate_with_body(&self, functions: &mut Functions, event: EventType) {
        self.put(functions, event, true);
    }

    /// Gives it to a runner; what is handed back keeps its folder.
    pub(crate) fn into(self, runner: &mut Runner) -> Option<TempDir> {
        match self {
            Self::Function(function) => {
                runner.add(function).unwrap();
                None
            }
            Self::Lambda(lambda) => {
                runner.add_lambda(lambda.function).unwrap();
                Some(lambda.folder)
            }
        }
    }

    fn put(&self, functions: &mut Functions, event: EventType, include_body: bool) {
        let compute = match self {
            Self::Function(function) => Compute::Function(function.name().to_owned()),
            Self::Lambda(lambda) => Compute::Lambda {
                arn: lambda.function.arn().to_owned(),
                include_body,
            },
        };
        let place = match event {
            EventType::ViewerRequest => &mut functions.viewer_request,
            EventType::OriginRequest => &mut functions.origin_request,
            EventType::OriginResponse => &mut functions.origin_response,
            EventType::ViewerResponse => &mut functions.viewer_response,
        };
        *place = Some(compute);
    }

    fn run(&self, call: ComputeCall) -> Ran {
        match self {
            Self::Function(function) => function.run(call, PLACE),
            Self::Lambda(lambda) => lambda.function.run(call, PLACE),
        }
    }
}

/// What an origin answers: a status, or how it fails.
type Said = Result<u16, OriginFailure>;

pub(crate) struct Play {
    network: Network,
    runs: Runs,
    /// What runs at the origin's side, where it is another.
    pub(crate) behind: Option<Runs>,
    /// How often functions ran.
    pub(crate) ran: u32,
    /// What they logged.
    pub(crate) log: Vec<String>,
    /// What the origin was asked for.
    pub(crate) asked: Vec<String>,
    /// The fields it was asked with.
    pub(crate) sent: Vec<Headers>,
}

impl Play {
    pub(crate) fn new(distribution: Distribution, runs: Runs) -> Self {
        let mut network = Network::new(Settings::local([7; 16], 1));
        network.install(distribution).unwrap();
        Self {
            network,
            runs,
            behind: None,
            ran: 0,
            log: Vec::new(),
            asked: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn compute(&mut self, call: ComputeCall, origin: &impl Fn(&str) -> Said) -> Event {
        // As the driver does: the origin is looked up before its function runs.
        if let (EventType::OriginRequest, Some(at)) = (call.event, &call.origin)
            && let Err(failure @ OriginFailure::Dns) = origin(&at.id)
        {
            return Event::Fetched(Err(failure));
        }
        let at_origin = call.event == EventType::OriginRequest;
        let runs = self.behind.as_ref().filter(|_| at_origin);
        let mut ran = runs.unwrap_or(&self.runs).run(call);
        self.ran += 1;
        self.log.append(&mut ran.log);
        Event::Computed(ran.outcome)
    }

    /// A viewer's request for `/a`, with what each origin says.
    pub(crate) fn get(&mut self, scheme: Scheme, origin: impl Fn(&str) -> Said) -> Reply {
        self.ask(request(scheme), origin)
    }

    pub(crate) fn ask(&mut self, request: ViewerRequest, origin: impl Fn(&str) -> Said) -> Reply {
        let mut exchange = Exchange::new(request, 0);
        let mut event = Event::Begin;
        loop {
            event = match self.network.advance(&mut exchange, event, NOW_MS) {
                Next::Wait(_) | Next::Collect { .. } => panic!("neither is asked for here"),
                Next::Compute(call) => self.compute(*call, &origin),
                Next::Fetch(fetch) => {
                    self.asked.push(fetch.request.target.clone());
                    self.sent.push(fetch.request.headers.clone());
                    Event::Fetched(origin(&fetch.origin.id).map(head))
                }
                Next::Answer(mut reply) => {
                    if let Some(mut keep) = reply.keep.take() {
                        keep.push(&bytes::Bytes::from_static(b"ok"));
                        self.network.finish(keep, Ending::Complete, NOW_MS);
                    }
                    return *reply;
                }
            };
        }
    }
}

fn head(status: u16) -> OriginHead {
    let mut headers = Headers::default();
    headers.add("Cache-Control", "max-age=60");
    headers.add("Content-Encoding", "gzip");
    headers.add("Content-Length", "2");
    OriginHead {
        status,
        headers,
        framing: Framing::Length(2),
    }
}

pub(crate) fn request(scheme: Scheme) -> ViewerRequest {
    let host = "d111111abcdef8.cloudfront.net";
    ViewerRequest {
        method: "GET".to_owned(),
        target: "/a".to_owned(),
        host: host.to_owned(),
        scheme,
        version: HttpVersion::Http11,
        headers: Headers::from_iter([("Host", host), ("Accept-Encoding", "gzip")]),
        peer: "192.0.2.2:50000".parse().unwrap(),
        country: None,
        has_body: false,
        id: RequestId::new([1; REQUEST_ID_RANDOM_BYTES]),
    }
}

pub(crate) fn origin(id: &str) -> Origin {
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

/// One origin, one behavior that keeps what the origin lets it keep.
pub(crate) fn distribution() -> Distribution {
    let policy = CachePolicy {
        name: "tried".to_owned(),
        ttls: Ttls {
            min: 0,
            default: 60,
            max: 600,
        },
        headers: Vec::new(),
        cookies: Names::Nothing,
        query: Names::Nothing,
        codings: EdgeCodings {
            gzip: true,
            brotli: false,
        },
    };
    Distribution {
        id: PLACE.id.to_owned(),
        domain: PLACE.domain.to_owned(),
        enabled: true,
        aliases: Vec::new(),
        default_root: None,
        origins: vec![origin("first")],
        groups: Vec::new(),
        behaviors: Vec::new(),
        default_behavior: Behavior {
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
        },
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
