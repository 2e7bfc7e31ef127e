//! Reading the event, against what lambda_http makes of it.

use super::Bench;
use lambda_http::request::LambdaRequest;
use portcullis_bench::Failure;
use portcullis_bench::counting::allocations;
use portcullis_bench::events::{SECRET_NAME, standard};
use portcullis_bench::measure::{in_turn, ratio};
use portcullis_bench::table::{Goal, Row};
use portcullis_gateway::event::decode;
use std::hint::black_box;

const GROUP: &str = "event";
const THEIRS: &str = "lambda_http::request::from_str";
const OPERATIONS: u64 = 500;

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let event = standard();
    let text = std::str::from_utf8(&event)?;
    let compared = agree(&event, text)?;
    let size = format!("{} bytes, 36 headers", event.len());
    let mut rows = vec![
        instructions(bench, &format!("reading an event of {size}"), bench.ir()),
        instructions(
            bench,
            "the same, as shipped (opt-level s)",
            bench.ir_shipped(),
        ),
    ];

    let (ours, _) = allocations(|| read(&event));
    let (theirs, _) = allocations(|| lambda_http::request::from_str(text).ok());
    let goal = Goal::figure(8.0, Some(0.0));
    let name = "allocations of reading it";
    let row = Row::compared(
        GROUP,
        name,
        ours as f64,
        "allocations",
        (THEIRS, theirs as f64),
        goal,
    );
    rows.push(row.with_rounds(format!("{compared} values compared first")));

    let operations = bench.effort.operations / 64;
    let [ours, theirs] = in_turn(
        bench.effort.rounds,
        operations,
        [
            &mut || (0..operations).for_each(|_| _ = black_box(read(black_box(&event)))),
            &mut || {
                for _ in 0..operations {
                    drop(black_box(lambda_http::request::from_str(black_box(text))));
                }
            },
        ],
    );
    let goal = Goal::at_most(1.0 / 3.0, Some(0.2));
    let row = Row::compared(
        GROUP,
        "time of reading it",
        ours.median(),
        "ns",
        (THEIRS, theirs.median()),
        goal,
    );
    rows.push(
        row.with_spread(ratio(&ours, &theirs))
            .with_rounds(bench.rounds(operations)),
    );
    Ok(rows)
}

fn read(event: &[u8]) -> bool {
    decode(event, SECRET_NAME).is_ok_and(|decoded| {
        let cookies = decoded.cookies();
        black_box(decoded.request("id", &cookies)).peer.is_some()
    })
}

fn instructions(
    bench: &Bench,
    name: &str,
    callgrind: portcullis_bench::callgrind::Callgrind<'_>,
) -> Row {
    let goal = Goal::at_most(1.0 / 3.0, Some(0.2));
    let count = |row| callgrind.per_operation(row, bench.ir_operations(OPERATIONS));
    match count("event-ours").and_then(|ours| Ok((ours, count("event-lambda-http")?))) {
        Ok((ours, theirs)) => {
            let row = Row::compared(
                GROUP,
                name,
                ours.round(),
                "Ir",
                (THEIRS, theirs.round()),
                goal,
            );
            row.with_rounds("callgrind, difference of N and 3N operations")
        }
        Err(why) => Row::failed(GROUP, name, goal, "Ir", why),
    }
}

/// Both read the same request; how many values say so.
fn agree(event: &[u8], text: &str) -> Result<usize, Failure> {
    let decoded = decode(event, SECRET_NAME).map_err(|_| "we cannot read the event")?;
    let cookies = decoded.cookies();
    let ours = decoded.request("id", &cookies);
    let LambdaRequest::ApiGatewayV2(theirs) = serde_json::from_str(text)? else {
        return Err("lambda_http reads another kind of event".into());
    };
    let header = |name: &str| {
        theirs
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let h = ours.headers;
    let pairs = [
        (
            Some(ours.method),
            Some(theirs.request_context.http.method.as_str()),
        ),
        (Some(ours.raw_path), theirs.raw_path.as_deref()),
        (ours.peer, theirs.request_context.http.source_ip.as_deref()),
        (h.secret, header(SECRET_NAME)),
        (h.viewer_address, header("cloudfront-viewer-address")),
        (h.viewer_country, header("cloudfront-viewer-country")),
        (h.if_none_match, header("if-none-match")),
        (h.accept_encoding, header("accept-encoding")),
        (h.accept, header("accept")),
        (h.origin, header("origin")),
        (h.fetch_dest, header("sec-fetch-dest")),
        (h.fetch_mode, header("sec-fetch-mode")),
        (h.via, header("via")),
        (h.cloudfront_id, header("x-amz-cf-id")),
    ];
    for (at, (ours, theirs)) in pairs.iter().enumerate() {
        if ours.is_none() || ours != theirs {
            return Err(format!("value {at} differs: {ours:?} and {theirs:?}").into());
        }
    }
    Ok(pairs.len())
}
