//! A list of header fields in order, and the origin custom headers of an origin.
//!
//! Names compare without regard to case and keep the spelling they were set with. Values are bytes that hold no line
//! break: what comes from a viewer was parsed by an HTTP server before, what comes from a configuration is checked here.

use portcullis_http_semantics::field::{FieldValue, is_token, list};

/// Fields of one connection, which end at the edge, lower-case.
const HOP_BY_HOP: [&str; 5] = [
    "connection",
    "keep-alive",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Header fields in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Adds a field behind those of the same name.
    pub fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Makes this the only field of its name.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.add(name, value);
    }

    /// Removes all fields of a name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Keeps the fields whose names `stays` names.
    pub fn retain(&mut self, mut stays: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| stays(name));
    }

    /// Removes the fields of one connection: those HTTP knows as such, and those that `Connection` names (RFC 9110 §7.6.1).
    pub fn remove_hop_by_hop(&mut self) {
        let named: Vec<Vec<u8>> = self
            .joined("connection", ",")
            .map(|named| list(&named).map(<[u8]>::to_vec).collect())
            .unwrap_or_default();
        self.retain(|name| {
            let is = |other: &[u8]| name.as_bytes().eq_ignore_ascii_case(other);
            !HOP_BY_HOP.iter().any(|own| is(own.as_bytes())) && !named.iter().any(|named| is(named))
        });
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All values of a name as one, joined with `separator`; `None` when there is none.
    #[must_use]
    pub fn joined(&self, name: &str, separator: &str) -> Option<Vec<u8>> {
        let values: Vec<&[u8]> = self
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
            .collect();
        (!values.is_empty()).then(|| values.join(separator.as_bytes()))
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The sum of all names and values, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }
}

impl<N: AsRef<str>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(
            fields
                .into_iter()
                .map(|(name, value)| (name.as_ref().to_owned(), value.into()))
                .collect(),
        )
    }
}

/// The most custom headers of one origin (DG:add-origin-custom-headers).
pub const CUSTOM_HEADERS_MAX: usize = 30;

/// The longest name of a custom header, in characters.
pub const CUSTOM_NAME_CHARS_MAX: usize = 256;

/// The longest value of a custom header, in characters.
pub const CUSTOM_VALUE_CHARS_MAX: usize = 1783;

/// The most characters of all custom headers of one origin, names and values together.
pub const CUSTOM_TOTAL_CHARS_MAX: usize = 10_240;

/// Names CloudFront does not let an origin set, lower-case (DG:add-origin-custom-headers).
const FORBIDDEN_NAMES: [&str; 23] = [
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
];

/// Beginnings of names CloudFront does not let an origin set, lower-case.
const FORBIDDEN_PREFIXES: [&str; 2] = ["x-amz-", "x-edge-"];

/// The headers CloudFront adds to every request to an origin, over whatever a viewer sent under these names.
///
/// - every name is a token that CloudFront permits, and none is there twice;
/// - counts and lengths are within the limits above.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomHeaders(Vec<(String, String)>);

/// Why a list of custom headers is refused. The value is never part of it: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomHeaderError {
    /// The name is no token, or longer than [`CUSTOM_NAME_CHARS_MAX`].
    #[error("`{}` is no header name", .0.escape_debug())]
    Name(String),
    /// The name is one that CloudFront keeps to itself.
    #[error("CloudFront does not allow `{0}` as an origin custom header")]
    Forbidden(String),
    /// The name is there twice.
    #[error("`{0}` is set twice")]
    Repeated(String),
    /// The value holds a control character, or is longer than [`CUSTOM_VALUE_CHARS_MAX`].
    #[error("the value of `{0}` is no header value of at most {CUSTOM_VALUE_CHARS_MAX} characters")]
    Value(String),
    /// There are more than [`CUSTOM_HEADERS_MAX`].
    #[error("an origin has at most {CUSTOM_HEADERS_MAX} custom headers")]
    Count,
    /// Together they are longer than [`CUSTOM_TOTAL_CHARS_MAX`].
    #[error(
        "the custom headers of an origin have at most {CUSTOM_TOTAL_CHARS_MAX} characters together"
    )]
    Total,
}

