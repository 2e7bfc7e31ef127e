//! The head of a request (RFC 9112 §3, §5, §6).

use super::{FIELDS_MAX, content_length, fields_of, has_bare_line_feed, lists};
use crate::fields::Fields;
use crate::listen::{HEADER_BYTES_MAX, TARGET_BYTES_MAX, Version};
use crate::wire::framing::Framing;
use http::Method;
use httparse::{Header, Status};
use std::mem::MaybeUninit;

/// The longest method, in bytes.
const METHOD_BYTES_MAX: usize = 32;

/// Colons, white space, line ends and the rest of the first line, in bytes.
const AROUND_BYTES_MAX: usize = METHOD_BYTES_MAX + 16 + FIELDS_MAX * 8;

/// The longest host name with its port, in bytes.
const HOST_BYTES_MAX: usize = 1_024;

/// Why a request is not even handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    Malformed,
    TargetTooLong,
    HeadersTooLarge,
}

/// A request before its body.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) version: Version,
    pub(crate) fields: Fields,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
}

/// Reads a head at the beginning of `text`; also says how long it was. `None` while its end is missing.
pub(crate) fn parse_request(text: &[u8]) -> Result<Option<(RequestHead, usize)>, HeadError> {
    let mut room = [const { MaybeUninit::<Header<'_>>::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let length = match parsed.parse_with_uninit_headers(text, &mut room) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return partial(text),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::HeadersTooLarge),
        Err(_) => return Err(HeadError::Malformed),
    };
    let head = text.get(..length).unwrap_or_default();
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(HeadError::Malformed);
    };
    if target.len() > TARGET_BYTES_MAX {
        return Err(HeadError::TargetTooLong);
    }
    if has_bare_line_feed(head) || method.len() > METHOD_BYTES_MAX {
        return Err(HeadError::Malformed);
    }
    let fields = fields_of(parsed.headers).ok_or(HeadError::HeadersTooLarge)?;
    if fields.bytes() > HEADER_BYTES_MAX || length > limit(target.len()) {
        return Err(HeadError::HeadersTooLarge);
    }
    let version = if minor == 0 {
        Version::Http10
    } else {
        Version::Http11
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| HeadError::Malformed)?;
    let head = understood(method, target, version, fields).ok_or(HeadError::Malformed)?;
    Ok(Some((head, length)))
}

/// The longest head with a target of that length.
fn limit(target_bytes: usize) -> usize {
    target_bytes + HEADER_BYTES_MAX + AROUND_BYTES_MAX
}

/// What can be said of a head that goes on.
fn partial(text: &[u8]) -> Result<Option<(RequestHead, usize)>, HeadError> {
    let first_line = text.iter().position(|byte| *byte == b'\n');
    let method = text.iter().take(METHOD_BYTES_MAX + 1);
    if method.len() > METHOD_BYTES_MAX && !method.clone().any(|byte| *byte == b' ') {
        Err(HeadError::Malformed)
    } else if first_line.is_none() && text.len() > METHOD_BYTES_MAX + 16 + TARGET_BYTES_MAX {
        Err(HeadError::TargetTooLong)
    } else if has_bare_line_feed(text) {
        Err(HeadError::Malformed)
    } else if text.len() > limit(first_line.unwrap_or(0)) {
        Err(HeadError::HeadersTooLarge)
    } else {
        Ok(None)
    }
}

/// What the fields say about the message itself.
#[derive(Default)]
struct Said<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    closes: bool,
    keeps: bool,
    expects_continue: bool,
}

impl<'a> Said<'a> {
    /// `None` where a field is there twice that must not be.
    fn of(fields: &'a Fields) -> Option<Self> {
        let mut said = Self::default();
        for (name, value) in fields.iter() {
            let twice = match name.len() {
                4 if name.eq_ignore_ascii_case("host") => said.host.replace(value),
                14 if name.eq_ignore_ascii_case("content-length") => said.length.replace(value),
                17 if name.eq_ignore_ascii_case("transfer-encoding") => said.coding.replace(value),
                10 if name.eq_ignore_ascii_case("connection") => {
                    said.closes |= lists(value, "close");
                    said.keeps |= lists(value, "keep-alive");
                    None
                }
                6 if name.eq_ignore_ascii_case("expect") => {
                    said.expects_continue |= value.eq_ignore_ascii_case(b"100-continue");
                    None
                }
                _ => None,
            };
            if twice.is_some() {
                return None;
            }
        }
        Some(said)
    }

