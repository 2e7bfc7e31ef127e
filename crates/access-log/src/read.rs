//! A line of a log: W3C (standard logs, both versions), JSON (version 2), or a decision line of the gateway.

use crate::encoding::{NOTHING, decode};
use crate::time;
use serde::Deserialize;
use std::borrow::Cow;

/// The longest line that is read, in bytes: CloudFront's limits for a URL and all headers, encoded, and the other fields.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// The most fields of a line.
pub const FIELDS_MAX: usize = 64;

/// What a line says of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When it was answered, in seconds since 1970-01-01T00:00:00Z.
    pub time: u64,
    /// The point of presence (`x-edge-location`).
    pub location: &'a str,
    /// The viewer's address, as text.
    pub viewer: Cow<'a, str>,
    /// The viewer's country, where the log has it.
    pub country: Cow<'a, str>,
    /// The method.
    pub method: Cow<'a, str>,
    /// The path as it was sent.
    pub path: Cow<'a, str>,
    /// The query, without `?`.
    pub query: Cow<'a, str>,
    /// The `Cookie` header, where cookies are logged.
    pub cookies: Cow<'a, str>,
    /// The status; 0 where the viewer went away before there was one.
    pub status: u16,
    /// `x-edge-result-type`.
    pub result: Cow<'a, str>,
    /// Bytes that were sent.
    pub bytes: u64,
    /// What the gateway decided, in a decision line.
    pub decided: Option<Decided<'a>>,
}

/// A decision, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<'a> {
    /// The verdict.
    pub verdict: Cow<'a, str>,
    /// The code of the reason.
    pub reason: Cow<'a, str>,
    /// The digest of the bundle it was decided by.
    pub bundle: Cow<'a, str>,
}

/// Why a line is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Unreadable {
    /// It is longer than [`LINE_BYTES_MAX`].
    #[error("longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// It is no UTF-8.
    #[error("not UTF-8")]
    NotText,
    /// A line of a W3C log before the line `#Fields:`, or of no log at all.
    #[error("no `#Fields:` line came before it, and it is no JSON")]
    NoFields,
    /// `#Fields:` lacks a field without which nothing can be said of a request.
    #[error("`#Fields:` lacks date and time, c-ip, cs-method, cs-uri-stem or sc-status")]
    FieldsMissing,
    /// It has another number of fields than `#Fields:`.
    #[error("another number of fields than `#Fields:` names")]
    FieldCount,
    /// Its date or time is none.
    #[error("no date or time")]
    Time,
    /// Its status is none.
    #[error("no status")]
    Status,
    /// It is no JSON of a log.
    #[error("not the JSON of a log line")]
    Json,
}

/// A field that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Field {
    Date,
    Time,
    Timestamp,
    Location,
    Bytes,
    Viewer,
    Method,
    Path,
    Query,
    Cookies,
    Status,
    Result,
    Country,
}

const NAMES: [(&str, Field); 13] = [
    ("date", Field::Date),
    ("time", Field::Time),
    ("timestamp(ms)", Field::Timestamp),
    ("x-edge-location", Field::Location),
    ("sc-bytes", Field::Bytes),
    ("c-ip", Field::Viewer),
    ("cs-method", Field::Method),
    ("cs-uri-stem", Field::Path),
    ("cs-uri-query", Field::Query),
    ("cs(Cookie)", Field::Cookies),
    ("sc-status", Field::Status),
    ("x-edge-result-type", Field::Result),
    ("c-country", Field::Country),
];

/// The names of the fields that are read.
pub fn field_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// Reads the lines of one file, in their order.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    fields: Option<Vec<Option<Field>>>,
}

