//! Writing JSON: the same steps once to count and once to write, so that the count is the size.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a document is written to.
pub(super) trait Sink {
    /// Text that stands in JSON as it is.
    fn verbatim(&mut self, text: &str);
    /// Text within quotes.
    fn escaped(&mut self, text: &str);
    /// Bytes within quotes, in base64.
    fn base64(&mut self, bytes: &[u8]);
    /// A number of at most three digits.
    fn number(&mut self, number: u16);
}

/// The number of bytes that were written.
#[derive(Default)]
pub(super) struct Counted(usize);

impl Counted {
    pub(super) fn bytes(&self) -> usize {
        self.0
    }
}

impl Sink for Counted {
    fn verbatim(&mut self, text: &str) {
        self.0 += text.len();
    }

    fn escaped(&mut self, text: &str) {
        self.0 += escaped_bytes(text);
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.0 += base64_bytes(bytes);
    }

    fn number(&mut self, number: u16) {
        self.0 += number
            .checked_ilog10()
            .map_or(1, |digits| digits as usize + 1);
    }
}

impl Sink for String {
    fn verbatim(&mut self, text: &str) {
        self.push_str(text);
    }

    fn escaped(&mut self, text: &str) {
        let mut rest = text;
        // What is escaped is ASCII, so the text can be cut on both sides of it.
        while let Some(at) = rest.bytes().position(|byte| escape_bytes(byte) != 1) {
            let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let mut after = from.chars();
            let special = after.next();
            self.push_str(plain);
            special
                .into_iter()
                .for_each(|special| push_escape(self, special));
            rest = after.as_str();
        }
        self.push_str(rest);
    }

    fn base64(&mut self, bytes: &[u8]) {
        STANDARD.encode_string(bytes, self);
    }

    fn number(&mut self, number: u16) {
        self.push_str(&number.to_string());
    }
}

/// The length of `text` within quotes.
pub(super) fn escaped_bytes(text: &str) -> usize {
    text.bytes().map(escape_bytes).sum()
}

/// The length of `bytes` in base64.
pub(super) fn base64_bytes(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3).saturating_mul(4)
}

fn escape_bytes(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

fn push_escape(text: &mut String, special: char) {
    match special {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        other => text.push_str(&format!("\\u{:04x}", u32::from(other))),
    }
}