    fn framing(&self, version: Version) -> Option<Framing> {
        match (self.coding, self.length) {
            (None, None) => Some(Framing::Length(0)),
            (None, Some(length)) => content_length(length).map(Framing::Length),
            (Some(coding), None) => (version == Version::Http11
                && coding.eq_ignore_ascii_case(b"chunked"))
            .then_some(Framing::Chunked),
            (Some(_), Some(_)) => None,
        }
    }
}

fn understood(
    method: Method,
    target: &str,
    version: Version,
    fields: Fields,
) -> Option<RequestHead> {
    let said = Said::of(&fields)?;
    let framing = said.framing(version)?;
    let keep_alive = !said.closes && (version == Version::Http11 || said.keeps);
    let expects_continue = said.expects_continue && version == Version::Http11;
    let field = match said.host {
        Some(host) => Some(
            std::str::from_utf8(host)
                .ok()
                .filter(|host| is_host(host))?,
        ),
        None => None,
    };
    if field.is_none() && version == Version::Http11 {
        return None;
    }
    let (authority, target) = split_target(target)?;
    Some(RequestHead {
        host: authority.or(field).unwrap_or_default().to_owned(),
        target,
        method,
        version,
        framing,
        keep_alive,
        expects_continue,
        fields,
    })
}

/// RFC 9112 §3.2: the authority of an absolute form, and path and query. `None` for any other form.
fn split_target(target: &str) -> Option<(Option<&str>, String)> {
    if target.contains('#') {
        return None;
    }
    if target.starts_with('/') {
        return Some((None, target.to_owned()));
    }
    let (scheme, rest) = target.split_once("://")?;
    let known = ["http", "https"]
        .iter()
        .any(|s| scheme.eq_ignore_ascii_case(s));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let is_authority = known && !authority.is_empty() && is_host(authority);
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    is_authority.then_some((Some(authority), path))
}

