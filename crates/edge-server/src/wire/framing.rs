//! Where a body ends: by length, by chunks, or with the connection (RFC 9112 §6, §7).
//!
//! Always holds: bytes behind the end of a body are left for the next message; a chunk line or a trailer that is not
//! exactly by the grammar ends the message as malformed; an end of the connection inside a body is told from its end.

use bytes::{Buf as _, Bytes, BytesMut};

/// How a message says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It has that many bytes.
    Length(u64),
    /// It is chunked.
    Chunked,
    /// It ends with the connection, so that a truncated one looks whole.
    Close,
}

/// The longest line before a chunk, extensions included, in bytes.
const CHUNK_LINE_BYTES_MAX: usize = 256;

/// The most bytes of trailers.
const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// The most digits of a chunk's size: 2^60 bytes are more than anybody sends.
const CHUNK_DIGITS_MAX: usize = 15;

/// Framing that is not by the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What the bytes at hand give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Data(Bytes),
    More,
    End,
}

/// Cuts a body out of a connection's bytes.
#[derive(Debug)]
pub(crate) struct BodyReader(State);

#[derive(Debug, Clone, Copy)]
enum State {
    Length(u64),
    Close,
    ChunkLine,
    Chunk(u64),
    ChunkEnd,
    Trailers(usize),
    End,
}

impl BodyReader {
    pub(crate) fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Length(bytes) => State::Length(bytes),
            Framing::Chunked => State::ChunkLine,
            Framing::Close => State::Close,
        })
    }

    /// Whether the connection may end here.
    pub(crate) fn may_close(&self) -> bool {
        matches!(self.0, State::Close | State::End)
    }

    pub(crate) fn step(&mut self, inbound: &mut BytesMut) -> Result<Step, Malformed> {
        loop {
            match self.0 {
                State::Length(0) => self.0 = State::End,
                State::End => return Ok(Step::End),
                State::Length(_) | State::Close | State::Chunk(_) if inbound.is_empty() => {
                    return Ok(Step::More);
                }
                State::Close => return Ok(Step::Data(inbound.split().freeze())),
                State::Length(left) => {
                    let data = part(inbound, left);
                    self.0 = State::Length(left - data.len() as u64);
                    return Ok(Step::Data(data));
                }
                State::Chunk(left) => {
                    let data = part(inbound, left);
                    self.0 = match left - data.len() as u64 {
                        0 => State::ChunkEnd,
                        left => State::Chunk(left),
                    };
                    return Ok(Step::Data(data));
                }
                State::ChunkLine => {
                    let Some(line) = line(inbound, CHUNK_LINE_BYTES_MAX)? else {
                        return Ok(Step::More);
                    };
                    self.0 = match chunk_size(&line)? {
                        0 => State::Trailers(0),
                        bytes => State::Chunk(bytes),
                    };
                }
                State::ChunkEnd => {
                    let Some(line) = line(inbound, 0)? else {
                        return Ok(Step::More);
                    };
                    if !line.is_empty() {
                        return Err(Malformed);
                    }
                    self.0 = State::ChunkLine;
                }
                State::Trailers(so_far) => {
                    let Some(line) = line(inbound, TRAILER_BYTES_MAX - so_far)? else {
                        return Ok(Step::More);
                    };
                    self.0 = if line.is_empty() {
                        State::End
                    } else {
                        check_trailer(&line)?;
                        State::Trailers(so_far + line.len())
                    };
                }
            }
        }
    }
}

fn part(inbound: &mut BytesMut, left: u64) -> Bytes {
    let bytes = usize::try_from(left).unwrap_or(usize::MAX);
    inbound.split_to(bytes.min(inbound.len())).freeze()
}

/// The next line without its end. `bytes_max` counts without the end.
fn line(inbound: &mut BytesMut, bytes_max: usize) -> Result<Option<BytesMut>, Malformed> {
    let searched = inbound.iter().take(bytes_max + 2);
    let Some(at) = searched.clone().position(|byte| *byte == b'\n') else {
        // A lone CR is none of a line's bytes, except as the last one so far.
        let seen = searched.len();
        let lone = searched
            .take(seen.saturating_sub(1))
            .any(|byte| *byte == b'\r');
        return if lone || seen >= bytes_max + 2 {
            Err(Malformed)
        } else {
            Ok(None)
        };
    };
    let mut line = inbound.split_to(at);
    inbound.advance(1);
    let without = line.len().checked_sub(1).ok_or(Malformed)?;
    let end = line.split_off(without);
    if *end == *b"\r" && !line.contains(&b'\r') {
        Ok(Some(line))
    } else {
        Err(Malformed)
    }
}

