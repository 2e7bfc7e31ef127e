//! A request to a stage: as a call, or over a connection.

use super::{Scene, Viewer};
use crate::scenario::Asked;
use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt as _, Collected, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use portcullis_edge_server::body::Body;
use portcullis_edge_server::drive::Edge;
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::listen::{Arrived, Handler as _, Scheme, Version, Via};
use std::net::SocketAddr;

/// The largest body that is looked at, in bytes.
const BODY_BYTES_MAX: usize = 64 << 20;

type Answer = Result<(u16, Vec<(String, String)>, Bytes), String>;

/// As a call.
pub(super) async fn call(edge: &Edge<Scene>, asked: &Asked, viewer: &Viewer<'_>) -> Answer {
    let mut fields = Fields::default();
    let host = [("host", viewer.host)].into_iter();
    let headers = asked.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    for (name, value) in host.chain(headers) {
        fields.add(name, value).map_err(|why| why.to_string())?;
    }
    let arrived = Arrived {
        via: Via {
            scheme: Scheme::Https,
            peer: SocketAddr::from(([127, 0, 0, 1], super::VIEWER_PORT)),
            tls: None,
        },
        version: Version::Http11,
        method: method(asked)?,
        target: viewer.target.to_owned(),
        host: viewer.host.to_owned(),
        fields,
    };
    let answer = edge.answer(arrived, Body::empty()).await;
    let fields = answer.fields.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value).into_owned();
        (name.to_ascii_lowercase(), value)
    });
    let fields = fields.collect();
    let body = answer.body.collect(BODY_BYTES_MAX).await;
    Ok((answer.status, fields, body.unwrap_or_default()))
}

fn method(asked: &Asked) -> Result<Method, String> {
    Method::from_bytes(asked.method.as_bytes()).map_err(|why| why.to_string())
}

/// Over a connection.
pub(super) async fn connect(address: SocketAddr, asked: &Asked, viewer: &Viewer<'_>) -> Answer {
    let failed = |why: &dyn std::fmt::Display| format!("the connection broke: {why}");
    let stream = tokio::net::TcpStream::connect(address).await;
    let stream = TokioIo::new(stream.map_err(|why| failed(&why))?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|why| failed(&why))?;
    let running = tokio::spawn(connection);
    let mut request = http::Request::builder()
        .method(method(asked)?)
        .uri(viewer.target)
        .header("host", viewer.host);
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let request = request.body(Empty::<Bytes>::new());
    let request = request.map_err(|why| why.to_string())?;
    let answer = sender.send_request(request).await;
    let (head, body) = answer.map_err(|why| failed(&why))?.into_parts();
    let body = body.collect().await.map(Collected::to_bytes);
    drop(sender);
    let _its_own_affair = running.await;
    let fields = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Ok((
        head.status.as_u16(),
        fields.collect(),
        body.unwrap_or_default(),
    ))
}
