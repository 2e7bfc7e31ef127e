//! `explain`: one request, step by step, as the gateway itself judges it, and what CloudFront would make of the answer.
//!
//! Always holds: the steps are those of the edge model and of `Judge::judge`, and the gateway hears what `dev` would let it
//! hear; nothing is decided here. The proof is assumed unless it is said otherwise, and what is assumed is marked.

mod cache;
mod edge;
pub(crate) mod steps;
pub(crate) mod text;

use crate::args::Explain;
use crate::exit::{Exit, Failure, Outcome};
use crate::gateway::{Folders, LocalPorts, countries};
use crate::load::{Manifest, quietly};
use crate::out;
use crate::serve::budget;
use anstream::eprintln;
use edge::AtEdge;
use portcullis_edge::distribution::Distribution;
use portcullis_edge::gate::Scheme;
use portcullis_edge::headers::{CustomHeaders, Headers};
use portcullis_edge::identity::{EdgeHost, REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge::path::split_target;
use portcullis_origin::clock::{Now, TestClock};
use portcullis_origin::judge::{Judge, Judgement};
use portcullis_origin::request::Request;
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_play::heard::{Arrived, EDGE, Heard, Sender, Viewer, distribution};
use portcullis_site::Site;
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use steps::Explanation;

/// What stands for the secret: the request is assumed to be genuine.
const ASSUMED_SECRET: &str = "assumed-by-explain";
pub(crate) fn run(args: &Explain) -> Outcome {
    // What compiles and is probably not meant is for `compile` to say; here it would drown the answer.
    let manifest = quietly(&args.manifest)?;
    let explanation = explain(args, &manifest)?;
    if args.json {
        out::json(&explanation)?;
    } else {
        out::text(text::render(&explanation))?;
    }
    Ok(if explanation.admitted {
        Exit::Done.into()
    } else {
        Exit::Refused.into()
    })
}

pub(crate) fn explain(args: &Explain, manifest: &Manifest) -> Result<Explanation, Failure> {
    let site = manifest.compiled.bundle.site();
    let now = args.at.unwrap_or_else(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_secs())
    });
    let local = countries(&args.local, site, &manifest.folder, now)?;
    if !args.json {
        local.note.iter().for_each(|note| eprintln!("note: {note}"));
    }
    let judge =
        Judge::new(manifest.compiled.bundle.clone(), local.countries).map_err(Failure::failed)?;
    let sent = Sent::of(args, site, &judge, now)?;
    let mut explanation = Explanation::new(manifest, &sent.method, &sent.path, now);
    let arrived = sent.arrived();
    let distribution = distribution(site, ASSUMED_SECRET).map_err(Failure::failed)?;
    let at_edge = AtEdge::of(&distribution, site, &sent, &arrived)
        .ok_or_else(|| Failure::failed("the site has no behavior"))?;
    at_edge.explain(&sent, manifest, &mut explanation);
    if at_edge.refuses() {
        return Ok(explanation);
    }
    let heard = heard(site, &distribution, &sent, &arrived, at_edge.index)?;
    let cookies = heard.cookies();
    let request = sent.proven_as_said(heard.request(&cookies));
    let state = assumed_state(site, now, args.state.as_deref())?;
    let judgement = judge.judge(&request, &state, now);
    explanation.judged(manifest, &judge, &sent, &judgement);
    if matches!(judgement, Judgement::Decided(_)) {
        drop(judgement);
        explanation.answer = Some(answer(args, manifest, judge, &state, &request, now)?);
    }
    Ok(explanation)
}

/// What CloudFront sends to the gateway.
fn heard(
    site: &Site,
    distribution: &Distribution,
    sent: &Sent,
    arrived: &Arrived<'_>,
    behavior: usize,
) -> Result<Heard, Failure> {
    let secret = (
        site.guard.secret_header.name.clone(),
        ASSUMED_SECRET.to_owned(),
    );
    let secret = Some(secret).filter(|_| sent.proven);
    let custom_headers =
        CustomHeaders::new(secret.into_iter().collect()).map_err(Failure::failed)?;
    let sender = Sender {
        site,
        distribution,
        custom_headers: &custom_headers,
        edge: &EdgeHost::new([0; 16]),
        id: &RequestId::new([0; REQUEST_ID_RANDOM_BYTES]),
    };
    Ok(sender.send(arrived, behavior))
}

/// The request as the viewer sends it.
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) scheme: Scheme,
    pub(super) host: String,
    target: String,
    headers: Headers,
    viewer: Viewer,
    /// Where the country header comes from.
    pub(super) country_origin: &'static str,
    proven: bool,
}