/// RFC 9112 §7.1: hexadecimal digits, then nothing or extensions. White space is none of them.
fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let end = line.iter().position(|byte| *byte == b';');
    let (digits, extensions) = line
        .split_at_checked(end.unwrap_or(line.len()))
        .ok_or(Malformed)?;
    let visible = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
    if digits.is_empty() || digits.len() > CHUNK_DIGITS_MAX || !extensions.iter().all(visible) {
        return Err(Malformed);
    }
    digits.iter().try_fold(0_u64, |size, byte| {
        let digit = char::from(*byte).to_digit(16).ok_or(Malformed)?;
        Ok(size << 4 | u64::from(digit))
    })
}

fn check_trailer(line: &[u8]) -> Result<(), Malformed> {
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .ok_or(Malformed)?;
    let name = line.get(..colon).unwrap_or_default();
    if crate::fields::is_token(name) && !line.contains(&0) {
        Ok(())
    } else {
        Err(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyReader, BytesMut, Framing, Malformed, Step, TRAILER_BYTES_MAX};

    /// The body and what is left behind it; `None` while it has no end.
    type Outcome = Result<Option<(Vec<u8>, Vec<u8>)>, Malformed>;

    fn read(framing: Framing, pieces: &[&[u8]]) -> Outcome {
        let (mut reader, mut inbound) = (BodyReader::new(framing), BytesMut::new());
        let mut body = Vec::new();
        for piece in pieces {
            inbound.extend_from_slice(piece);
            loop {
                match reader.step(&mut inbound)? {
                    Step::Data(data) => body.extend_from_slice(&data),
                    Step::More => break,
                    Step::End => return Ok(Some((body, inbound.to_vec()))),
                }
            }
        }
        Ok(None)
    }

    /// However the bytes are cut into pieces, the result is the same.
    #[track_caller]
    fn check(framing: Framing, text: &[u8], expected: &Outcome) {
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(&read(framing, &[text]), expected, "{}", text.escape_ascii());
        let by_byte = read(framing, &bytes);
        match (by_byte, expected) {
            // Read byte by byte, what follows has not come yet.
            (Ok(Some((body, _))), Ok(Some((expected, _)))) => assert_eq!(&body, expected),
            (by_byte, expected) => assert_eq!(&by_byte, expected, "{}", text.escape_ascii()),
        }
    }

    #[test]
    fn a_length_ends_a_body_and_leaves_the_rest() {
        let whole = Ok(Some((b"hello".to_vec(), b"GET".to_vec())));
        check(Framing::Length(5), b"helloGET", &whole);
        check(
            Framing::Length(0),
            b"GET",
            &Ok(Some((vec![], b"GET".to_vec()))),
        );
        check(Framing::Length(6), b"hello", &Ok(None));
        check(Framing::Close, b"hello", &Ok(None));
    }

    #[test]
    fn chunks_by_the_grammar_are_joined() {
        for text in [
            "5\r\nhello\r\n0\r\n\r\n",
            "2\r\nhe\r\n003\r\nllo\r\n00\r\n\r\n",
            "5;a=b\r\nhello\r\n0;last\r\n\r\n",
            "5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: \r\n\r\n",
        ] {
            check(
                Framing::Chunked,
                text.as_bytes(),
                &Ok(Some((b"hello".to_vec(), vec![]))),
            );
        }
        check(Framing::Chunked, b"A\r\n0123456789\r\n", &Ok(None));
    }

    #[test]
    fn chunks_that_two_readers_could_cut_differently_are_malformed() {
        let long_extension = format!("5;{}\r\nhello\r\n", "x".repeat(300));
        let long_trailer = format!("0\r\nX: {}\r\n\r\n", "x".repeat(TRAILER_BYTES_MAX));
        let many_trailers = format!("0\r\n{}\r\n", "X: yyyyyyy\r\n".repeat(1000));
        for text in [
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "5 \r\nhello\r\n",
            " 5\r\nhello\r\n",
            "0x5\r\nhello\r\n",
            "+5\r\nhello\r\n",
            "-5\r\nhello\r\n",
            "\r\nhello\r\n",
            ";a\r\nhello\r\n",
            "zz\r\nhello\r\n",
            "5\rX\nhello\r\n",
            "5;a\0b\r\nhello\r\n",
            "10000000000000005\r\nhello\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\nX : 1\r\n\r\n",
            "0\r\n folded: 1\r\n\r\n",
            "0\r\nX: 1\n\r\n",
            &long_extension,
            &long_trailer,
            &many_trailers,
        ] {
            check(Framing::Chunked, text.as_bytes(), &Err(Malformed));
        }
    }
}
