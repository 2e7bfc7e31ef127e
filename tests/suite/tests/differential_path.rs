//! The path parser against a second one, written on another principle: decode anything, then accept it only if encoding
//! the decoded path again gives back every byte. Cases are counted; `PORTCULLIS_CASES` sets how many.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail, and JSON is passed as it is written"
)]

use portcullis_origin::object_path::{ObjectPath, PATH_BYTES_MAX};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use unicode_normalization::UnicodeNormalization as _;

/// Pieces that paths and attacks on them are made of.
const PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    "a",
    "b.c",
    ".",
    "..",
    "%2e",
    "%2E",
    "%2f",
    "%2F",
    "%5c",
    "%5C",
    "\\",
    "%25",
    "%",
    "%4",
    "%zz",
    "%00",
    "%0d",
    "%0A",
    "%7F",
    "%C3%A9",
    "%c3%a9",
    "e%CC%81",
    "%C0%AF",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "%C2%85",
    "é",
    " ",
    "%20",
    "+",
    "%2B",
    "@",
    "%40",
    "=",
    "'",
    "%27",
    "\"",
    "%22",
    "?",
    "%3F",
    "#",
    "%23",
    ";",
    ":",
    "~",
    "%7E",
    "$",
    "&",
    "*",
    "(",
    ")",
    "!",
    ",",
    "[",
    "%5B",
    "|",
    "^",
    "`",
    "{",
    "<",
    "\t",
    "\u{7f}",
    "%E2%84%AB",
    "A",
    "%41",
    "public",
    "partners",
];

/// The second parser: the decoded path, or nothing.
fn second(sent: &str) -> Option<String> {
    if !sent.starts_with('/') || sent.len() > PATH_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = sent;
    while let Some(c) = rest.chars().next() {
        if c == '%' {
            let pair = rest.get(1..3)?;
            if !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
            rest = rest.get(3..)?;
        } else {
            bytes.extend(c.to_string().bytes());
            rest = rest.get(c.len_utf8()..)?;
        }
    }
    let decoded = String::from_utf8(bytes).ok()?;
    let spelled: String = decoded.bytes().map(spell).collect();
    let parts: Vec<&str> = decoded.split('/').collect();
    let inner_empty = parts.iter().skip(1).rev().skip(1).any(|p| p.is_empty());
    let sound = spelled == sent
        && !decoded
            .chars()
            .any(|c| c.is_control() || c == '\\' || c == '%')
        && !parts.iter().any(|p| *p == "." || *p == "..")
        && !inner_empty
        && decoded.nfc().eq(decoded.chars());
    sound.then_some(decoded)
}

fn spell(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+'
        | b',' | b';' | b'=' | b':' | b'@' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

#[test]
fn two_parsers_agree_on_every_path() {
    let cases: u64 = std::env::var("PORTCULLIS_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000_000);
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut accepted, mut sent) = (0_u64, String::new());
    for case in 0..cases {
        sent.clear();
        let random = rng.next_u64();
        if random & 0xF != 0 {
            sent.push('/');
        }
        let mut bits = rng.next_u64();
        for _ in 0..(random >> 4) % 7 {
            let at = usize::try_from(bits % PIECES.len() as u64).unwrap();
            sent.push_str(PIECES[at]);
            bits = bits.rotate_right(9) ^ random;
        }
        let ours = ObjectPath::parse(&sent)
            .ok()
            .map(|p| p.decoded().to_owned());
        assert_eq!(ours, second(&sent), "case {case}: {sent:?}");
        accepted += u64::from(ours.is_some());
    }
    assert!(
        accepted > cases / 100,
        "too few paths were accepted for the comparison to mean anything: {accepted}"
    );
    println!("path parsers: {cases} cases, {accepted} accepted, 0 differences");
}
