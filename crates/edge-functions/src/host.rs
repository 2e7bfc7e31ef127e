//! What the modules of the runtime are made of: bytes to text and back, digests, pairs of a store, and the log.
//!
//! Functions see none of it by name: it is handed to the modules alone.

use crate::store::Store;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::{alphabet, engine::DecodePaddingMode};
use md5::{Digest as _, Md5};
use ring::digest;
use rquickjs::{Ctx, FromJs, Function, Object, TypedArray, Value};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;

/// The most bytes of one run's log (DG:cloudfront-function-restrictions); the rest is cut off.
pub const LOG_BYTES_MAX: usize = 10 << 10;
/// The block of MD5, SHA-1 and SHA-256, in bytes.
const BLOCK: usize = 64;

/// Reads both alphabets, with padding or without.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// What a run leaves beside its answer.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Lines of `console.log`.
    pub(crate) log: Vec<String>,
    log_bytes: usize,
    /// The last origin that was chosen, as JSON.
    pub(crate) chosen: Option<String>,
}

impl Left {
    fn line(&mut self, mut line: String) {
        let room = LOG_BYTES_MAX.saturating_sub(self.log_bytes);
        if room == 0 {
            return;
        }
        if line.len() > room {
            let cut = (0..=room).rev().find(|at| line.is_char_boundary(*at));
            line.truncate(cut.unwrap_or_default());
        }
        self.log_bytes += line.len() + 1;
        self.log.push(line);
    }
}

/// Bytes as they come from a module: a string of letters below U+0100, because reading a typed array in place is unsafe.
struct Binary(Vec<u8>);

impl<'js> FromJs<'js> for Binary {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> rquickjs::Result<Self> {
        let letters = String::from_js(ctx, value)?;
        let bytes = letters.chars().map(|letter| u8::try_from(letter).ok());
        let bytes: Option<Vec<u8>> = bytes.collect();
        bytes
            .map(Self)
            .ok_or_else(|| rquickjs::Error::new_from_js("string", "bytes"))
    }
}

/// The object that modules are called with.
pub(crate) fn host<'js>(
    ctx: &Ctx<'js>,
    store: Option<Arc<Store>>,
    may_choose: bool,
    left: &Rc<RefCell<Left>>,
) -> rquickjs::Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    let lines = Rc::clone(left);
    host.set(
        "log",
        Function::new(ctx.clone(), move |line: String| {
            lines.borrow_mut().line(line);
        })?,
    )?;
    let choice = Rc::clone(left);
    host.set(
        "choose",
        Function::new(ctx.clone(), move |chosen: String| {
            choice.borrow_mut().chosen = Some(chosen);
        })?,
    )?;
    host.set("mayChoose", may_choose)?;
    give_texts(ctx, &host)?;
    give_digests(ctx, &host)?;
    give_store(ctx, &host, store)?;
    Ok(host)
}

fn give_texts<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> rquickjs::Result<()> {
    host.set(
        "encode",
        Function::new(ctx.clone(), |bytes: Binary, name: String| {
            encode(&bytes.0, &name)
        })?,
    )?;
    host.set(
        "decode",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, text: String, name: String| {
            TypedArray::new_copy(ctx, decode(&text, &name))
        })?,
    )?;
    host.set(
        "utf8",
        Function::new(ctx.clone(), |bytes: Binary| String::from_utf8(bytes.0).ok())?,
    )?;
    host.set(
        "unescape",
        Function::new(ctx.clone(), |text: String| unescape(&text))?,
    )
}

fn give_digests<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> rquickjs::Result<()> {
    host.set(
        "digest",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, name: String, data: Binary| {
            TypedArray::new_copy(ctx, hash(&name, &data.0))
        })?,
    )?;
    host.set(
        "hmac",
        Function::new(
            ctx.clone(),
            |ctx: Ctx<'js>, name: String, key: Binary, data: Binary| {
                TypedArray::new_copy(ctx, hmac(&name, &key.0, &data.0))
            },
        )?,
    )
}

fn give_store<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    store: Option<Arc<Store>>,
) -> rquickjs::Result<()> {
    host.set("hasStore", store.is_some())?;
    let meta = store.clone();
    host.set(
        "pairs",
        Function::new(ctx.clone(), move |ctx: Ctx<'js>| {
            let found = Object::new(ctx)?;
            let store = meta.as_deref();
            let at = |ms: fn(&Store) -> u64| store.map_or(0, ms);
            found.set("keyCount", store.map_or(0, Store::len))?;
            found.set("creationDateTime", iso(at(|store| store.created_ms)))?;
            found.set("lastUpdatedDateTime", iso(at(|store| store.updated_ms)))?;
            rquickjs::Result::Ok(found)
        })?,
    )?;
    host.set(
        "pair",
        Function::new(ctx.clone(), move |key: String| {
            let found = store.as_ref().and_then(|store| store.get(&key));
            found.map(str::to_owned)
        })?,
    )
}

