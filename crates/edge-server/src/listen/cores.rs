//! One thread and one runtime per core, each with its own socket on the same port, so that no request crosses threads.

use super::{Handler, Limits, serve};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
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
    let first = Listening::bind(address)?;
    let address = first.listener.local_addr()?;
    let mut all = vec![first];
    for _ in 1..cores.clamp(1, CORES_MAX) {
        all.push(Listening::bind(address)?);
    }
    let threads = all.into_iter().map(|Listening { runtime, listener }| {
        let (tls, handler, stop) = (tls.cloned(), Arc::clone(handler), stop.clone());
        let thread = Builder::new().name("edge".to_owned());
        thread.spawn(move || runtime.block_on(serve(listener, tls, handler, limits, stop)))
    });
    Ok(Cores {
        address,
        threads: threads.collect::<io::Result<_>>()?,
    })
}

/// A socket that viewers can connect to already, and the runtime that will accept them.
struct Listening {
    runtime: Runtime,
    listener: TcpListener,
}

impl Listening {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let socket = bind(address)?;
        let entered = runtime.enter();
        let listener = socket.listen(BACKLOG)?;
        drop(entered);
        Ok(Self { runtime, listener })
    }
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