impl Lines {
    /// A reader at the beginning of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a line says, without its end; `None` for one that says nothing of a request: a comment, an empty one, another
    /// kind of line of the gateway.
    ///
    /// # Errors
    /// [`Unreadable`]
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Result<Option<Entry<'a>>, Unreadable> {
        if line.len() > LINE_BYTES_MAX {
            return Err(Unreadable::TooLong);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_| Unreadable::NotText)?;
        match line.first() {
            None => Ok(None),
            Some(b'#') => {
                if let Some(names) = text.strip_prefix("#Fields:") {
                    self.fields = Some(fields(names)?);
                }
                Ok(None)
            }
            Some(b'{') => json(text),
            Some(_) => self.w3c(text).map(Some),
        }
    }

    fn w3c<'a>(&self, line: &'a str) -> Result<Entry<'a>, Unreadable> {
        let fields = self.fields.as_deref().ok_or(Unreadable::NoFields)?;
        let mut found = Found::default();
        let (mut count, mut start) = (0, 0);
        let ends = memchr::memchr_iter(b'\t', line.as_bytes()).chain([line.len()]);
        for end in ends {
            let value = line.get(start..end).unwrap_or_default();
            match fields.get(count) {
                Some(Some(field)) => found.set(*field, value),
                Some(None) => {}
                None => return Err(Unreadable::FieldCount),
            }
            count += 1;
            start = end + 1;
        }
        if count != fields.len() {
            return Err(Unreadable::FieldCount);
        }
        found.entry()
    }
}

/// The fields that a `#Fields:` line names, `None` for those that are not read.
fn fields(names: &str) -> Result<Vec<Option<Field>>, Unreadable> {
    let field = |name: &str| {
        NAMES
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, field)| *field)
    };
    let fields: Vec<Option<Field>> = names.split_ascii_whitespace().map(field).collect();
    let has = |field: Field| fields.contains(&Some(field));
    let timed = has(Field::Timestamp) || (has(Field::Date) && has(Field::Time));
    let needed = [Field::Viewer, Field::Method, Field::Path, Field::Status];
    if timed && needed.into_iter().all(has) && fields.len() <= FIELDS_MAX {
        Ok(fields)
    } else {
        Err(Unreadable::FieldsMissing)
    }
}

/// The values of a line as they stand there.
#[derive(Default)]
struct Found<'a>([Option<&'a str>; NAMES.len()]);

impl<'a> Found<'a> {
    fn set(&mut self, field: Field, value: &'a str) {
        if let Some(place) = self.0.get_mut(field as usize) {
            *place = Some(value);
        }
    }

    fn raw(&self, field: Field) -> &'a str {
        self.0
            .get(field as usize)
            .copied()
            .flatten()
            .unwrap_or(NOTHING)
    }

    fn entry(&self) -> Result<Entry<'a>, Unreadable> {
        let decoded = |field| decode(self.raw(field));
        Ok(Entry {
            time: moment(
                self.raw(Field::Date),
                self.raw(Field::Time),
                self.raw(Field::Timestamp),
            )?,
            location: self.raw(Field::Location),
            viewer: decoded(Field::Viewer),
            country: decoded(Field::Country),
            method: decoded(Field::Method),
            path: decoded(Field::Path),
            query: decoded(Field::Query),
            cookies: decoded(Field::Cookies),
            status: status(self.raw(Field::Status))?,
            result: decoded(Field::Result),
            bytes: self.raw(Field::Bytes).parse().unwrap_or(0),
            decided: None,
        })
    }
}

fn moment(date: &str, time: &str, timestamp: &str) -> Result<u64, Unreadable> {
    let milliseconds = timestamp.parse::<u64>().ok();
    let found = milliseconds.map(|ms| ms / 1_000);
    found
        .or_else(|| time::seconds(date, time))
        .ok_or(Unreadable::Time)
}

fn status(text: &str) -> Result<u16, Unreadable> {
    let number = text.parse().ok().filter(|number| *number < 1_000);
    number.ok_or(Unreadable::Status)
}