/// Whether this can be a host, with a port or without (RFC 3986 §3.2.2). Which one it is, is not decided here.
pub(crate) fn is_host(host: &str) -> bool {
    host.len() <= HOST_BYTES_MAX
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{HeadError, parse_request};
    use crate::wire::framing::Framing;
    use proptest::sample::select;
    use proptest::strategy::Strategy;
    use proptest::{collection, prop_assert, prop_assert_eq, proptest};

    fn read(text: &str) -> Result<Option<super::RequestHead>, HeadError> {
        parse_request(text.as_bytes()).map(|read| read.map(|(head, _)| head))
    }

    #[track_caller]
    fn check(text: &str, expected: HeadError) {
        assert_eq!(read(text).err(), Some(expected), "{text:.200}");
    }

    #[test]
    fn the_target_keeps_its_bytes() {
        for target in [
            "/",
            "/a//b/../c/./",
            "/%2e%2E/%zz%",
            "/a\"b<c>`{|}\\^",
            "/é?ü",
            "/?",
            "/a?b=c&b=d&;=%20+",
        ] {
            let head = read(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(head.unwrap().unwrap().target, target);
        }
    }

    #[test]
    fn an_absolute_target_names_the_host() {
        for (target, host, path) in [
            ("http://b.example:8080/x?y", "b.example:8080", "/x?y"),
            ("HTTPS://b", "b", "/"),
            ("http://b?x", "b", "/?x"),
        ] {
            let head = read(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let head = head.unwrap().unwrap();
            assert_eq!((head.host.as_str(), head.target.as_str()), (host, path));
        }
    }

    #[test]
    fn framing_is_read_once_and_one_way() {
        for (fields, expected) in [
            ("", Framing::Length(0)),
            ("Content-Length: 12\r\n", Framing::Length(12)),
            ("Content-Length: 0012\r\n", Framing::Length(12)),
            ("transfer-encoding: Chunked\r\n", Framing::Chunked),
        ] {
            let head = read(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
            assert_eq!(head.unwrap().unwrap().framing, expected, "{fields}");
        }
        for fields in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\ncontent-length: 6\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 5 5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding:\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Content-Length : 5\r\n",
            "Content-Length\t: 5\r\n",
            " Content-Length: 5\r\n",
            "X: 1\r\n Content-Length: 5\r\n",
            "X: 1\r\n\tfolded\r\n",
            "X: 1\n",
            "X: 1\r\nY: 2\nZ: 3\r\n",
            "X: 1\rY: 2\r\n",
            "X: 1\0\r\n",
            "X\0: 1\r\n",
            "X\r\n",
            ": 1\r\n",
            "X(: 1\r\n",
            "Host: b\r\n",
        ] {
            check(
                &format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"),
                HeadError::Malformed,
            );
        }
        check(
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            HeadError::Malformed,
        );
    }

    #[test]
    fn first_lines_and_hosts_that_are_none_are_malformed() {
        for line in [
            "GET /",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET\t/ HTTP/1.1",
            " GET / HTTP/1.1",
            "GET / HTTP/1.2",
            "GET / HTTP/2.0",
            "GET / http/1.1",
            "GET /a b HTTP/1.1",
            "GET a HTTP/1.1",
            "GET * HTTP/1.1",
            "GET /#f HTTP/1.1",
            "GET //h@b:/#f HTTP/1.1",
            "GET http:///x HTTP/1.1",
            "GET http://u@h/ HTTP/1.1",
            "GET ftp://h/ HTTP/1.1",
            "CONNECT h:443 HTTP/1.1",
            "G(T / HTTP/1.1",
            "\x16\x03\x01\x02",
        ] {
            check(&format!("{line}\r\nHost: a\r\n\r\n"), HeadError::Malformed);
        }
        for host in ["a b", "a/b", "u@a", "a,b", "a?b", "é", "a\\b"] {
            check(
                &format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                HeadError::Malformed,
            );
        }
        check("GET / HTTP/1.1\r\nX: 1\r\n\r\n", HeadError::Malformed);
        assert!(read("GET / HTTP/1.0\r\n\r\n").unwrap().is_some());
    }

    #[test]
    fn limits_are_cloudfronts_to_the_byte() {
        let target =
            |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes - 1));
        assert!(read(&target(8_192)).unwrap().is_some());
        check(&target(8_193), HeadError::TargetTooLong);
        check(
            &format!("GET /{}", "x".repeat(9_000)),
            HeadError::TargetTooLong,
        );

        let fields = |bytes: usize| {
            let value = "x".repeat(bytes - "Hosta".len() - "X".len());
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n")
        };
        assert!(read(&fields(32_768)).unwrap().is_some());
        check(&fields(32_769), HeadError::HeadersTooLarge);
        let endless = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(40_000));
        check(&endless, HeadError::HeadersTooLarge);
        let many = format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
            "X: 1\r\n".repeat(300)
        );
        check(&many, HeadError::HeadersTooLarge);
    }

    #[test]
    fn a_connection_goes_on_as_the_version_and_its_field_say() {
        for (version, field, keeps) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: x, Close\r\n", false),
            ("1.1", "Connection: keep-alive, close\r\n", false),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
        ] {
            let head = read(&format!("GET / HTTP/{version}\r\nHost: a\r\n{field}\r\n"));
            assert_eq!(
                head.unwrap().unwrap().keep_alive,
                keeps,
                "{version} {field}"
            );
        }
    }

    /// Pieces of heads, right and wrong, that the generator strings together.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = select(vec![
            &b"GET "[..],
            b"POST ",
            b"/a?b",
            b" HTTP/1.1",
            b" HTTP/1.0",
            b"\r\n",
            b"\n",
            b"\r",
            b"Host: a",
            b"Content-Length: 5",
            b"Transfer-Encoding: chunked",
            b" ",
            b"\t",
            b":",
            b"\0",
            b"\xff",
            b"GET / HTTP/1.1\r\nHost: a\r\n",
        ]);
        collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// What follows a head, and how a head is cut, changes nothing about where it ends and what it says.
        #[test]
        fn a_head_ends_at_one_place(text in pieces(), behind in pieces()) {
            let together = [&text[..], &behind].concat();
            let Ok(Some((head, bytes))) = parse_request(&together) else {
                return Ok(());
            };
            prop_assert!(together[..bytes].ends_with(b"\r\n\r\n"));
            for cut in 0..bytes {
                prop_assert!(!matches!(parse_request(&together[..cut]), Ok(Some(_))));
            }
            let (alone, alone_bytes) = parse_request(&together[..bytes]).unwrap().unwrap();
            prop_assert_eq!(bytes, alone_bytes);
            prop_assert_eq!(head.fields, alone.fields);
            prop_assert_eq!(head.framing, alone.framing);
        }
    }
}
