//! What one run of a typical function costs: `cost RUNS`, timed from outside (`time`). It rewrites the path, reads a cookie, a
//! pair of its store and a digest, and sets a header.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers"
)]

use portcullis_edge::compute::{ComputeCall, FunctionRequest};
use portcullis_edge::distribution::{Compute, EventType};
use portcullis_edge::headers::Headers;
use portcullis_edge::identity::{REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge_functions::{EdgeFunction, Place, Store};
use std::time::Instant;

const CODE: &str = "
import cf from 'cloudfront';
import crypto from 'crypto';
const kvs = cf.kvs();
async function handler(event) {
  const request = event.request;
  if (request.uri.endsWith('/')) request.uri += 'index.html';
  const prefix = await kvs.get(request.cookies.variant ? request.cookies.variant.value : 'a');
  request.uri = prefix + request.uri;
  request.headers['x-digest'] = { value: crypto.createHash('sha256').update(request.uri).digest('hex') };
  return request;
}";

fn main() {
    let runs: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let store: Store = [("a", "/one"), ("b", "/two")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
    let function = EdgeFunction::new("typical", CODE, Some(store)).unwrap();
    let call = ComputeCall {
        event: EventType::ViewerRequest,
        compute: Compute::Function("typical".to_owned()),
        request: FunctionRequest {
            method: "GET".to_owned(),
            uri: "/docs/".to_owned(),
            query: "a=1&b=2".to_owned(),
            headers: Headers::from_iter([
                ("Host", "www.example.com"),
                ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"),
                ("Accept", "text/html,application/xhtml+xml"),
                ("Accept-Encoding", "gzip, br"),
                ("Accept-Language", "en-GB,en;q=0.5"),
                ("Cookie", "variant=b; session=0123456789abcdef"),
            ]),
            origin: None,
        },
        response: None,
        viewer: [192, 0, 2, 2].into(),
        id: RequestId::new([1; REQUEST_ID_RANDOM_BYTES]),
        origin: None,
        origins: Vec::new(),
        body: None,
    };
    let place = Place {
        domain: "d111111abcdef8.cloudfront.net",
        id: "EDFDVBD6EXAMPLE",
    };
    let started = Instant::now();
    for _ in 0..runs {
        assert!(function.run(call.clone(), place).outcome.is_ok());
    }
    println!(
        "{runs} runs, {:?} each on the wall",
        started.elapsed() / runs
    );
}
