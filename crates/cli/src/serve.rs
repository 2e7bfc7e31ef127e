//! `serve`: the gateway as a plain HTTP/1.1 server. The TCP peer is the edge address; there is no front to confuse.

mod stores;

pub(crate) use stores::StatePlace;

use crate::args::Serve;
use crate::exit::{Exit, Failure, Outcome};
use crate::gateway::{Folders, LocalGateway, LocalPorts, countries};
use crate::http::{self, Answers, WireBody};
use crate::load::load;
use crate::log::Sink;
use crate::machine::random;
use crate::out;
use anstream::eprintln;
use hyper::body::Incoming;
use portcullis_origin::clock::{Clock as _, SystemClock};
use portcullis_origin::judge::Judge;
use portcullis_origin::request::{Front, Request};
use portcullis_origin::serve::{Budget, Carriage};
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::state::{SiteState, StateError};
use portcullis_play::texts::Texts;
use portcullis_site::Requirement;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use stores::{Objects, State};
use tokio::net::TcpListener;

/// How long an answer's head may take: below CloudFront's 30 s.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(25);

pub(crate) fn run(args: &Serve) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime.block_on(serve(args))
}

async fn serve(args: &Serve) -> Outcome {
    let manifest = load(&args.manifest)?;
    let site = manifest.compiled.bundle.site();
    if site.guard.access_control.mode == Requirement::Required {
        return Err(Failure::failed("this site requires access control, which only Lambda can verify; every request would be refused")
            .help("set `guard: { access_control: off }` in the manifest of a site served this way"));
    }
    let clock = SystemClock::start();
    let local = countries(&args.local, site, &manifest.folder, clock.now().wall)?;
    local.note.iter().for_each(|note| eprintln!("note: {note}"));
    let folders = Folders::new(&args.local.buckets, &manifest.folder)?;
    let (objects, state) = stores::open(args, &folders).await?;
    let secret = site.guard.secret_header.name.clone();
    let judge =
        Judge::new(manifest.compiled.bundle.clone(), local.countries).map_err(Failure::failed)?;
    let live = LiveState::new(state, clock, Freshness::default(), SiteState::default());
    live.before_decision().await;
    if let Some(why) = live.failure() {
        return Err(cannot_begin(&args.state, &why));
    }
    let gateway = Arc::new(PlainServer {
        gateway: LocalGateway::new(judge, live, clock, LocalPorts::new(objects)),
        secret,
        log: Sink::open(&args.log)?,
    });
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|why| Failure::failed(format!("cannot listen on {}: {why}", args.listen)))?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    out::line(format_args!("http://{address}"))?;
    let polled = Arc::clone(&gateway);
    let polling = tokio::spawn(async move {
        polled
            .gateway
            .live()
            .poll(|| u64::from_le_bytes(random()))
            .await
    });
    http::serve(listener, gateway, http::stop_signal()).await;
    polling.abort();
    Ok(Exit::Done.into())
}

/// Without a state there is no secret, and every request would be refused.
fn cannot_begin(place: &StatePlace, why: &StateError) -> Failure {
    let message = format!("the state `{place}`: {why}");
    match place {
        StatePlace::File(_) => Failure::failed(message)
            .help("it is a JSON file with `secrets` and `edge_lists`; docs/cli.md shows one"),
        StatePlace::DynamoDb { .. } => Failure::new(Exit::Aws, message)
            .help("look at the table, the region and the credentials; it needs dynamodb:GetItem"),
    }
}

struct PlainServer {
    gateway: LocalGateway<State, Objects>,
    secret: String,
    log: Sink,
}

impl Answers for PlainServer {
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
    ) -> hyper::Response<WireBody> {
        let (head, _body) = request.into_parts();
        let texts = Texts::of(|name| http::joined(&head.headers, name), &self.secret);
        let cookies = http::cookies(&head.headers);
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let (peer, id) = (peer.ip().to_string(), http::opaque_id());
        let request = Request {
            front: Front::Server,
            principal: None,
            peer: Some(&peer),
            method: head.method.as_str(),
            raw_path: head.uri.path(),
            raw_query: head.uri.query().unwrap_or_default(),
            headers: texts.headers(),
            cookies: &cookies,
            id: &id,
        };
        let answer = self.gateway.handle(&request, &budget()).await;
        if let Some(record) = &answer.record {
            self.log.line(&record.line());
        }
        http::response(answer.response)
    }
}

/// What a plain server can carry.
pub(crate) fn budget() -> Budget {
    Budget {
        carriage: Carriage::Unlimited,
        time: ANSWER_TIME,
        jitter: u16::from_le_bytes(random()) % 1_001,
    }
}
