//! A certificate made at start, and what a handshake agreed on.
//!
//! Always holds: the authority's key is used once and forgotten, so that a copied root certificate lets nobody sign.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::sync::Arc;

/// Names that always lead here.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a handshake agreed on, in OpenSSL's names, as CloudFront logs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher: String,
    /// The server name the viewer sent, in lower case.
    pub server_name: Option<String>,
}

impl TlsSession {
    pub(super) fn of(session: &ServerConnection) -> Self {
        let cipher = session.negotiated_cipher_suite();
        let name = cipher.and_then(|suite| suite.suite().as_str());
        Self {
            protocol: match session.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher: openssl_name(name.unwrap_or_default()),
            server_name: session.server_name().map(str::to_ascii_lowercase),
        }
    }
}

/// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`; TLS 1.3 has one naming.
fn openssl_name(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("TLS13_") {
        return format!("TLS_{rest}");
    }
    let Some((exchange, cipher)) = name.split_once("_WITH_") else {
        return name.to_owned();
    };
    let exchange = exchange.trim_start_matches("TLS_");
    let cipher = cipher
        .replace("AES_", "AES")
        .trim_end_matches("_POLY1305_SHA256")
        .to_owned()
        + if cipher.ends_with("_POLY1305_SHA256") {
            "_POLY1305"
        } else {
            ""
        };
    format!("{exchange}_{cipher}").replace('_', "-")
}

/// The certificate of this server and of the authority that made it, for as long as the server runs.
#[derive(Clone, Debug)]
pub struct Certificate {
    authority_pem: String,
    authority: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A name is none, or no key could be made.
    #[error("no certificate could be made: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS does not take it.
    #[error("TLS does not take the certificate: {0}")]
    Use(#[from] rustls::Error),
}

impl Certificate {
    /// An authority and a certificate for `names` (`*.` in front is allowed) and this machine's own.
    ///
    /// # Errors
    /// A name cannot stand in a certificate, or the system has no randomness.
    pub fn make(names: &[String]) -> Result<Self, CertificateError> {
        let authority = CertifiedIssuer::self_signed(authority_params()?, KeyPair::generate()?)?;
        let mut all: Vec<String> = names.to_vec();
        all.extend(LOCAL.map(str::to_owned));
        let mut params = CertificateParams::new(all)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "Portcullis edge on this machine");
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &authority)?;
        Ok(Self {
            config: Arc::new(config(&leaf, &key)?),
            authority: authority.der().clone(),
            authority_pem: authority.pem(),
        })
    }

    /// The certificate of the authority, for clients to trust.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// The same in DER.
    #[must_use]
    pub fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// TLS 1.2 and 1.3 with this certificate, HTTP/2 preferred.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(
        DnType::CommonName,
        "Portcullis edge, authority of one start",
    );
    Ok(params)
}

fn config(leaf: &rcgen::Certificate, key: &KeyPair) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::openssl_name;

    #[test]
    fn cipher_suites_have_the_names_of_the_logs() {
        for (standard, logged) in [
            ("TLS13_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            (
                "TLS13_CHACHA20_POLY1305_SHA256",
                "TLS_CHACHA20_POLY1305_SHA256",
            ),
            (
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "ECDHE-RSA-AES128-GCM-SHA256",
            ),
            (
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
            ),
            (
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
            ),
        ] {
            assert_eq!(openssl_name(standard), logged);
        }
    }
}
