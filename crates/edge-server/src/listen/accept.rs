//! From a listening socket to connections, and from the stop to the last of them.

use super::http2;
use super::tls::TlsSession;
use super::{Handler, Limits, Scheme, Shared, Via, http1};
use crate::wire::transport::Rewound;
use bytes::Bytes;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long to wait before accepting again when the system has no more descriptors.
const OUT_OF_DESCRIPTORS_WAIT: Duration = Duration::from_millis(50);

/// Serves until `stop` is true or its sender is gone, then lets what is under way finish. With `tls` every connection
/// begins with a handshake, without it none does.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    handler: Arc<H>,
    limits: Limits,
    stop: watch::Receiver<bool>,
) {
    let shared = Shared {
        handler,
        limits,
        stop,
    };
    let mut connections = JoinSet::new();
    accept_all(&listener, tls.as_ref(), &shared, &mut connections).await;
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    let _whoever_is_left_is_cut = timeout(limits.drain_time, ended).await;
    connections.shutdown().await;
}

async fn accept_all<H: Handler>(
    listener: &TcpListener,
    tls: Option<&Arc<ServerConfig>>,
    shared: &Shared<H>,
    connections: &mut JoinSet<()>,
) {
    let mut stopped = std::pin::pin!(shared.stopped());
    loop {
        let is_full = connections.len() >= shared.limits.connections_max.max(1);
        tokio::select! {
            biased;
            () = &mut stopped => return,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, tls.cloned(), shared.clone()));
                }
                // The connections that end give some back.
                Err(_) => tokio::time::sleep(OUT_OF_DESCRIPTORS_WAIT).await,
            },
        }
    }
}

async fn connection<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    shared: Shared<H>,
) {
    let _slower_but_correct = stream.set_nodelay(true);
    let mut via = Via {
        scheme: Scheme::Http,
        peer,
        tls: None,
    };
    let Some(config) = tls else {
        return speak(stream, &via, &shared).await;
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    let Ok(Ok(stream)) = timeout(shared.limits.head_time, handshake).await else {
        return;
    };
    let session = stream.get_ref().1;
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    via.scheme = Scheme::Https;
    via.tls = Some(Arc::new(TlsSession::of(session)));
    if is_http2 {
        http2::serve(stream, &via, &shared).await;
    } else {
        speak(stream, &via, &shared).await;
    }
}

/// HTTP/1.1, or HTTP/2 where the viewer begins with its preface (RFC 9113 §3.3).
async fn speak<T: http1::Transport, H: Handler>(stream: T, via: &Via, shared: &Shared<H>) {
    if let Some((stream, before)) = http1::serve(stream, via, shared).await {
        let before = Bytes::from(before);
        http2::serve(Rewound { before, stream }, via, shared).await;
    }
}
