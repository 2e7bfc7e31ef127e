//! `edge`: any distribution, played here: the model of CloudFront in front of origins on this machine or elsewhere.
//!
//! Always holds: what cannot be played is refused by name before anything listens; a changed file is put to work only when
//! all of it is right. Deliberately absent: our gateway, which `dev` puts behind the same model.

mod access_log;
mod functions;
mod origins;
pub(crate) mod read;
mod updates;
mod world;

use crate::args::Edge as Arguments;
use crate::control::{self, Control};
use crate::exit::{Exit, Failure, Outcome};
use crate::{http, machine, out};
use anstream::eprintln;
use arc_swap::ArcSwap;
use functions::engine;
use origins::Places;
use portcullis_distribution::Resources;
use portcullis_distribution::value::Value;
use portcullis_edge::distribution::Distribution;
use portcullis_edge::network::{Network, POPS_MAX, Pop, Settings};
use portcullis_edge_functions::Runner;
use portcullis_edge_server::drive::Edge;
use portcullis_edge_server::listen::{Certificate, Limits, serve};
use portcullis_viewer::country::{Country, CountrySet};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use updates::FromApi;
use world::Elsewhere;

/// How often the files are looked at for a change.
const WATCH_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Arguments) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime.block_on(play(args))
}

async fn play(args: &Arguments) -> Outcome {
    let seen = modified(args);
    let read::Described {
        distributions,
        functions,
        encryption,
        configs,
        resources,
    } = read::described(&args.described)?;
    let places = Places::of(args, &distributions).await?;
    let functions = Arc::new(ArcSwap::from_pointee(functions));
    let world = Elsewhere::new(args, places, encryption)?;
    let edge = edge(args, &distributions, world, &functions)?;
    let plain = listen(args, args.port).await?;
    let tls = match args.tls_port {
        Some(port) => Some((
            listen(args, port).await?,
            certificate(args, &distributions)?,
        )),
        None => None,
    };
    let api = control::listen(args.control.port).await?;
    announce(
        args,
        &distributions,
        &plain,
        tls.as_ref().map(|(l, _)| l),
        api.as_ref(),
    )?;
    let resources = Arc::new(ArcSwap::from_pointee(resources));
    let updates = FromApi {
        args: args.clone(),
        resources: Arc::clone(&resources),
        edge: edge.clone(),
        functions: Arc::clone(&functions),
    };
    let control = Arc::new(Control::new(
        edge.clone(),
        Duration::from_secs(args.control.propagation.into()),
        held(&distributions, configs),
        Some(Box::new(updates)),
    ));
    let (handler, stop) = (Arc::new(edge.clone()), http::stop_signal());
    let secure = async {
        if let Some((listener, certificate)) = tls {
            let config = Some(certificate.server_config());
            serve(
                listener,
                config,
                Arc::clone(&handler),
                Limits::default(),
                stop.clone(),
            )
            .await;
        }
    };
    let both = async {
        tokio::join!(
            serve(
                plain,
                None,
                Arc::clone(&handler),
                Limits::default(),
                stop.clone()
            ),
            secure,
            control.run(api)
        )
    };
    tokio::select! {
        ((), (), ()) = both => {}
        () = watch(args, seen, &edge, &functions, &resources, &control) => {}
    }
    Ok(Exit::Done.into())
}

/// The distributions with what the API says of them.
fn held(
    distributions: &[Distribution],
    mut configs: BTreeMap<String, Value>,
) -> impl Iterator<Item = (&Distribution, Option<Value>)> {
    distributions
        .iter()
        .map(move |one| (one, configs.remove(&one.id)))
}

fn edge(
    args: &Arguments,
    distributions: &[Distribution],
    world: Elsewhere,
    functions: &Arc<ArcSwap<Runner>>,
) -> Result<Edge<Elsewhere>, Failure> {
    let mut settings = Settings::local(machine::random(), u64::from_le_bytes(machine::random()));
    settings.switches = args.open.switches();
    settings.store_bytes_max = usize::try_from(args.cache).unwrap_or(usize::MAX) << 20;
    settings.object_bytes_max = settings.object_bytes_max.min(settings.store_bytes_max / 4);
    if !args.pop.is_empty() {
        settings.pops = pops(&args.pop)?;
    }
    let mut network = Network::new(settings);
    for distribution in distributions {
        let installed = network.install(distribution.clone());
        installed.map_err(Failure::failed)?;
    }
    let domains = distributions
        .iter()
        .map(|one| (one.id.clone(), one.domain.clone()));
    let engine = engine(
        Arc::clone(functions),
        domains.collect(),
        world::sink(args)?,
        args.json,
    );
    let alone = args.tls_port.is_none();
    Ok(Edge::new(network, world, Some(Box::new(engine)), alone))
}

/// Points of presence as `NAME[=REGION[:CC,CC]]`.
fn pops(written: &[String]) -> Result<Vec<Pop>, Failure> {
    if written.len() > POPS_MAX {
        return Err(Failure::usage(format!(
            "{} points of presence are more than {POPS_MAX}",
            written.len()
        )));
    }
    written.iter().map(|one| pop(one)).collect()
}