/// A line of a version 2 log in JSON, or of the gateway. Values of logs are texts.
#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow, default)]
    date: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "time")]
    time: Option<Scalar<'a>>,
    #[serde(borrow, default, rename = "timestamp(ms)")]
    timestamp: Option<Scalar<'a>>,
    #[serde(borrow, default, rename = "x-edge-location")]
    location: Option<&'a str>,
    #[serde(borrow, default, rename = "sc-bytes")]
    sent: Option<Scalar<'a>>,
    #[serde(borrow, default, rename = "c-ip")]
    viewer: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "cs-method")]
    cs_method: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "cs-uri-stem")]
    stem: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "cs-uri-query")]
    query: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "cs(Cookie)")]
    cookies: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "sc-status")]
    sc_status: Option<Scalar<'a>>,
    #[serde(borrow, default, rename = "x-edge-result-type")]
    result: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "c-country")]
    country: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    verdict: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    bundle: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    inputs: Option<Inputs<'a>>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Inputs<'a> {
    #[serde(borrow, default)]
    address: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    country: Option<InputCountry<'a>>,
}

#[derive(Deserialize)]
struct InputCountry<'a> {
    #[serde(borrow, default)]
    header: Option<Cow<'a, str>>,
}

/// A number, or one in quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar<'a> {
    Number(u64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Number(_) => "",
            Self::Text(text) => text,
        }
    }
}

fn json(line: &str) -> Result<Option<Entry<'_>>, Unreadable> {
    let json: Json<'_> = serde_json::from_str(line).map_err(|_| Unreadable::Json)?;
    match json.kind.as_deref() {
        Some("decision") => decision(json).map(Some),
        Some(_) => Ok(None),
        None => standard(json).map(Some),
    }
}

fn standard(json: Json<'_>) -> Result<Entry<'_>, Unreadable> {
    let stamp = json.timestamp.as_ref().and_then(Scalar::number);
    let dated = || {
        let time = json.time.as_ref().map_or("", Scalar::text);
        time::seconds(json.date.as_deref().unwrap_or_default(), time)
    };
    let time = stamp.map(|ms| ms / 1_000).or_else(dated);
    let (Some(viewer), Some(method), Some(path)) = (json.viewer, json.cs_method, json.stem) else {
        return Err(Unreadable::FieldsMissing);
    };
    let status = json.sc_status.as_ref().and_then(Scalar::number);
    let status = status.and_then(|status| u16::try_from(status).ok());
    Ok(Entry {
        time: time.ok_or(Unreadable::Time)?,
        location: json.location.unwrap_or(NOTHING),
        viewer: value(Some(viewer)),
        country: value(json.country),
        method: value(Some(method)),
        path: value(Some(path)),
        query: value(json.query),
        cookies: value(json.cookies),
        status: status.ok_or(Unreadable::Status)?,
        result: value(json.result),
        bytes: json.sent.as_ref().and_then(Scalar::number).unwrap_or(0),
        decided: None,
    })
}

/// A field of a JSON log, which is encoded as in W3C.
fn value(field: Option<Cow<'_, str>>) -> Cow<'_, str> {
    match field {
        None => Cow::Borrowed(""),
        Some(Cow::Borrowed(text)) => decode(text),
        Some(Cow::Owned(text)) => Cow::Owned(decode(&text).into_owned()),
    }
}

fn decision(json: Json<'_>) -> Result<Entry<'_>, Unreadable> {
    let (Some(method), Some(path), Some(verdict)) = (json.method, json.path, json.verdict) else {
        return Err(Unreadable::FieldsMissing);
    };
    let time = json.time.as_ref().and_then(Scalar::number);
    let inputs = json.inputs;
    let (address, country) = inputs.map_or((None, None), |inputs| {
        (
            inputs.address,
            inputs.country.and_then(|country| country.header),
        )
    });
    Ok(Entry {
        time: time.ok_or(Unreadable::Time)?,
        location: NOTHING,
        viewer: address.unwrap_or_default(),
        country: country.unwrap_or_default(),
        method,
        path,
        status: json.status.ok_or(Unreadable::Status)?,
        bytes: json.bytes.unwrap_or(0),
        decided: Some(Decided {
            verdict,
            reason: json.reason.unwrap_or_default(),
            bundle: json.bundle.unwrap_or_default(),
        }),
        ..Entry::default()
    })
}

#[cfg(test)]
mod tests;
