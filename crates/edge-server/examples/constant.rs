//! The server alone, for measurements: `constant ADDRESS` answers `/100k.bin` with 100 KiB, `/304` without a body, and
//! everything else with 1 KiB, on one core and from memory.

use bytes::Bytes;
use portcullis_edge_server::body::Body;
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::listen::{Answer, Arrived, Handler, Limits, Refused, serve_on_cores};
use std::error::Error;
use std::sync::Arc;
use tokio::sync::watch;

/// What a cache hit of the edge says.
const FIELDS: [(&str, &str); 9] = [
    ("Content-Type", "application/octet-stream"),
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("ETag", "\"0123456789abcdef0123456789abcdef\""),
    ("Age", "7"),
    ("X-Cache", "Hit from cloudfront"),
    (
        "Via",
        "1.1 01010101010101010101010101010101.cloudfront.net (CloudFront)",
    ),
    ("X-Amz-Cf-Pop", "LOCAL1-C1"),
    (
        "X-Amz-Cf-Id",
        "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC==",
    ),
];

struct Constant {
    small: Bytes,
    large: Bytes,
}

impl Handler for Constant {
    async fn answer(&self, arrived: Arrived, _: Body) -> Answer {
        let (status, body) = match arrived.target.as_str() {
            "/100k.bin" => (200, self.large.clone().into()),
            "/304" => (304, Body::empty()),
            _ => (200, self.small.clone().into()),
        };
        let mut fields = Fields::with_capacity(FIELDS.len(), 512);
        for (name, value) in FIELDS {
            // They are fields.
            let _added = fields.add(name, value);
        }
        Answer {
            status,
            fields,
            body,
        }
    }

    fn refuse(&self, refused: &Refused) -> Answer {
        Answer {
            status: refused.refusal.status(),
            fields: Fields::default(),
            body: Body::empty(),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: constant ADDRESS")?;
    let handler = Arc::new(Constant {
        small: vec![b'x'; 1_024].into(),
        large: vec![b'x'; 102_400].into(),
    });
    let (_until_killed, stop) = watch::channel(false);
    serve_on_cores(
        address.parse()?,
        1,
        None,
        &handler,
        Limits::default(),
        &stop,
    )?
    .wait();
    Ok(())
}