/// Bytes as text; `None` for an encoding that is not known.
fn encode(bytes: &[u8], name: &str) -> Option<String> {
    match name {
        "utf8" => Some(String::from_utf8_lossy(bytes).into_owned()),
        "hex" => Some(hex(bytes)),
        "base64" => Some(STANDARD.encode(bytes)),
        "base64url" => Some(URL_SAFE_NO_PAD.encode(bytes)),
        _ => None,
    }
}

/// Text as bytes, as far as it can be read: what follows a mistake is left out, as Node does.
fn decode(text: &str, name: &str) -> Vec<u8> {
    match name {
        "hex" => {
            let digit = |at: &u8| {
                char::from(*at)
                    .to_digit(16)
                    .and_then(|d| u8::try_from(d).ok())
            };
            let pairs = text.as_bytes().chunks_exact(2);
            let bytes = pairs.map_while(|pair| match pair {
                [high, low] => Some(digit(high)? << 4 | digit(low)?),
                _ => None,
            });
            bytes.collect()
        }
        "base64" | "base64url" => {
            let letters = text.bytes().take_while(|byte| *byte != b'=');
            let letters = letters.filter_map(|byte| match byte {
                b'-' => Some(b'+'),
                b'_' => Some(b'/'),
                b'+' | b'/' => Some(byte),
                _ => byte.is_ascii_alphanumeric().then_some(byte),
            });
            let mut letters: Vec<u8> = letters.collect();
            if letters.len() % 4 == 1 {
                letters.pop();
            }
            LENIENT_STANDARD.decode(letters).unwrap_or_default()
        }
        _ => text.as_bytes().to_vec(),
    }
}

/// Percent-decodes; what is no escape stays, what is no UTF-8 becomes U+FFFD.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                digit(*high).zip(digit(*low))
            }
            _ => None,
        };
        match escaped.and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A digest. The module asks for `md5`, `sha1` and `sha256` alone.
fn hash(name: &str, data: &[u8]) -> Vec<u8> {
    match name {
        "md5" => Md5::digest(data).to_vec(),
        "sha1" => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data)
            .as_ref()
            .to_vec(),
        _ => digest::digest(&digest::SHA256, data).as_ref().to_vec(),
    }
}

/// RFC 2104.
fn hmac(name: &str, key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = if key.len() > BLOCK {
        hash(name, key)
    } else {
        key.to_vec()
    };
    let padded = |pad: u8| -> Vec<u8> {
        let key = key.iter().copied().chain(std::iter::repeat(0));
        key.take(BLOCK).map(|byte| byte ^ pad).collect()
    };
    let inner = hash(name, &[padded(0x36), data.to_vec()].concat());
    hash(name, &[padded(0x5c), inner].concat())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// ISO 8601 with milliseconds, UTC. The calendar is Howard Hinnant's `civil_from_days`.
fn iso(ms: u64) -> String {
    let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, hash, hex, hmac, iso, unescape};

    #[test]
    fn digests_are_those_of_their_standards() {
        // RFC 1321, FIPS 180-4; RFC 2202 case 2 and RFC 4231 case 2.
        let rows = [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "sha256",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ];
        for (name, expected) in rows {
            assert_eq!(hex(&hash(name, b"abc")), expected);
        }
        let rows = [
            ("md5", "750c783e6ab0b503eaa86e310a5db738"),
            ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (
                "sha256",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ];
        for (name, expected) in rows {
            let made = hmac(name, b"Jefe", b"what do ya want for nothing?");
            assert_eq!(hex(&made), expected, "{name}");
        }
        // RFC 4231 case 6: a key longer than a block.
        let made = hmac(
            "sha256",
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert!(hex(&made).starts_with("60e431591ee0b67f0d8a26aacbf5b77f"));
    }

    #[test]
    fn texts_and_bytes() {
        assert_eq!(encode(&[0xfb, 0xff], "base64").as_deref(), Some("+/8="));
        assert_eq!(encode(&[0xfb, 0xff], "base64url").as_deref(), Some("-_8"));
        assert_eq!(encode(b"a", "latin1"), None);
        for text in ["+/8=", "-_8", "-_8=", "+ /\n8="] {
            assert_eq!(decode(text, "base64"), [0xfb, 0xff], "{text}");
        }
        assert_eq!(decode("00ffzz11", "hex"), [0, 255]);
        assert_eq!(unescape("a%20b%zz%C3%A9%ff%"), "a b%zzé\u{fffd}%");
    }

    #[test]
    fn times_are_written_as_iso_8601() {
        let rows = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_826_255_999, "2000-02-29T12:10:55.999Z"),
            (1_701_385_675_765, "2023-11-30T23:07:55.765Z"),
        ];
        for (ms, expected) in rows {
            assert_eq!(iso(ms), expected);
        }
    }
}
