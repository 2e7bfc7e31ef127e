//! Metrics in CloudWatch's Embedded Metric Format, in the decision line itself: one line is both.
//!
//! The format wants the metrics as members at the top of a JSON object and a member `_aws` that names them; everything
//! else in the object is left alone, so a decision line only grows. Source: "Specification: Embedded metric format"
//! (CloudWatch). The dimensions are `site` and `verdict`, which every decision line has.
//!
//! A line that is left out in a flood is counted by the next one: `Requests` and `Unproven` are then greater than one.

use portcullis_origin::record::{LINE_BYTES_MAX, Record, Verdict};
use std::fmt::Write as _;

/// The namespace of the metrics.
pub const NAMESPACE: &str = "Portcullis";

/// The longest id of Lambda's that a line quotes, in bytes. Its own have 36.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// A metric: its name, its unit in CloudWatch's words, its value.
type Metric = (&'static str, &'static str, u64);

/// The line of `record`: the decision, Lambda's id of the request and the metrics, in at most [`LINE_BYTES_MAX`] bytes.
/// `database_age` is in seconds.
#[must_use]
pub fn line(record: &Record<'_>, request_id: &str, database_age: Option<u64>) -> String {
    let tail = tail(record, request_id, &metrics(record, database_age));
    let mut line = record.line_within(LINE_BYTES_MAX.saturating_sub(tail.len()));
    if line.pop() == Some('}') {
        line.push_str(&tail);
    }
    line
}

fn metrics(record: &Record<'_>, database_age: Option<u64>) -> Vec<Metric> {
    let requests = record.lines_left_out.saturating_add(1);
    let counted = |holds: bool| if holds { requests } else { 0 };
    let verdict = record.verdict;
    let mut metrics = vec![
        ("Requests", "Count", requests),
        ("Refused", "Count", counted(verdict == Verdict::Refused)),
        ("Unproven", "Count", counted(verdict == Verdict::Unproven)),
        ("Errors", "Count", counted(record.status >= 500)),
        ("ColdStart", "Count", record.cold_start.into()),
        ("StoreCalls", "Count", record.store_calls.into()),
        ("Duration", "Milliseconds", record.duration_ms),
        ("StateAge", "Seconds", record.proof.state_age_s),
    ];
    let candidate = record.candidate.as_ref();
    metrics.extend(candidate.map(|tried| ("CandidateDiffers", "Count", tried.differs.into())));
    metrics.extend(database_age.map(|age| ("DatabaseAge", "Seconds", age)));
    metrics
}

/// What follows the members of a decision line, the end of the object included.
fn tail(record: &Record<'_>, request_id: &str, metrics: &[Metric]) -> String {
    let mut tail = String::with_capacity(1_024);
    if is_plain(request_id) {
        write(
            &mut tail,
            format_args!(",\"aws_request_id\":\"{request_id}\""),
        );
    }
    let timestamp = record.time.saturating_mul(1_000);
    write(
        &mut tail,
        format_args!(
            ",\"_aws\":{{\"Timestamp\":{timestamp},\"CloudWatchMetrics\":[{{\"Namespace\":\"{NAMESPACE}\",\
             \"Dimensions\":[[\"site\",\"verdict\"]],\"Metrics\":["
        ),
    );
    for (index, (name, unit, _)) in metrics.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write(
            &mut tail,
            format_args!("{comma}{{\"Name\":\"{name}\",\"Unit\":\"{unit}\"}}"),
        );
    }
    tail.push_str("]}]}");
    for (name, _, value) in metrics {
        write(&mut tail, format_args!(",\"{name}\":{value}"));
    }
    tail.push('}');
    tail
}

/// Whether an id can be quoted as it is.
fn is_plain(id: &str) -> bool {
    id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A `String` takes everything.
    let _never_fails = text.write_fmt(arguments);
}
