//! Does one thing N times, for valgrind to count: `ir ROW N INPUTS`.

use portcullis_bench::events::{SECRET_NAME, standard};
use portcullis_bench::inputs::{Inputs, NOW};
use portcullis_bench::subject::{SECRET, STANDARD, Subject, genuine, state_at};
use portcullis_bench::{Failure, subject};
use portcullis_gateway::event::decode;
use portcullis_origin::object_path::ObjectPath;
use portcullis_origin::proof::accepted_as;
use portcullis_origin::state::SecretDigest;
use std::hint::black_box;
use std::path::Path;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, row, count, inputs] = arguments.as_slice() else {
        return Err("usage: ir ROW N INPUTS".into());
    };
    let count: u64 = count.parse()?;
    let inputs = Inputs::of(Path::new(inputs));
    match row.as_str() {
        "hash" => repeat(count, || SecretDigest::of(black_box(SECRET).as_bytes())),
        "decision" => decision(count, &inputs)?,
        "event-ours" => {
            let event = standard();
            repeat(count, || {
                let decoded = decode(black_box(&event), SECRET_NAME).ok();
                decoded.map(|decoded| {
                    let cookies = decoded.cookies();
                    black_box(decoded.request("id", &cookies));
                })
            });
        }
        "event-lambda-http" => {
            let event = String::from_utf8(standard())?;
            repeat(count, || {
                lambda_http::request::from_str(black_box(&event)).ok()
            });
        }
        secret => {
            let secret = secret.strip_prefix("secret-").ok_or("no such row")?;
            let value = subject::secret_variant(secret).ok_or("no such row")?;
            let secrets = state_at(NOW)?.secrets;
            repeat(count, || {
                let digest = SecretDigest::of(black_box(&value).as_bytes());
                accepted_as(black_box(&secrets), &digest)
            });
        }
    }
    Ok(())
}

fn decision(count: u64, inputs: &Inputs) -> Result<(), Failure> {
    let subject = Subject::new(STANDARD, inputs)?;
    let request = genuine("/section-9/reports/2026/annual.html", "8.8.8.8:40123");
    let path = ObjectPath::parse(request.raw_path).map_err(|_| "the path is refused")?;
    let outcome = subject.decide(&request, &path);
    if outcome.code() != "admitted" {
        return Err(format!("the request is {}, not admitted", outcome.code()).into());
    }
    repeat(count, || {
        subject.decide(black_box(&request), black_box(&path))
    });
    Ok(())
}

#[inline(never)]
fn repeat<T>(count: u64, mut run: impl FnMut() -> T) {
    for _ in 0..count {
        black_box(run());
    }
}