impl CustomHeaders {
    /// Accepts the headers of an origin.
    ///
    /// # Errors
    /// [`CustomHeaderError`] says what CloudFront would refuse.
    pub fn new(headers: Vec<(String, String)>) -> Result<Self, CustomHeaderError> {
        if headers.len() > CUSTOM_HEADERS_MAX {
            return Err(CustomHeaderError::Count);
        }
        for (index, (name, value)) in headers.iter().enumerate() {
            check_name(name)?;
            if headers
                .iter()
                .take(index)
                .any(|(earlier, _)| earlier.eq_ignore_ascii_case(name))
            {
                return Err(CustomHeaderError::Repeated(name.clone()));
            }
            if FieldValue::new(value.as_bytes()).is_err()
                || value.chars().count() > CUSTOM_VALUE_CHARS_MAX
            {
                return Err(CustomHeaderError::Value(name.clone()));
            }
        }
        let total: usize = headers
            .iter()
            .map(|(name, value)| name.len() + value.chars().count())
            .sum();
        if total > CUSTOM_TOTAL_CHARS_MAX {
            Err(CustomHeaderError::Total)
        } else {
            Ok(Self(headers))
        }
    }

    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn check_name(name: &str) -> Result<(), CustomHeaderError> {
    if !is_token(name.as_bytes()) || name.len() > CUSTOM_NAME_CHARS_MAX {
        return Err(CustomHeaderError::Name(name.to_owned()));
    }
    let lower = name.to_ascii_lowercase();
    let kept = FORBIDDEN_NAMES.contains(&lower.as_str())
        || FORBIDDEN_PREFIXES.iter().any(|p| lower.starts_with(p));
    if kept {
        Err(CustomHeaderError::Forbidden(name.to_owned()))
    } else {
        Ok(())
    }
}

impl std::fmt::Debug for CustomHeaders {
    /// Shows the names only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        CUSTOM_HEADERS_MAX, CUSTOM_NAME_CHARS_MAX, CUSTOM_VALUE_CHARS_MAX, CustomHeaderError,
        CustomHeaders, Headers,
    };

    #[test]
    fn names_are_one_in_any_case() {
        let mut headers = Headers::from_iter([("X-A", "1"), ("x-b", "2"), ("x-a", "3")]);
        assert_eq!(headers.get("X-a"), Some(&b"1"[..]));
        assert_eq!(headers.joined("x-A", ","), Some(b"1,3".to_vec()));
        assert_eq!(headers.joined("x-c", ","), None);
        headers.set("X-A", "4");
        assert_eq!(
            headers.iter().collect::<Vec<_>>(),
            [("x-b", &b"2"[..]), ("X-A", &b"4"[..])]
        );
        assert_eq!(headers.bytes(), 8);
    }

    #[test]
    fn fields_of_one_connection_go_and_those_it_names() {
        let mut headers = Headers::from_iter([
            ("Connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("x-end", "2"),
        ]);
        headers.remove_hop_by_hop();
        assert_eq!(headers, Headers::from_iter([("x-end", "2")]));
    }

    fn accept(headers: &[(&str, &str)]) -> Result<CustomHeaders, CustomHeaderError> {
        CustomHeaders::new(
            headers
                .iter()
                .map(|&(n, v)| (n.to_owned(), v.to_owned()))
                .collect(),
        )
    }

    #[test]
    fn headers_cloudfront_keeps_to_itself() {
        for name in [
            "Host",
            "VIA",
            "X-Amz-Meta",
            "x-edge-location",
            "If-Range",
            "cookie",
            "X-Real-IP",
            "TE",
        ] {
            assert_eq!(
                accept(&[(name, "1")]),
                Err(CustomHeaderError::Forbidden(name.to_owned()))
            );
        }
        for name in [
            "Authorization",
            "User-Agent",
            "X-Forwarded-For",
            "Origin",
            "x-origin-verify",
            "x-amzn",
        ] {
            assert!(accept(&[(name, "1")]).is_ok(), "{name}");
        }
    }

    #[test]
    fn limits_are_inclusive() {
        let name = "n".repeat(CUSTOM_NAME_CHARS_MAX);
        let value = "v".repeat(CUSTOM_VALUE_CHARS_MAX);
        assert!(accept(&[(&name, &value)]).is_ok());
        assert!(matches!(
            accept(&[(&format!("{name}n"), "v")]),
            Err(CustomHeaderError::Name(_))
        ));
        assert!(matches!(
            accept(&[("n", &format!("{value}v"))]),
            Err(CustomHeaderError::Value(_))
        ));
        let names: Vec<String> = (0..=CUSTOM_HEADERS_MAX).map(|i| format!("x-{i}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "v")).collect();
        assert!(accept(&many[1..]).is_ok());
        assert_eq!(accept(&many), Err(CustomHeaderError::Count));
        let long: Vec<(&str, &str)> = many
            .iter()
            .take(6)
            .map(|&(n, _)| (n, value.as_str()))
            .collect();
        assert!(accept(&long[..5]).is_ok());
        assert_eq!(accept(&long), Err(CustomHeaderError::Total));
    }

    #[test]
    fn what_is_no_header() {
        assert!(matches!(
            accept(&[("x y", "1")]),
            Err(CustomHeaderError::Name(_))
        ));
        assert!(matches!(
            accept(&[("", "1")]),
            Err(CustomHeaderError::Name(_))
        ));
        assert!(matches!(
            accept(&[("x", "1\r\ny: 2")]),
            Err(CustomHeaderError::Value(_))
        ));
        assert!(matches!(
            accept(&[("x", "1"), ("X", "2")]),
            Err(CustomHeaderError::Repeated(_))
        ));
    }

    #[test]
    fn a_value_is_never_printed() {
        let headers = accept(&[("x-origin-verify", "s3cret")]).unwrap();
        assert_eq!(format!("{headers:?}"), r#"["x-origin-verify"]"#);
        let refused = accept(&[("x-origin-verify", "s3cret\n")]).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("s3cret"));
    }
}
