//! From a name to a connection: resolve, check the addresses, connect, speak TLS.
//!
//! Always holds: an address that is not public is never connected to, in whatever form it comes, unless the origin
//! allows it; each attempt begins with another address, and none lasts longer than the origin's connect timeout.

use super::pool::Destination;
use super::{HEADER_BYTES_MAX, HEADERS_MAX, Sender};
use crate::upstream::UpstreamError;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use portcullis_site::HttpOrigin;
use portcullis_viewer::address::is_special;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How many addresses of a name are tried.
const ADDRESSES_MAX: usize = 8;

/// CloudFront's limit for connection attempts.
const ATTEMPTS_MAX: u8 = 3;

/// How much of an answer is read ahead, in bytes.
const READ_AHEAD_BYTES_MAX: usize = 2 * HEADER_BYTES_MAX;

/// A TCP connection, or TLS over one.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Makes connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Connector {
    roots: Vec<CertificateDer<'static>>,
    pinned: BTreeMap<String, Vec<IpAddr>>,
    tls: Arc<OnceCell<Arc<ClientConfig>>>,
}

impl Connector {
    pub(super) fn trust(&mut self, roots: impl IntoIterator<Item = CertificateDer<'static>>) {
        self.roots.extend(roots);
        self.tls = Arc::default();
    }

    pub(super) fn pin(&mut self, host: String, addresses: Vec<IpAddr>) {
        self.pinned.insert(host, addresses);
    }

    /// Connects, with the origin's attempts.
    pub(super) async fn connect(
        &self,
        origin: &HttpOrigin,
        to: &Destination,
    ) -> Result<Sender, UpstreamError> {
        let limit = Duration::from_secs(origin.connect_timeout.get());
        let addresses = timeout(limit, self.addresses(to))
            .await
            .map_err(|_| UpstreamError::Dns)??;
        for attempt in 0..origin.attempts.clamp(1, ATTEMPTS_MAX) {
            match timeout(limit, self.attempt(to, &addresses, attempt.into())).await {
                Ok(Ok(sender)) => return Ok(sender),
                // A certificate does not get better with time.
                Ok(Err(UpstreamError::Tls)) => return Err(UpstreamError::Tls),
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Err(UpstreamError::Connect)
    }

    async fn addresses(&self, to: &Destination) -> Result<Vec<SocketAddr>, UpstreamError> {
        let found: Vec<SocketAddr> = match self.pinned.get(&to.host) {
            Some(pinned) => pinned
                .iter()
                .map(|address| (*address, to.port).into())
                .collect(),
            None => {
                let found = lookup_host((to.host.as_str(), to.port)).await;
                found.map_err(|_| UpstreamError::Dns)?.collect()
            }
        };
        if found.is_empty() {
            return Err(UpstreamError::Dns);
        }
        let folded = found
            .into_iter()
            .map(|found| SocketAddr::new(found.ip().to_canonical(), found.port()));
        let allowed: Vec<_> = folded
            .filter(|address| to.private_addresses || !is_special(address.ip()))
            .take(ADDRESSES_MAX)
            .collect();
        if allowed.is_empty() {
            Err(UpstreamError::PrivateAddress)
        } else {
            Ok(allowed)
        }
    }

    /// Tries the addresses in order, beginning with the one of this attempt.
    async fn attempt(
        &self,
        to: &Destination,
        addresses: &[SocketAddr],
        attempt: usize,
    ) -> Result<Sender, UpstreamError> {
        let turned = addresses
            .iter()
            .cycle()
            .skip(attempt % addresses.len().max(1))
            .take(addresses.len());
        for address in turned {
            if let Ok(stream) = TcpStream::connect(address).await {
                stream
                    .set_nodelay(true)
                    .map_err(|_| UpstreamError::Connect)?;
                return self.speak(to, stream).await;
            }
        }
        Err(UpstreamError::Connect)
    }

    async fn speak(&self, to: &Destination, stream: TcpStream) -> Result<Sender, UpstreamError> {
        let stream: Box<dyn Stream> = if to.secure {
            Box::new(self.encrypt(&to.host, stream).await?)
        } else {
            Box::new(stream)
        };
        let (sender, connection) = http1::Builder::new()
            .max_headers(HEADERS_MAX)
            .max_header_size(HEADER_BYTES_MAX)
            .max_buf_size(READ_AHEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| UpstreamError::Connect)?;
        // It ends when the sender is dropped or the server closes; what goes wrong is told to the request.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn encrypt(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<impl Stream + use<>, UpstreamError> {
        let config = self
            .tls
            .get_or_try_init(|| configure(self.roots.clone()))
            .await?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| UpstreamError::Tls)?;
        let encrypted = TlsConnector::from(Arc::clone(config))
            .connect(name, stream)
            .await;
        encrypted.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof => UpstreamError::Tls,
            _ => UpstreamError::Connect,
        })
    }
}

/// Reads the system's certificates, which blocks.
async fn configure(
    roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, UpstreamError> {
    let read = tokio::task::spawn_blocking(move || {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        store
    });
    let store = read.await.map_err(|_| UpstreamError::Tls)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions
        .map_err(|_| UpstreamError::Tls)?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
