//! The decision line: one JSON object for each request, with what was decided, by what and on which inputs.
//!
//! Always holds: no secret, signature, cookie or query is in it; every text from the viewer is capped; a line has at most
//! [`LINE_BYTES_MAX`] bytes. Its schema is `docs/decision-line.md`. Deliberately absent: where lines go.

mod fill;
mod sample;

pub use sample::Sampler;

use crate::proof::{Layer, ProofFailure, Proven};
use portcullis_viewer::geo::{CountryFact, GivenBy};
use serde::Serialize;
use std::net::IpAddr;

/// The longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 4_096;

/// The longest text of the viewer's that a line quotes, in bytes as JSON.
const QUOTED_BYTES_MAX: usize = 1_024;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The policy admits it.
    Admitted,
    /// The policy would refuse it, and only reports.
    Reported,
    /// The policy refuses it.
    Refused,
    /// It does not come from the site's distribution.
    Unproven,
    /// It is no request that could be served: its path, its method, a loop.
    Rejected,
}

/// The decision line of one request.
#[derive(Debug, Clone, Serialize)]
pub struct Record<'a> {
    /// When the request arrived, in seconds since the epoch.
    pub time: u64,
    /// Always `INFO`: Lambda's filter takes a line without a level for one of its own.
    pub level: &'static str,
    /// Always `decision`.
    pub kind: &'static str,
    /// The gateway's id of the request, which the viewer sees too.
    #[serde(serialize_with = "capped")]
    pub id: &'a str,
    /// CloudFront's id of the request.
    #[serde(
        serialize_with = "capped_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloudfront_id: Option<&'a str>,
    /// The site.
    pub site: &'a str,
    /// The digest of the policy bundle in force.
    pub bundle: &'a str,
    /// The live release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What became of the request.
    pub verdict: Verdict,
    /// The reason's stable code; `admitted` if there is nothing to explain.
    pub reason: &'static str,
    /// The site's own word for the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<&'a str>,
    /// The policy that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'a str>,
    /// The statement that decided, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// What the policy's candidate would have decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateRecord<'a>>,
    /// The path pattern of the behavior.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behavior: Option<&'a str>,
    /// The method.
    #[serde(serialize_with = "capped")]
    pub method: &'a str,
    /// The path as it was sent, without its query.
    #[serde(serialize_with = "capped")]
    pub path: &'a str,
    /// The proof, layer by layer.
    pub proof: ProofRecord,
    /// The facts the decision took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs<'a>>,
    /// The answer's status.
    pub status: u16,
    /// What was served, or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// Metadata values and headers of the origin that could not be sent.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_headers: u32,
    /// Bytes of the answer's body, as far as they are known when its head is sent.
    pub bytes: u64,
    /// Calls to the object store.
    pub store_calls: u32,
    /// Calls to custom origins.
    pub upstream_calls: u32,
    /// Whether this is the first request of its process.
    pub cold_start: bool,
    /// Milliseconds from the request to the answer's head.
    pub duration_ms: u64,
    /// Lines of unproven requests that were left out since the last one.
    #[serde(skip_serializing_if = "is_zero")]
    pub lines_left_out: u64,
}

/// What a candidate would have decided, in a decision line.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CandidateRecord<'a> {
    /// The policy.
    pub policy: &'a str,
    /// What would have become of the request.
    pub verdict: Verdict,
    /// The reason's code.
    pub reason: &'static str,
    /// The statement, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// Whether somebody would have been refused or admitted who was not.
    pub differs: bool,
}

/// The proof in a decision line.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ProofRecord {
    /// Access control: `passed`, `off`, or the code of a failure that is only reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_control: Option<&'static str>,
    /// The secret header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'static str>,
    /// Which accepted value it had: `pending`, `current` or `previous`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_slot: Option<&'static str>,
    /// The edge address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<&'static str>,
    /// The age of the oldest list of edges, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_list_age_s: Option<u64>,
    /// Seconds since the site state was read.
    pub state_age_s: u64,
}

