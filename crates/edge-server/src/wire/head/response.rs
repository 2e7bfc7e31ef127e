//! The head of an origin's answer (RFC 9112 §4, §6.3).

use super::{FIELDS_MAX, content_length, fields_of, lists};
use crate::fields::Fields;
use crate::listen::HEADER_BYTES_MAX;
use crate::wire::framing::Framing;
use http::Method;
use httparse::{Header, Status};
use std::mem::MaybeUninit;

/// The longest head of an answer, in bytes: CloudFront's limit, and the lines around it.
const HEAD_BYTES_MAX: usize = HEADER_BYTES_MAX + FIELDS_MAX * 8;

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerHeadError {
    Invalid,
    TooLarge,
}

/// An answer before its body.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
}

/// Reads a head at the beginning of `text`; also says how long it was. `None` while its end is missing.
pub(crate) fn parse_response(
    text: &[u8],
    method: &Method,
) -> Result<Option<(ResponseHead, usize)>, AnswerHeadError> {
    let mut room = [const { MaybeUninit::<Header<'_>>::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut parsed, text, &mut room) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if text.len() > HEAD_BYTES_MAX => {
            return Err(AnswerHeadError::TooLarge);
        }
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(AnswerHeadError::TooLarge),
        Err(_) => return Err(AnswerHeadError::Invalid),
    };
    let (Some(status), Some(minor)) = (parsed.code, parsed.version) else {
        return Err(AnswerHeadError::Invalid);
    };
    let fields = fields_of(parsed.headers).ok_or(AnswerHeadError::TooLarge)?;
    if fields.bytes() > HEADER_BYTES_MAX {
        return Err(AnswerHeadError::TooLarge);
    }
    // A final answer, or an interim one that is passed over (RFC 9110 §15.2). 101 was not asked for.
    if !(100..=599).contains(&status) || status == 101 {
        return Err(AnswerHeadError::Invalid);
    }
    let framing = framing(status, method, &fields).ok_or(AnswerHeadError::Invalid)?;
    let connection = |token| fields.all("connection").any(|value| lists(value, token));
    let keep_alive = framing != Framing::Close
        && !connection("close")
        && (minor == 1 || connection("keep-alive"));
    let head = ResponseHead {
        status,
        framing,
        keep_alive,
        fields,
    };
    Ok(Some((head, length)))
}

/// RFC 9112 §6.3. `None` where the length is stated in two ways.
fn framing(status: u16, method: &Method, fields: &Fields) -> Option<Framing> {
    let mut lengths = fields.all("content-length").map(content_length);
    let stated = lengths.next();
    let differ = lengths.any(|length| Some(length) != stated);
    let mut codings = fields.all("transfer-encoding");
    let coding = codings.next();
    if differ || stated == Some(None) || codings.next().is_some() {
        return None;
    }
    if status < 200 || matches!(status, 204 | 304) || method == Method::HEAD {
        return Some(Framing::Length(0));
    }
    match (coding, stated.flatten()) {
        (None, None) => Some(Framing::Close),
        (None, Some(length)) => Some(Framing::Length(length)),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Some(Framing::Chunked),
        (Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{AnswerHeadError, parse_response};
    use crate::wire::framing::Framing;
    use http::Method;

    fn read(method: &Method, text: &str) -> Result<Option<(Framing, bool)>, AnswerHeadError> {
        parse_response(text.as_bytes(), method)
            .map(|read| read.map(|(head, _)| (head.framing, head.keep_alive)))
    }

    #[test]
    fn the_end_of_a_body_follows_from_method_status_and_fields() {
        for (method, head, framing, keeps) in [
            (
                Method::GET,
                "1.1 200 OK\r\nContent-Length: 5",
                Framing::Length(5),
                true,
            ),
            (
                Method::GET,
                "1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
                Framing::Length(5),
                true,
            ),
            (
                Method::GET,
                "1.1 200 OK\r\nTransfer-Encoding: chunked",
                Framing::Chunked,
                true,
            ),
            (Method::GET, "1.1 200 OK\r\nX: 1", Framing::Close, false),
            (
                Method::HEAD,
                "1.1 200 OK\r\nContent-Length: 5",
                Framing::Length(0),
                true,
            ),
            (
                Method::GET,
                "1.1 304 NM\r\nContent-Length: 5",
                Framing::Length(0),
                true,
            ),
            (Method::GET, "1.1 204 \r\nX: 1", Framing::Length(0), true),
            (
                Method::GET,
                "1.0 200 OK\r\nContent-Length: 5",
                Framing::Length(5),
                false,
            ),
            (
                Method::GET,
                "1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive",
                Framing::Length(5),
                true,
            ),
            (
                Method::GET,
                "1.1 200 OK\r\nContent-Length: 5\r\nConnection: close",
                Framing::Length(5),
                false,
            ),
        ] {
            let text = format!("HTTP/{head}\r\n\r\n");
            assert_eq!(read(&method, &text), Ok(Some((framing, keeps))), "{head}");
        }
    }

    #[test]
    fn what_is_no_answer_is_invalid() {
        for text in [
            "SSH-2.0-OpenSSH_9.6\r\n\r\n",
            "HTTP/1.1 99999 Huge\r\n\r\n",
            "HTTP/1.1 099 Low\r\n\r\n",
            "HTTP/1.1 101 Switching\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n",
            "\0\0\0\0\r\n\r\n",
        ] {
            assert_eq!(
                read(&Method::GET, text),
                Err(AnswerHeadError::Invalid),
                "{text}"
            );
        }
    }

    #[test]
    fn a_head_beyond_cloudfronts_limit_is_too_large() {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(40_000));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: 1\r\n".repeat(300));
        for text in [&long, &format!("{long}\r\n\r\n"), &many] {
            assert_eq!(read(&Method::GET, text), Err(AnswerHeadError::TooLarge));
        }
    }
}
