//! `explain`: one request, step by step, as the gateway itself judges it, and what CloudFront would make of the answer.
//!
//! Always holds: the steps are those of `Judge::judge`; nothing is decided here. The proof is assumed unless it is said
//! otherwise, and what is assumed is marked.

mod cache;
mod steps;
mod text;

use crate::args::Explain;
use crate::exit::{Exit, Failure, Outcome};
use crate::gateway::{LocalPorts, countries};
use crate::http::opaque_id;
use crate::load::{Manifest, quietly};
use crate::serve::budget;
use anstream::{eprintln, print, println};
use portcullis_origin::clock::{Now, TestClock};
use portcullis_origin::judge::{Judge, Judgement};
use portcullis_origin::request::{Front, Headers, Principal, Request};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_site::Site;
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use steps::Explanation;

/// What stands for the secret: the request is assumed to be genuine.
const ASSUMED_SECRET: &str = "assumed-by-explain";
/// What stands for a CloudFront edge.
const ASSUMED_EDGE: &str = "203.0.113.1";

pub(crate) fn run(args: &Explain) -> Outcome {
    // What compiles and is probably not meant is for `compile` to say; here it would drown the answer.
    let manifest = quietly(&args.manifest)?;
    let explanation = explain(args, &manifest)?;
    if args.json {
        println!(
            "{}",
            serde_json::to_string(&explanation).map_err(Failure::failed)?
        );
    } else {
        print!("{}", text::render(&explanation));
    }
    Ok(if explanation.admitted {
        Exit::Done.into()
    } else {
        Exit::Refused.into()
    })
}

fn explain(args: &Explain, manifest: &Manifest) -> Result<Explanation, Failure> {
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
    let state = assumed_state(site, now, args.state.as_deref())?;
    let cookies = sent.cookies();
    let request = sent.request(&cookies);
    let judgement = judge.judge(&request, &state, now);
    let mut explanation = Explanation::of(manifest, &judge, &sent, &judgement, now);
    if matches!(judgement, Judgement::Decided(_)) {
        drop(judgement);
        explanation.answer = Some(answer(args, manifest, judge, &state, &sent, now)?);
    }
    Ok(explanation)
}

/// The request as it would reach the gateway.
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) path: String,
    query: String,
    viewer: Option<String>,
    country: Option<String>,
    /// Where the country header comes from.
    pub(super) country_origin: &'static str,
    headers: Vec<(String, String)>,
    proven: bool,
    id: String,
}

impl Sent {
    fn of(args: &Explain, site: &Site, judge: &Judge, now: u64) -> Result<Self, Failure> {
        let (path, query) = split(&args.url, site)?;
        let headers = args
            .header
            .iter()
            .map(|line| header(line))
            .collect::<Result<_, _>>()?;
        let agreed = args
            .viewer
            .and_then(|address| judge.countries().lookup(address, now).known());
        let (country, country_origin) = match (&args.country, agreed) {
            (Some(named), _) => (Some(named.clone()), "--country"),
            (None, Some(country)) => (
                Some(country.to_string()),
                "assumed: what the database says of --viewer",
            ),
            (None, None) => (None, "assumed: CloudFront sends no country"),
        };
        Ok(Self {
            method: args.method.clone(),
            path,
            query,
            viewer: args.viewer.map(with_port),
            country,
            country_origin,
            headers,
            proven: !args.no_proof,
            id: opaque_id(),
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The `Cookie` headers.
    fn cookies(&self) -> Vec<&str> {
        let cookies = self.headers.iter().filter(|(name, _)| name == "cookie");
        cookies.map(|(_, value)| value.as_str()).collect()
    }

    fn request<'a>(&'a self, cookies: &'a [&'a str]) -> Request<'a> {
        Request {
            front: Front::Domain("explain.lambda-url.local.on.aws"),
            principal: self.proven.then_some(Principal { arn: None }),
            peer: Some(ASSUMED_EDGE),
            method: &self.method,
            raw_path: &self.path,
            raw_query: &self.query,
            headers: Headers {
                secret: self.proven.then_some(ASSUMED_SECRET),
                viewer_address: self
                    .header("cloudfront-viewer-address")
                    .or(self.viewer.as_deref()),
                viewer_country: self
                    .header("cloudfront-viewer-country")
                    .or(self.country.as_deref()),
                range: self.header("range"),
                if_range: self.header("if-range"),
                if_match: self.header("if-match"),
                if_none_match: self.header("if-none-match"),
                if_modified_since: self.header("if-modified-since"),
                if_unmodified_since: self.header("if-unmodified-since"),
                accept_encoding: self.header("accept-encoding"),
                origin: self.header("origin"),
                request_method: self.header("access-control-request-method"),
                request_headers: self.header("access-control-request-headers"),
                accept: self.header("accept"),
                fetch_dest: self.header("sec-fetch-dest"),
                fetch_mode: self.header("sec-fetch-mode"),
                cdn_loop: self.header("cdn-loop"),
                via: self.header("via"),
                cloudfront_id: None,
            },
            cookies,
            id: &self.id,
        }
    }
}

/// `CloudFront-Viewer-Address`: an IPv6 address has no brackets there.
fn with_port(address: IpAddr) -> String {
    format!("{address}:443")
}

/// Path and query of a URL, or of a path.
fn split(url: &str, site: &Site) -> Result<(String, String), Failure> {
    let target = match url.split_once("://") {
        Some((_, rest)) => {
            let (host, _) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
            if !site.hosts.is_empty() && !site.hosts.iter().any(|h| h.as_str() == host) {
                eprintln!(
                    "note: `{host}` is not one of the site's hosts; the gateway never looks at the host"
                );
            }
            rest.get(host.len()..).unwrap_or_default()
        }
        None if url.starts_with('/') => url,
        None => {
            return Err(Failure::usage(format!(
                "`{url}` is neither a URL nor a path that begins with `/`"
            )));
        }
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok((
        if path.is_empty() {
            "/".to_owned()
        } else {
            path.to_owned()
        },
        query.to_owned(),
    ))
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
        let networks = [format!("{ASSUMED_EDGE}/32")]
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
    sent: &Sent,
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
    let ports = LocalPorts::new(&args.local, &manifest.folder)?;
    let gateway = portcullis_origin::handle::Gateway::new(judge, live, clock, ports);
    let cookies = sent.cookies();
    let request = sent.request(&cookies);
    let answered = runtime.block_on(gateway.handle(&request, &budget()));
    Ok(cache::AnswerView::of(
        manifest.compiled.bundle.site(),
        gateway.judge(),
        &request,
        &answered,
        now,
    ))
}