/// The facts in a decision line.
#[derive(Debug, Clone, Serialize)]
pub struct Inputs<'a> {
    /// The viewer's address, if the policy asks for it and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The networks asked for that hold it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<&'a str>,
    /// The networks asked for of which nobody can say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks_unknown: Vec<&'a str>,
    /// The country, or why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<CountryRecord>,
    /// What each key group asked for says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<SignatureRecord<'a>>,
}

/// A country in a decision line.
#[derive(Debug, Clone, Serialize)]
pub struct CountryRecord {
    /// Its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<&'static str>,
    /// Which source gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_by: Option<GivenBy>,
    /// What the database alone said: a code, or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// What CloudFront's header alone said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// When the database was built, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_built: Option<u64>,
    /// The database's age in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_age_s: Option<u64>,
    /// Whether it is the demonstration database.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub demonstration_database: bool,
}

/// A signature in a decision line: never its value.
#[derive(Debug, Clone, Serialize)]
pub struct SignatureRecord<'a> {
    /// The key group.
    pub key_group: &'a str,
    /// `verified`, or the code of the refusal.
    pub result: &'static str,
    /// The key, if it is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it expires, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

impl ProofRecord {
    /// The record of a proof that holds.
    #[must_use]
    pub fn proven(proven: &Proven, edge_list_age_s: Option<u64>, state_age_s: u64) -> Self {
        Self {
            access_control: Some(layer(proven.access_control())),
            secret: Some(layer(proven.secret())),
            secret_slot: proven.secret_slot().map(crate::proof::SecretSlot::code),
            edge: Some(layer(proven.edge())),
            edge_list_age_s,
            state_age_s,
        }
    }
}

impl CountryRecord {
    /// The text of a fact: a code, or why there is none.
    #[must_use]
    pub fn text(fact: CountryFact) -> String {
        fact.known().map_or_else(
            || fact.reason().unwrap_or_default().to_owned(),
            |c| c.to_string(),
        )
    }
}

impl Record<'_> {
    /// The line as JSON without a line break, at most [`LINE_BYTES_MAX`] bytes. A record that would be longer loses its
    /// inputs and says so.
    #[must_use]
    pub fn line(&self) -> String {
        self.line_within(LINE_BYTES_MAX)
    }

    /// The same for a writer that adds something to the line and leaves it `bytes_max` bytes, at least
    /// [`LINE_BYTES_MAX`] less 1,024.
    #[must_use]
    pub fn line_within(&self, bytes_max: usize) -> String {
        let line = serde_json::to_string(self).map(ascii).unwrap_or_default();
        if !line.is_empty() && line.len() <= bytes_max {
            return line;
        }
        let shorter = Self {
            inputs: None,
            path: "",
            method: "",
            label: Some("line-too-long"),
            ..self.clone()
        };
        serde_json::to_string(&shorter)
            .map(ascii)
            .unwrap_or_default()
    }
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Passed => "passed",
        Layer::Reported(failure) => ProofFailure::code(failure),
        Layer::Off => "off",
    }
}

/// JSON with every character outside printable ASCII escaped, so that no line break, bidirectional mark or separator of
/// any reader's can come from a viewer.
fn ascii(json: String) -> String {
    if json.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return json;
    }
    let mut out = String::with_capacity(json.len() * 2);
    for c in json.chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            out.extend(
                c.encode_utf16(&mut units)
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            );
        }
    }
    out
}

fn capped<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cap(text))
}

fn capped_option<S: serde::Serializer>(
    text: &Option<&str>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.map_or("", cap))
}

/// The beginning of `text` whose JSON, at worst six bytes for each, stays within the cap.
fn cap(text: &str) -> &str {
    let mut room = QUOTED_BYTES_MAX;
    let end = text
        .char_indices()
        .find(|(_, c)| {
            let cost = if (' '..='~').contains(c) && !matches!(c, '"' | '\\') {
                1
            } else {
                6 * c.len_utf16()
            };
            let full = cost > room;
            room = room.saturating_sub(cost);
            full
        })
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

fn is_zero<N: Default + PartialEq>(count: &N) -> bool {
    *count == N::default()
}
