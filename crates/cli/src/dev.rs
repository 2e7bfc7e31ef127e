//! `dev`: the whole system on one machine: the model of CloudFront, its caches included, and the gateway behind it.
//!
//! Plain HTTP here stands for the viewer's HTTPS. Everything listens on the loopback address only. A changed manifest
//! changes the distribution; the caches outlive that, as CloudFront's do.

mod inspect;
mod links;
mod system;
mod world;

use crate::args::Dev;
use crate::control::{self, Control};
use crate::exit::{Exit, Failure, Outcome};
use crate::http;
use crate::load::{MANIFEST, path_of};
use crate::log::Sink;
use crate::machine;
use crate::out;
use anstream::eprintln;
use inspect::Inspected;
use links::links;
use portcullis_edge::compute::Computed;
use portcullis_edge::network::{Network, Settings};
use portcullis_edge_server::drive::Edge;
use portcullis_edge_server::listen::{Limits, serve};
use portcullis_play::functions::Engine;
use serde_json::json;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use system::System;
use tokio::net::TcpListener;
use world::{Local, Shared};

/// The example site of this repository.
const EXAMPLE: &str = "examples/handbook";

/// The header in which a guard says why it refuses.
const REASON: &str = "x-portcullis-reason";

/// How often the manifest is looked at for a change.
const WATCH_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Dev) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime.block_on(dev(args))
}

async fn dev(args: &Dev) -> Outcome {
    let manifest = manifest(args)?;
    let listener = listen(args.port).await?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let system = System::start(args, &manifest)?;
    let api = control::listen(args.control.port).await?;
    let url_api = match &api {
        Some(listener) => Some(format!(
            "http://{}",
            listener.local_addr().map_err(Failure::failed)?
        )),
        None => None,
    };
    announce(args, &system, address, url_api.as_deref())?;
    let edge = edge(args, system)?;
    let distribution = edge.world().shared.system().distribution().clone();
    let control = Arc::new(Control::new(
        edge.clone(),
        Duration::from_secs(args.control.propagation.into()),
        std::iter::once((&distribution, None)),
        None,
    ));
    let current = Arc::new(Current::new(manifest));
    let watcher = watch(args, &current, &edge);
    let inspected = Inspected::new(edge.clone(), args.clone(), Arc::clone(&current));
    let serving = serve(
        listener,
        None,
        Arc::new(inspected),
        Limits::default(),
        http::stop_signal(),
    );
    let both = async { tokio::join!(serving, control.run(api)) };
    tokio::select! {
        ((), ()) = both => {}
        () = watcher => {}
    }
    Ok(Exit::Done.into())
}

/// The manifest that is at work, and when it was changed.
struct Current(Mutex<(PathBuf, Option<SystemTime>)>);

impl Current {
    fn new(path: PathBuf) -> Self {
        let seen = modified(&path);
        Self(Mutex::new((path, seen)))
    }

    fn path(&self) -> PathBuf {
        self.lock().0.clone()
    }

    /// Puts another one in its place.
    fn set(&self, path: PathBuf) {
        let seen = modified(&path);
        *self.lock() = (path, seen);
    }

    /// Its path, if it was changed since this was last asked.
    fn changed(&self) -> Option<PathBuf> {
        let mut current = self.lock();
        let now = modified(&current.0);
        let changed = std::mem::replace(&mut current.1, now) != now;
        changed.then(|| current.0.clone())
    }

