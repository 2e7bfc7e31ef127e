//! The one connection of a worker, made when it is needed and made again when it is lost.

use super::RuntimeError;
use crate::answer::PayloadBody;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection to the Runtime API.
pub(super) struct Connection {
    address: String,
    sender: Option<SendRequest<PayloadBody>>,
}

/// A request without an answer.
struct Failure {
    why: RuntimeError,
    /// The request, if nothing of it has been sent.
    unsent: Option<Request<PayloadBody>>,
}

impl From<RuntimeError> for Failure {
    fn from(why: RuntimeError) -> Self {
        Self { why, unsent: None }
    }
}

impl Connection {
    /// To the API at `address` (`host:port`). Nothing is connected yet.
    pub(super) fn to(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            sender: None,
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        mut request: Request<PayloadBody>,
    ) -> Result<Response<Incoming>, RuntimeError> {
        let host = HeaderValue::from_str(&self.address).map_err(|error| self.lost(&error))?;
        request.headers_mut().insert(HOST, host);
        match self.send_once(request).await {
            // The connection was closed before it took the request, as one may be that slept for hours.
            Err(Failure {
                unsent: Some(request),
                ..
            }) => self.send_once(request).await,
            other => other,
        }
        .map_err(|failure| failure.why)
    }

    async fn send_once(
        &mut self,
        request: Request<PayloadBody>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut sender = self.open().await?;
        match sender.try_send_request(request).await {
            Ok(response) => {
                self.sender = Some(sender);
                Ok(response)
            }
            Err(mut error) => {
                let unsent = error.take_message();
                Err(Failure {
                    why: self.lost(&error.into_error()),
                    unsent,
                })
            }
        }
    }

    async fn open(&mut self) -> Result<SendRequest<PayloadBody>, RuntimeError> {
        if let Some(mut sender) = self.sender.take()
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let stream = TcpStream::connect(&*self.address)
            .await
            .map_err(|error| self.lost(&error))?;
        // An answer goes out at once; Nagle's algorithm would hold back the end of a small stream.
        stream
            .set_nodelay(true)
            .map_err(|error| self.lost(&error))?;
        let io = TokioIo::new(stream);
        let (sender, connection) = http1::handshake(io)
            .await
            .map_err(|error| self.lost(&error))?;
        // Its end shows in the sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn lost(&self, error: &dyn std::error::Error) -> RuntimeError {
        RuntimeError::Broken {
            address: self.address.clone(),
            reason: error.to_string(),
        }
    }
}

/// A request for `path`, which is a constant or holds an id from a header.
pub(super) fn request(method: &str, path: &str, body: PayloadBody) -> Request<PayloadBody> {
    let mut request = Request::new(body);
    *request.uri_mut() = Uri::try_from(path).unwrap_or_default();
    *request.method_mut() = method.parse().unwrap_or_default();
    request
}
