//! The gateway's own judgement and serving behind lambda_http, as one would write it in an afternoon: the same site,
//! state, table, directory and decision line, but lambda_http's events, answers and loop.

use lambda_http::http::HeaderMap;
use lambda_http::request::RequestContext;
use lambda_http::{Error, Request, RequestExt, Response, run, service_fn};
use memmap2::Mmap;
use portcullis_origin::clock::SystemClock;
use portcullis_origin::countries::Countries;
use portcullis_origin::handle::Gateway;
use portcullis_origin::judge::Judge;
use portcullis_origin::request::{Front, Headers, Principal, Request as OurRequest};
use portcullis_origin::response::Body;
use portcullis_origin::serve::{Budget, Carriage, NoSigner, Ports};
use portcullis_origin::state::SiteState;
use portcullis_origin::state::file::FileState;
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::store::directory::DirectoryStore;
use portcullis_origin::upstream::client::HttpClient;
use portcullis_site::Bundle;
use portcullis_viewer::table::CountryTable;
use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

struct PeerPorts {
    objects: Arc<DirectoryStore>,
    upstream: HttpClient,
}

impl Ports for PeerPorts {
    type Objects = DirectoryStore;
    type Upstream = HttpClient;
    type Signer = NoSigner;

    fn objects(&self) -> &Arc<DirectoryStore> {
        &self.objects
    }

    fn upstream(&self) -> &HttpClient {
        &self.upstream
    }

    fn signer(&self) -> &NoSigner {
        &NoSigner
    }
}

type PeerGateway = Gateway<PeerPorts, FileState, SystemClock>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let gateway = gateway()?;
    gateway.live().before_decision().await;
    let gateway = &gateway;
    run(service_fn(move |request: Request| answer(gateway, request))).await
}

fn gateway() -> Result<PeerGateway, Error> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let after = |name: &str, prefix: &str| -> Result<String, Error> {
        let value = variable(name)?;
        let rest = value
            .strip_prefix(prefix)
            .ok_or(format!("{name} is wrong"))?;
        Ok(rest.to_owned())
    };
    let bundle = Bundle::read(&std::fs::read(variable("PORTCULLIS_BUNDLE")?)?)?;
    let table = File::open(variable("PORTCULLIS_GEOIP")?)?;
    // SAFETY: the file was written by the benchmark, which changes it no more.
    let table = CountryTable::open(unsafe { Mmap::map(&table)? })?;
    let rule = bundle
        .site()
        .geo
        .database
        .clone()
        .ok_or("the site has no database")?;
    let clock = SystemClock::start();
    let state = FileState::new(after("PORTCULLIS_STATE", "file:")?);
    let objects = DirectoryStore::new(after("PORTCULLIS_OBJECTS", "directory:")?);
    Ok(Gateway::new(
        Judge::new(bundle, Countries::table(table, &rule))?,
        LiveState::new(state, clock, Freshness::default(), SiteState::default()),
        clock,
        PeerPorts {
            objects: Arc::new(objects),
            upstream: HttpClient::new(),
        },
    ))
}

async fn answer(
    gateway: &PeerGateway,
    request: Request,
) -> Result<Response<lambda_http::Body>, Error> {
    let context = request.request_context();
    let RequestContext::ApiGatewayV2(context) = context else {
        return Err("another kind of event".into());
    };
    let id = request.lambda_context().request_id;
    let iam = context
        .authorizer
        .as_ref()
        .and_then(|authorizer| authorizer.iam.as_ref());
    let ours = OurRequest {
        front: Front::Domain(context.domain_name.as_deref().unwrap_or_default()),
        principal: iam.map(|iam| Principal {
            arn: iam.user_arn.as_deref(),
        }),
        peer: context.http.source_ip.as_deref(),
        method: request.method().as_str(),
        raw_path: request.raw_http_path(),
        raw_query: request.uri().query().unwrap_or_default(),
        headers: headers(
            request.headers(),
            &gateway.judge().site().guard.secret_header.name,
        ),
        cookies: &[],
        id: &id,
    };
    let budget = Budget {
        carriage: Carriage::Envelope {
            bytes: 6_291_556,
            streams: false,
        },
        time: Duration::from_secs(2),
        jitter: 500,
    };
    let answer = gateway.handle(&ours, &budget).await;
    if let Some(record) = &answer.record {
        let mut line = record.line();
        line.push('\n');
        std::io::stdout().lock().write_all(line.as_bytes())?;
    }
    let mut response = Response::builder().status(answer.response.status);
    for (name, value) in &answer.response.headers {
        response = response.header(*name, value.as_bytes());
    }
    let body = match answer.response.body {
        Body::Empty => lambda_http::Body::Empty,
        Body::Whole(bytes) => String::from_utf8(bytes.to_vec()).map_or_else(
            |error| lambda_http::Body::Binary(error.into_bytes()),
            lambda_http::Body::Text,
        ),
        Body::Stream { .. } => return Err("a stream".into()),
    };
    Ok(response.body(body)?)
}

fn headers<'a>(headers: &'a HeaderMap, secret: &str) -> Headers<'a> {
    let get = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Headers {
        secret: get(secret),
        viewer_address: get("cloudfront-viewer-address"),
        viewer_country: get("cloudfront-viewer-country"),
        range: get("range"),
        if_range: get("if-range"),
        if_match: get("if-match"),
        if_none_match: get("if-none-match"),
        if_modified_since: get("if-modified-since"),
        if_unmodified_since: get("if-unmodified-since"),
        accept_encoding: get("accept-encoding"),
        origin: get("origin"),
        request_method: get("access-control-request-method"),
        request_headers: get("access-control-request-headers"),
        accept: get("accept"),
        fetch_dest: get("sec-fetch-dest"),
        fetch_mode: get("sec-fetch-mode"),
        cdn_loop: get("cdn-loop"),
        via: get("via"),
        cloudfront_id: get("x-amz-cf-id"),
    }
}
