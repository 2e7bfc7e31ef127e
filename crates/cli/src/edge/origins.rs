//! Where the origins of a distribution are: servers, folders that answer as buckets, programs that run as functions.

use crate::args::Edge;
use crate::exit::Failure;
use portcullis_edge::distribution::{
    AccessControlOrigin, CustomOrigin, Distribution, Origin, OriginKind, OriginProtocol,
};
use portcullis_edge_server::listen::Scheme;
use portcullis_edge_server::origins::directory::{Directory, MissingKey};
use portcullis_edge_server::origins::http::{HttpOrigin, HttpOriginSettings, OriginTls};
use portcullis_edge_server::origins::lambda::{FunctionUrl, LambdaOrigin};
use portcullis_edge_server::origins::{Fetching, OriginConnector, OriginFetch, Resolving};
use portcullis_play::heard::EDGE;
use portcullis_runtime_api::{FunctionConfig, Iam, Lambda};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What reaches the origins.
#[derive(Clone, Default)]
pub(super) struct Places {
    /// Those that were given a place, by the id of the origin in whatever distribution.
    given: HashMap<String, Arc<dyn OriginConnector>>,
    /// All of them, by the ids of distribution and origin: an id means something in its distribution only.
    all: HashMap<(String, String), Arc<dyn OriginConnector>>,
}

impl Places {
    /// The places of all origins of the distributions; programs are started.
    pub(super) async fn of(args: &Edge, distributions: &[Distribution]) -> Result<Self, Failure> {
        let mut places = Self::default();
        let origins: Vec<&Origin> = distributions.iter().flat_map(|one| &one.origins).collect();
        for pair in &args.origin {
            let (id, place) = pair
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("`{pair}` is not ID=PLACE")))?;
            let origin = origins.iter().find(|origin| origin.id == id);
            let origin = origin.ok_or_else(|| unknown(id, &origins))?;
            places.given.insert(id.to_owned(), at(origin, place).await?);
        }
        for distribution in distributions {
            places.add(distribution)?;
        }
        Ok(places)
    }

    /// Adds the origins of a distribution. Those of its version before stay: while a change spreads it is played too.
    pub(super) fn add(&mut self, distribution: &Distribution) -> Result<(), Failure> {
        for origin in &distribution.origins {
            let connector = match self.given.get(&origin.id) {
                Some(given) => Arc::clone(given),
                None => by_name(origin)?,
            };
            let key = (distribution.id.clone(), origin.id.clone());
            self.all.insert(key, connector);
        }
        Ok(())
    }

    /// What reaches an origin.
    pub(super) fn connector(
        &self,
        distribution: &str,
        origin: &Origin,
    ) -> Option<Arc<dyn OriginConnector>> {
        let key = (distribution.to_owned(), origin.id.clone());
        self.all.get(&key).cloned()
    }
}

fn unknown(id: &str, origins: &[&Origin]) -> Failure {
    let known: Vec<&str> = origins.iter().map(|origin| origin.id.as_str()).collect();
    Failure::usage(format!("no origin has the id `{id}`"))
        .help(format!("there are: {}", known.join(", ")))
}

/// The origin at a place that was named.
async fn at(origin: &Origin, place: &str) -> Result<Arc<dyn OriginConnector>, Failure> {
    if let Some(program) = place.strip_prefix("lambda:") {
        return function(origin, program).await;
    }
    for (scheme, text, port) in [
        (Scheme::Http, "http://", 80),
        (Scheme::Https, "https://", 443),
    ] {
        if let Some(authority) = place.strip_prefix(text) {
            return server(origin, scheme, authority, port, place);
        }
    }
    let folder = PathBuf::from(place);
    if folder.is_dir() {
        return Ok(Arc::new(Directory::new(folder, MissingKey::AccessDenied)));
    }
    Err(Failure::usage(format!(
        "`{place}` for origin `{}` is neither a URL nor a folder that is there",
        origin.id
    ))
    .help("a PLACE is http://HOST:PORT, https://HOST:PORT, lambda:PROGRAM or a folder"))
}

fn server(
    origin: &Origin,
    scheme: Scheme,
    authority: &str,
    default_port: u16,
    place: &str,
) -> Result<Arc<dyn OriginConnector>, Failure> {
    let authority = authority.trim_end_matches('/');
    let bad = || {
        Failure::usage(format!(
            "`{place}` is no URL of a scheme, a host and a port"
        ))
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
        _ => (authority, default_port),
    };
    if host.is_empty() || host.contains(['/', '?', '#', '@']) {
        return Err(bad());
    }
    let settings = HttpOriginSettings {
        http_port: port,
        https_port: port,
        ..timing(origin, host.trim_matches(['[', ']']))
    };
    let inner = HttpOrigin::new(settings, OriginTls::system());
    Ok(Arc::new(By {
        protocol: Some(scheme),
        inner,
    }))
}