fn pop(written: &str) -> Result<Pop, Failure> {
    let (name, rest) = written.split_once('=').unwrap_or((written, "us-east-1"));
    let (region, codes) = rest.split_once(':').unwrap_or((rest, ""));
    if name.is_empty() || region.is_empty() {
        return Err(Failure::usage(format!(
            "`{written}` is not NAME[=REGION[:CC,CC]]"
        )));
    }
    let mut countries = CountrySet::default();
    for code in codes.split(',').filter(|code| !code.is_empty()) {
        let country: Country = code
            .parse()
            .map_err(|_| Failure::usage(format!("`{code}` in `{written}` is no country code")))?;
        countries.insert(country);
    }
    Ok(Pop {
        name: name.to_owned(),
        region: region.to_owned(),
        countries,
    })
}

async fn listen(args: &Arguments, port: u16) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(args.listen, port);
    TcpListener::bind(address).await.map_err(|why| {
        Failure::failed(format!("cannot listen on {address}: {why}"))
            .help("--port 0 takes a free one")
    })
}

fn certificate(args: &Arguments, distributions: &[Distribution]) -> Result<Certificate, Failure> {
    let names: Vec<String> = distributions
        .iter()
        .flat_map(|one| one.aliases.iter().chain([&one.domain]))
        .cloned()
        .collect();
    let certificate = Certificate::make(&names).map_err(Failure::failed)?;
    if let Some(path) = &args.authority {
        std::fs::write(path, certificate.authority_pem()).map_err(|why| {
            Failure::failed(format!("`{}` cannot be written: {why}", path.display()))
        })?;
    }
    Ok(certificate)
}

fn announce(
    args: &Arguments,
    distributions: &[Distribution],
    plain: &TcpListener,
    tls: Option<&TcpListener>,
    api: Option<&TcpListener>,
) -> Result<(), Failure> {
    let url = |scheme: &str, listener: &TcpListener| {
        let address = listener.local_addr().map_err(Failure::failed)?;
        Ok::<_, Failure>(format!("{scheme}://{address}"))
    };
    let url_plain = url("http", plain)?;
    let url_tls = tls.map(|listener| url("https", listener)).transpose()?;
    let url_api = api.map(|listener| url("http", listener)).transpose()?;
    if args.json {
        let ids = distributions
            .iter()
            .map(|one| json!({ "id": one.id, "domain": one.domain, "aliases": one.aliases }));
        return out::json(&json!({
            "event": "ready",
            "url": url_plain,
            "tls_url": url_tls,
            "control_url": url_api,
            "distributions": ids.collect::<Vec<_>>()
        }));
    }
    let mut text = format!("{url_plain}\n");
    if let Some(url) = url_tls {
        text.push_str(&format!("{url}\n"));
    }
    for one in distributions {
        let names = one.aliases.iter().map(|alias| format!(" {alias}"));
        let names: String = names.collect();
        text.push_str(&format!("\n{} {}{names}\n", one.id, one.domain));
        for (index, _) in one.all_behaviors().enumerate() {
            text.push_str(&format!("  {}\n", one.pattern(index)));
        }
    }
    if let Some(url) = url_api {
        text.push_str(&format!("\naws cloudfront --endpoint-url {url}\n"));
    }
    out::text(format_args!("{text}\nStop with Ctrl-C.\n"))
}

fn modified(args: &Arguments) -> Vec<Option<SystemTime>> {
    let time = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    args.described.files.iter().map(|path| time(path)).collect()
}

/// Puts changed files to work; where they have mistakes, these are shown and the last good ones stay.
async fn watch(
    args: &Arguments,
    mut seen: Vec<Option<SystemTime>>,
    edge: &Edge<Elsewhere>,
    functions: &ArcSwap<Runner>,
    resources: &ArcSwap<Resources>,
    control: &Control<Elsewhere>,
) {
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let now = modified(args);
        if now == seen {
            continue;
        }
        seen = now;
        match replace(args, edge, functions, resources, control).await {
            Ok(()) => eprintln!("reloaded"),
            Err(failure) => {
                let _shown = failure.report();
                eprintln!("the last good configuration stays in force");
            }
        }
    }
}

async fn replace(
    args: &Arguments,
    edge: &Edge<Elsewhere>,
    functions: &ArcSwap<Runner>,
    resources: &ArcSwap<Resources>,
    control: &Control<Elsewhere>,
) -> Result<(), Failure> {
    let described = read::described(&args.described)?;
    let distributions = described.distributions;
    let places = Places::of(args, &distributions).await?;
    edge.world().replace(places, described.encryption);
    functions.store(Arc::new(described.functions));
    resources.store(Arc::new(described.resources));
    edge.forget_connectors();
    let installing = distributions.clone().into_iter();
    edge.with_network(|network| {
        let mut installing = installing;
        installing.try_for_each(|one| network.install(one))
    })
    .map_err(Failure::failed)?;
    control.hold(held(&distributions, described.configs));
    Ok(())
}
