//! One thread and one runtime per core, each with its own socket on the same port, so that no request crosses threads.

use super::{Handler, Limits, serve};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::net::TcpSocket;
use tokio::sync::watch;

/// The most threads.
const CORES_MAX: usize = 64;

/// How many connections the system keeps that are not accepted yet.
const BACKLOG: u32 = 1_024;

/// A server on its threads.
#[derive(Debug)]
pub struct Cores {
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Cores {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Blocks until all threads have ended, after the stop.
    pub fn wait(self) {
        for thread in self.threads {
            // A thread that panicked has said so itself.
            let _ended = thread.join();
        }
    }
}

/// Serves as [`serve`] does on `cores` threads of its own; the limit of connections is for each.
///
/// # Errors
/// The address is taken or not allowed, or the system gives no more threads.
pub fn serve_on_cores<H: Handler>(
    address: SocketAddr,
    cores: usize,
    tls: Option<&Arc<ServerConfig>>,
    handler: &Arc<H>,
    limits: Limits,
    stop: &watch::Receiver<bool>,
) -> io::Result<Cores> {
    let first = bind(address)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..cores.clamp(1, CORES_MAX) {
        listeners.push(bind(address)?);
    }
    let threads = listeners.into_iter().map(|listener| {
        let (tls, handler, stop) = (tls.cloned(), Arc::clone(handler), stop.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Builder::new().name("edge".to_owned()).spawn(move || {
            runtime.block_on(async move {
                // It is only the registration with the runtime that could fail.
                if let Ok(listener) = listener.listen(BACKLOG) {
                    serve(listener, tls, handler, limits, stop).await;
                }
            });
        })
    });
    Ok(Cores {
        address,
        threads: threads.collect::<io::Result<_>>()?,
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}