/// The origin as the distribution names it: only a custom origin has a server that may be asked.
fn by_name(origin: &Origin) -> Result<Arc<dyn OriginConnector>, Failure> {
    let function = origin
        .access_control
        .is_some_and(|control| control.origin == AccessControlOrigin::Lambda);
    let OriginKind::Custom(custom) = origin.kind else {
        return Err(needs_place(origin, "a bucket", "./FOLDER"));
    };
    if function {
        return Err(needs_place(origin, "a function URL", "lambda:PROGRAM"));
    }
    let settings = HttpOriginSettings {
        http_port: custom.http_port,
        https_port: custom.https_port,
        ..timing(origin, &origin.domain)
    };
    Ok(Arc::new(By {
        protocol: protocol(custom),
        inner: HttpOrigin::new(settings, OriginTls::system()),
    }))
}

fn needs_place(origin: &Origin, what: &str, place: &str) -> Failure {
    Failure::usage(format!(
        "origin `{}` is {what}, which cannot be reached from here",
        origin.id
    ))
    .help(format!(
        "say what stands for it: `--origin {}={place}`, or http://HOST:PORT",
        origin.id
    ))
}

fn protocol(custom: CustomOrigin) -> Option<Scheme> {
    match custom.protocol {
        OriginProtocol::HttpOnly => Some(Scheme::Http),
        OriginProtocol::HttpsOnly => Some(Scheme::Https),
        OriginProtocol::MatchViewer => None,
    }
}

fn timing(origin: &Origin, domain: &str) -> HttpOriginSettings {
    let mut settings = HttpOriginSettings::new(domain);
    settings.attempts = origin.connection_attempts;
    settings.connect_time = Duration::from_secs(origin.connection_timeout_s.into());
    settings.completion_time = origin
        .completion_timeout_s
        .map(|seconds| Duration::from_secs(seconds.into()));
    if let OriginKind::Custom(custom) = origin.kind {
        settings.response_time = Duration::from_secs(custom.read_timeout_s.into());
        settings.keep_alive_time = Duration::from_secs(custom.keepalive_timeout_s.into());
    }
    settings
}

/// A program that is run as Lambda runs it.
async fn function(origin: &Origin, program: &str) -> Result<Arc<dyn OriginConnector>, Failure> {
    let path = std::path::absolute(Path::new(program)).map_err(Failure::failed)?;
    let mut config = FunctionConfig::new(&path);
    config.env = std::env::vars().filter(|(name, _)| is_told(name)).collect();
    config.timeout = Duration::from_secs(30);
    let lambda = Lambda::start(config)
        .await
        .map_err(|why| Failure::failed(format!("`{}` does not start: {why}", path.display())))?;
    let url = FunctionUrl {
        domain_name: origin.domain.clone(),
        source_ip: EDGE.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        iam: origin.access_control.map(|_| signer()),
    };
    Ok(Arc::new(LambdaOrigin::new(lambda, url)))
}

/// Whether a variable of this program is the function's too: how it is configured, and where AWS is.
fn is_told(name: &str) -> bool {
    let of_aws = name.starts_with("AWS_") && !name.starts_with("AWS_LAMBDA_");
    name.starts_with("PORTCULLIS_") || of_aws
}

/// A server that is asked by one scheme, or by the viewer's.
struct By {
    protocol: Option<Scheme>,
    inner: HttpOrigin,
}

impl OriginConnector for By {
    fn fetch(&self, mut fetch: OriginFetch) -> Fetching<'_> {
        if let Some(scheme) = self.protocol {
            fetch.scheme = scheme;
        }
        self.inner.fetch(fetch)
    }

    fn resolve(&self) -> Resolving<'_> {
        self.inner.resolve()
    }
}

/// Who signs for CloudFront, as a function URL shows it.
fn signer() -> Iam {
    Iam {
        access_key: "ASIALOCAL".to_owned(),
        account_id: "111122223333".to_owned(),
        caller_id: "AROALOCAL:cloudfront".to_owned(),
        user_arn: "arn:aws:sts::111122223333:assumed-role/origin-access-control/cloudfront"
            .to_owned(),
        user_id: "AROALOCAL:cloudfront".to_owned(),
    }
}
