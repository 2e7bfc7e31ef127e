//! From a name to a connection: resolve, connect, speak TLS.
//!
//! Always holds: each attempt begins with another address of the name and lasts no longer than its limit; a certificate
//! must hold for the origin's domain name or for the forwarded `Host` (DG:using-https-cloudfront-to-custom-origin).

use crate::origins::OriginFailure;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How many addresses of a name are tried.
const ADDRESSES_MAX: usize = 8;

/// A TCP connection, or TLS over one.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Whose certificates are trusted. Clones share what was read.
#[derive(Clone, Debug, Default)]
pub struct OriginTls {
    roots: Vec<CertificateDer<'static>>,
    verifier: Arc<OnceCell<Arc<WebPkiServerVerifier>>>,
}

impl OriginTls {
    /// The authorities of the system, read when the first one is needed.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// And these. CloudFront would not trust them.
    #[must_use]
    pub fn with_roots(self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        Self {
            roots: self.roots.into_iter().chain(roots).collect(),
            verifier: Arc::default(),
        }
    }

    async fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>, OriginFailure> {
        let made = self
            .verifier
            .get_or_try_init(|| verifier(self.roots.clone()));
        made.await.cloned()
    }
}

/// Reads the system's certificates, which blocks.
async fn verifier(
    roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<WebPkiServerVerifier>, OriginFailure> {
    let read = tokio::task::spawn_blocking(move || {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build()
    });
    let built = read.await.map_err(|_| OriginFailure::Tls)?;
    built.map_err(|_| OriginFailure::Tls)
}

/// Where an origin is, and how often and how long to try.
pub(super) struct Route<'a> {
    pub(super) domain: &'a str,
    pub(super) port: u16,
    pub(super) address: Option<SocketAddr>,
    pub(super) attempts: u8,
    pub(super) limit: Duration,
}

impl Route<'_> {
    pub(super) async fn plain(&self) -> Result<Box<dyn Stream>, OriginFailure> {
        Ok(Box::new(self.connect().await?))
    }

    /// With TLS, for the name of the forwarded `Host` where there is one.
    pub(super) async fn encrypted(
        &self,
        tls: &OriginTls,
        host: Option<&str>,
    ) -> Result<Box<dyn Stream>, OriginFailure> {
        let domain = server_name(self.domain).ok_or(OriginFailure::Tls)?;
        let name = host.and_then(server_name).unwrap_or_else(|| domain.clone());
        let config = client_config(tls.verifier().await?, domain)?;
        let stream = self.connect().await?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
        match timeout(self.limit, handshake).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(_)) => Err(OriginFailure::Tls),
            Err(_) => Err(OriginFailure::ConnectTimeout),
        }
    }

    async fn connect(&self) -> Result<TcpStream, OriginFailure> {
        let addresses = self.addresses().await?;
        let mut failure = OriginFailure::Connect;
        for attempt in 0..usize::from(self.attempts) {
            match timeout(self.limit, first_of(&addresses, attempt)).await {
                Ok(Ok(stream)) => {
                    let _slower_but_correct = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(_)) => failure = OriginFailure::Connect,
                Err(_) => failure = OriginFailure::ConnectTimeout,
            }
        }
        Err(failure)
    }

    pub(super) async fn addresses(&self) -> Result<Vec<SocketAddr>, OriginFailure> {
        if let Some(address) = self.address {
            return Ok(vec![address]);
        }
        let bare = self.domain.trim_start_matches('[').trim_end_matches(']');
        let found = timeout(self.limit, lookup_host((bare, self.port))).await;
        let found = found.map_err(|_| OriginFailure::Dns)?;
        let found: Vec<_> = found
            .map_err(|_| OriginFailure::Dns)?
            .take(ADDRESSES_MAX)
            .collect();
        if found.is_empty() {
            return Err(OriginFailure::Dns);
        }
        Ok(found)
    }
}

/// The first address that takes a connection, beginning with the one of this attempt.
async fn first_of(addresses: &[SocketAddr], attempt: usize) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    let turned = addresses
        .iter()
        .cycle()
        .skip(attempt % addresses.len().max(1));
    for address in turned.take(addresses.len()) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The name or address of a host, without its port.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _port)) => address,
        None => host.split_once(':').map_or(host, |(name, _port)| name),
    };
    ServerName::try_from(name.to_owned()).ok()
}

fn client_config(
    verifier: Arc<WebPkiServerVerifier>,
    domain: ServerName<'static>,
) -> Result<ClientConfig, OriginFailure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| OriginFailure::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(EitherName { verifier, domain }))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Checks a certificate as always, for the name that was asked for or for the origin's own.
#[derive(Debug)]
struct EitherName {
    verifier: Arc<WebPkiServerVerifier>,
    domain: ServerName<'static>,
}

impl ServerCertVerifier for EitherName {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let holds_for = |name| {
            self.verifier
                .verify_server_cert(leaf, chain, name, ocsp, now)
        };
        holds_for(name).or_else(|_| holds_for(&self.domain))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