impl Sent {
    fn of(args: &Explain, site: &Site, judge: &Judge, now: u64) -> Result<Self, Failure> {
        let (scheme, host, target) = split(&args.url, site)?;
        let mut headers = Headers::default();
        for line in &args.header {
            let (name, value) = header(line)?;
            headers.add(&name, value);
        }
        let found = args
            .viewer
            .and_then(|address| judge.countries().lookup(address, now).known());
        let (country, country_origin) = match (&args.country, found) {
            (Some(named), _) => (named.parse().ok(), "--country"),
            (None, Some(country)) => (Some(country), "assumed: what the database says of --viewer"),
            (None, None) => (None, "assumed: CloudFront sends no country"),
        };
        Ok(Self {
            method: args.method.clone(),
            path: split_target(&target).0.to_owned(),
            scheme,
            host,
            target,
            headers,
            viewer: Viewer {
                address: args.viewer.map(|address| SocketAddr::new(address, 443)),
                country,
            },
            country_origin,
            proven: !args.no_proof,
        })
    }

    fn arrived(&self) -> Arrived<'_> {
        Arrived {
            viewer: self.viewer,
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
        }
    }

    /// The request with the access control it was said to have.
    fn proven_as_said<'a>(&self, request: Request<'a>) -> Request<'a> {
        Request {
            principal: request.principal.filter(|_| self.proven),
            ..request
        }
    }
}

/// Scheme, host and target of a URL, or of a path.
fn split(url: &str, site: &Site) -> Result<(Scheme, String, String), Failure> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        None if url.starts_with('/') => (Scheme::Https, url),
        _ => {
            return Err(Failure::usage(format!(
                "`{url}` is neither a URL nor a path that begins with `/`"
            )));
        }
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(end);
    let known = host.is_empty() || site.hosts.iter().any(|h| h.as_str() == host);
    if !known && !site.hosts.is_empty() {
        eprintln!(
            "note: `{host}` is not one of the site's hosts; the gateway never looks at the host"
        );
    }
    let slash = if target.starts_with('/') { "" } else { "/" };
    Ok((scheme, host.to_owned(), format!("{slash}{target}")))
}

fn header(line: &str) -> Result<(String, String), Failure> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| Failure::usage(format!("`{line}` is not NAME: VALUE")))?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// A state in which a genuine request passes; lists of the site's own come from `file`, if one is given.
fn assumed_state(
    site: &Site,
    now: u64,
    file: Option<&std::path::Path>,
) -> Result<SiteState, Failure> {
    let mut state = match file {
        Some(path) => {
            let text = std::fs::read(path).map_err(|why| {
                Failure::failed(format!(
                    "the state `{}` cannot be read: {why}",
                    path.display()
                ))
            })?;
            SiteState::from_json(&text).map_err(Failure::failed)?
        }
        None => SiteState::default(),
    };
    let digest = Some(SecretDigest::of(ASSUMED_SECRET.as_bytes()));
    state.secrets = Secrets {
        version: 1,
        current: digest,
        ..Secrets::default()
    };
    for list in &site.guard.edges.prefix_lists {
        let networks = [format!("{EDGE}/32")]
            .iter()
            .filter_map(|n| n.parse().ok())
            .collect();
        let snapshot =
            PrefixSnapshot::new(list, 1, now, networks, Guards::Edges).map_err(Failure::failed)?;
        state.edge_lists.insert(list.clone(), snapshot);
    }
    Ok(state)
}

/// What the gateway answers, from the local store, and what CloudFront makes of it.
fn answer(
    args: &Explain,
    manifest: &Manifest,
    judge: Judge,
    state: &SiteState,
    request: &Request<'_>,
    now: u64,
) -> Result<cache::AnswerView, Failure> {
    use portcullis_origin::state::memory::MemoryState;
    use portcullis_origin::state::poll::{Freshness, LiveState};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let clock = std::sync::Arc::new(TestClock::at(Now {
        wall: now,
        monotonic: 0,
    }));
    let store = MemoryState::new(Ok(state.clone()));
    let live = LiveState::new(
        store,
        std::sync::Arc::clone(&clock),
        Freshness::default(),
        state.clone(),
    );
    let ports = LocalPorts::new(Folders::new(&args.local.buckets, &manifest.folder)?.store());
    let gateway = portcullis_origin::handle::Gateway::new(judge, live, clock, ports);
    let answered = runtime.block_on(gateway.handle(request, &budget()));
    Ok(cache::AnswerView::of(
        manifest.compiled.bundle.site(),
        gateway.judge(),
        request,
        &answered,
    ))
}
