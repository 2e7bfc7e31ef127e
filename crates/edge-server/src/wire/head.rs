//! The heads of messages: strict for viewers, no more lenient than RFC 9112 asks for origins.
//!
//! Always holds: a head is accepted only where every line ends with CRLF, names are tokens that touch their colon, no
//! line is folded, and framing is stated once and in one way. The target keeps its bytes.

mod request;
mod response;

pub(crate) use request::{HeadError, RequestHead, is_host, parse_request};
pub(crate) use response::{AnswerHeadError, ResponseHead, parse_response};

use crate::fields::Fields;
use httparse::Header;

/// The most fields of a message.
pub(crate) const FIELDS_MAX: usize = 256;

/// Whether a line ends with LF alone.
fn has_bare_line_feed(text: &[u8]) -> bool {
    text.first() == Some(&b'\n')
        || text
            .iter()
            .zip(text.iter().skip(1))
            .any(|(before, byte)| *byte == b'\n' && *before != b'\r')
}

fn fields_of(headers: &[Header<'_>]) -> Option<Fields> {
    let bytes = headers.iter().map(|h| h.name.len() + h.value.len()).sum();
    let mut fields = Fields::with_capacity(headers.len(), bytes);
    headers
        .iter()
        .all(|header| fields.push(header.name.as_bytes(), header.value))
        .then_some(fields)
}

/// RFC 9110 §8.6: digits and nothing else.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits)?;
    text.parse().ok()
}

/// Whether a list names a token, whatever its case (RFC 9110 §5.6.1).
pub(crate) fn lists(value: &[u8], token: &str) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}