    fn lock(&self) -> MutexGuard<'_, (PathBuf, Option<SystemTime>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The edge of a site, with empty caches.
fn edge(args: &Dev, system: System) -> Result<Edge<Local>, Failure> {
    let mut network = Network::new(Settings::local(
        machine::random(),
        u64::from_le_bytes(machine::random()),
    ));
    network.set_switches(args.open.switches());
    let installed = network.install(system.distribution().clone());
    installed.map_err(Failure::failed)?;
    let shared = Arc::new(Shared::new(system, args.json));
    let world = Local {
        shared: Arc::clone(&shared),
        viewer: args.viewer,
        country: args.country.clone(),
    };
    Ok(Edge::new(
        network,
        world,
        Some(Box::new(guards(&shared))),
        true,
    ))
}

/// The edge guards, which tell of whom they refuse.
fn guards(shared: &Arc<Shared>) -> Engine {
    let to_tell = Arc::clone(shared);
    Engine {
        runner: shared.guards(),
        domains: HashMap::new(),
        told: Box::new(move |_, called, ran| {
            if let Ok(Computed::Response(response)) = &ran.outcome {
                let reason = response.headers.get(REASON).unwrap_or_default();
                let reason = String::from_utf8_lossy(reason);
                to_tell.refused_by_guard(&called.method, &called.uri, &reason);
            }
        }),
    }
}

/// Plays another version of the site; requests under way finish with the old one.
fn replace(edge: &Edge<Local>, system: System) -> Result<(), Failure> {
    let system = system.in_place_of(&edge.world().shared.system());
    let distribution = system.distribution().clone();
    edge.world().shared.replace(system);
    edge.forget_connectors();
    edge.with_network(|network| network.install(distribution))
        .map_err(Failure::failed)
}

fn manifest(args: &Dev) -> Result<PathBuf, Failure> {
    let here = Path::new(MANIFEST);
    let named = match &args.manifest {
        Some(named) => named.clone(),
        None if here.exists() => here.to_owned(),
        None => PathBuf::from(EXAMPLE),
    };
    let path = path_of(&named);
    if path.exists() {
        return Ok(path);
    }
    Err(
        Failure::usage(format!("there is no manifest at `{}`", path.display()))
            .help("name one, or make one with `portcullis init`"),
    )
}

/// Listens on `port`, or on a free one if it is taken.
async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    match TcpListener::bind(local(port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(local(0))
            .await
            .map_err(|why| Failure::failed(format!("cannot listen: {why}"))),
    }
}

/// What to open, and what will happen there.
fn announce(
    args: &Dev,
    system: &System,
    address: SocketAddr,
    api: Option<&str>,
) -> Result<(), Failure> {
    let base = format!("http://{address}");
    let viewer = system.viewer(args.viewer, args.country.as_deref());
    let links = links(system, &base, viewer);
    if args.json {
        return out::json(&json!({
            "event": "ready",
            "url": base,
            "control_url": api,
            "digest": system.digest(),
            "notes": system.notes(),
            "links": links
        }));
    }
    system
        .notes()
        .iter()
        .for_each(|note| eprintln!("note: {note}"));
    let api = api
        .map(|url| format!("\naws cloudfront --endpoint-url {url}\n"))
        .unwrap_or_default();
    let links: String = links.iter().map(|link| format!("  {link}\n")).collect();
    out::text(format_args!(
        "{base}

The site {} as a viewer at {} sees it:
{links}
Another viewer:  portcullis dev --viewer ADDRESS, or a header for one request:
  curl -i -H 'x-portcullis-viewer: 81.2.69.142' {base}/
{api}Stop with Ctrl-C.
",
        system.site().site,
        args.viewer
    ))
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

/// Puts a changed manifest to work; one with mistakes is shown and the last good one stays.
async fn watch(args: &Dev, current: &Current, edge: &Edge<Local>) {
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let Some(manifest) = current.changed() else {
            continue;
        };
        let replaced = System::start(args, &manifest).and_then(|system| {
            let digest = system.digest().to_owned();
            replace(edge, system).map(|()| digest)
        });
        match replaced {
            Ok(digest) => {
                tell(args.json, &json!({ "event": "reloaded", "digest": digest }));
                eprintln!("reloaded: {digest}");
            }
            Err(failure) => {
                let _shown = failure.report();
                tell(args.json, &json!({ "event": "not-reloaded" }));
                eprintln!("the last good manifest stays in force");
            }
        }
    }
}

/// One event for a program that reads them.
fn tell(as_json: bool, event: &serde_json::Value) {
    if as_json {
        Sink::Stdout.line(&event.to_string());
    }
}
