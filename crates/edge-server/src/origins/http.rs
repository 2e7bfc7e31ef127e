//! An origin over HTTP/1.1, plain or with TLS, with CloudFront's attempts and timeouts (DG:downloaddistvaluesorigin).
//!
//! Always holds:
//! - the request is sent once, except where the origin cannot have worked on it or the method only retrieves;
//! - every wait has a limit: for the name, for a connection, for the head and for each part of the body;
//! - a connection is kept only after a whole answer with nothing behind it, and no longer than the origin's keep-alive.
//!
//! Deliberately absent: proxies, HTTP/2, and a limit on how large an answer is.

mod connect;
mod exchange;
mod pool;

pub use connect::OriginTls;

use super::{Fetching, OriginAnswer, OriginConnector, OriginFailure, OriginFetch, Resolving};
use crate::body::Body;
use crate::listen::Scheme;
use ::http::Method;
use exchange::{Connection, Failed, Request};
use pool::Pool;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How an origin is reached, in CloudFront's terms.
#[derive(Clone, Debug)]
pub struct HttpOriginSettings {
    /// Its domain name or address.
    pub domain: String,
    /// The port of `http`.
    pub http_port: u16,
    /// The port of `https`.
    pub https_port: u16,
    /// Where it really is; without this, where its name leads. Certificates are still checked for the name.
    pub address: Option<SocketAddr>,
    /// Connection attempts, 1 to 3, and attempts to get an answer to GET or HEAD.
    pub attempts: u8,
    /// For each attempt to connect.
    pub connect_time: Duration,
    /// For the head of the answer, and for each part of its body.
    pub response_time: Duration,
    /// For everything, attempts included; unlimited without.
    pub completion_time: Option<Duration>,
    /// How long a connection is kept without a request.
    pub keep_alive_time: Duration,
}

impl HttpOriginSettings {
    /// CloudFront's defaults: ports 80 and 443, three attempts of 10 s, 30 s for an answer, 5 s of keep-alive.
    #[must_use]
    pub fn new(domain: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            http_port: 80,
            https_port: 443,
            address: None,
            attempts: 3,
            connect_time: Duration::from_secs(10),
            response_time: Duration::from_secs(30),
            completion_time: None,
            keep_alive_time: Duration::from_secs(5),
        }
    }
}

/// The most attempts (DG:downloaddistvaluesorigin).
const ATTEMPTS_MAX: u8 = 3;

/// An origin over HTTP/1.1.
#[derive(Debug)]
pub struct HttpOrigin {
    settings: HttpOriginSettings,
    tls: OriginTls,
    pool: Arc<Pool>,
}

impl HttpOrigin {
    /// An origin whose certificates are checked by `tls`.
    #[must_use]
    pub fn new(settings: HttpOriginSettings, tls: OriginTls) -> Self {
        let pool = Arc::new(Pool::new(settings.keep_alive_time));
        Self {
            settings,
            tls,
            pool,
        }
    }

    async fn fetch_within(&self, fetch: OriginFetch) -> Result<OriginAnswer, OriginFailure> {
        let deadline = self
            .settings
            .completion_time
            .map(|limit| Instant::now() + limit);
        let attempts = self.attempts(fetch, deadline);
        match deadline {
            Some(deadline) => timeout_at(deadline, attempts)
                .await
                .unwrap_or(Err(OriginFailure::Timeout)),
            None => attempts.await,
        }
    }

    async fn attempts(
        &self,
        mut fetch: OriginFetch,
        deadline: Option<Instant>,
    ) -> Result<OriginAnswer, OriginFailure> {
        let default_host = self.host(fetch.scheme);
        let scheme = fetch.scheme;
        let body = std::mem::replace(&mut fetch.body, Body::empty());
        let request = Request::new(&fetch, &default_host, &body).ok_or(OriginFailure::Invalid)?;
        let host = fetch.fields.get("host");
        let host = host.and_then(|host| std::str::from_utf8(host).ok());
        let limits = exchange::Limits {
            response_time: self.settings.response_time,
            deadline,
        };
        if !body.is_empty() || !fetch.method.is_idempotent() {
            // It must not be sent twice, so not on a connection that may just be closing.
            let connection = self.connect(scheme, host).await?;
            let answer = connection
                .exchange(&request, body, limits, &self.pool)
                .await;
            return answer.map_err(|failed| failed.why);
        }
        let retrieves = matches!(fetch.method, Method::GET | Method::HEAD);
        let mut attempt = 1;
        loop {
            let (connection, is_kept) = match self.pool.take(scheme) {
                Some(kept) => (kept, true),
                None => (self.connect(scheme, host).await?, false),
            };
            let outcome = connection
                .exchange(&request, Body::empty(), limits, &self.pool)
                .await;
            match outcome {
                Ok(answer) => return Ok(answer),
                // The origin closed the connection while the request was on its way; that is no attempt.
                Err(Failed {
                    why: OriginFailure::Closed,
                    answered: false,
                }) if is_kept => {}
                Err(Failed {
                    why: OriginFailure::Timeout,
                    ..
                }) if retrieves && attempt < self.attempts_max() => attempt += 1,
                Err(failed) => return Err(failed.why),
            }
        }
    }

    fn attempts_max(&self) -> u8 {
        self.settings.attempts.clamp(1, ATTEMPTS_MAX)
    }

    async fn connect(
        &self,
        scheme: Scheme,
        host: Option<&str>,
    ) -> Result<Connection, OriginFailure> {
        let route = self.route(scheme);
        let stream = match scheme {
            Scheme::Http => route.plain().await?,
            Scheme::Https => route.encrypted(&self.tls, host).await?,
        };
        Ok(Connection::new(scheme, stream))
    }

    fn route(&self, scheme: Scheme) -> connect::Route<'_> {
        connect::Route {
            domain: &self.settings.domain,
            port: self.port(scheme),
            address: self.settings.address,
            attempts: self.attempts_max(),
            limit: self.settings.connect_time,
        }
    }

    fn port(&self, scheme: Scheme) -> u16 {
        match scheme {
            Scheme::Http => self.settings.http_port,
            Scheme::Https => self.settings.https_port,
        }
    }

    /// `Host`, with the port where the scheme does not say it (RFC 9110 §7.2).
    fn host(&self, scheme: Scheme) -> String {
        match (scheme, self.port(scheme)) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => self.settings.domain.clone(),
            (_, port) => format!("{}:{port}", self.settings.domain),
        }
    }
}

impl OriginConnector for HttpOrigin {
    fn fetch(&self, request: OriginFetch) -> Fetching<'_> {
        Box::pin(self.fetch_within(request))
    }

    fn resolve(&self) -> Resolving<'_> {
        Box::pin(async { self.route(Scheme::Https).addresses().await.map(drop) })
    }
}

#[cfg(test)]
mod tests;
