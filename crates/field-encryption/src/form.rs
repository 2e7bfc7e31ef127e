//! A form's body with some of its values encrypted.
//!
//! Pairs that are not encrypted stay as they were written, byte for byte, and in their places.

use crate::Status;
use crate::config::Profile;
use crate::message;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;
use rsa::rand_core::TryCryptoRng;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The longest body, in bytes (CloudFront quota: 1 MB).
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The most fields of a body (CloudFront quota).
pub const FIELDS_MAX: usize = 10;
/// The longest value to encrypt, decoded, in bytes (CloudFront quota: 16 KB).
pub const FIELD_BYTES_MAX: usize = 16 << 10;

/// A body whose fields are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// The body.
    pub body: Vec<u8>,
    /// How many fields were encrypted (`fle-encrypted-fields`).
    pub fields: usize,
}

impl Profile {
    /// Encrypts the fields of a form that the profile names. Values are decoded first; what stands in their place is the
    /// message in base64, encoded as a form has it.
    ///
    /// # Errors
    /// The status that the log says, one of the client errors or [`Status::ServerError`]; nothing may be forwarded then.
    pub fn encrypt(
        &self,
        body: &[u8],
        random: &mut impl TryCryptoRng,
    ) -> Result<Encrypted, Status> {
        if body.len() > BODY_BYTES_MAX {
            return Err(Status::RequestLengthLimitClientError);
        }
        let pairs: Vec<&[u8]> = body.split(|byte| *byte == b'&').collect();
        if pairs.iter().filter(|pair| !pair.is_empty()).count() > FIELDS_MAX {
            return Err(Status::FieldNumberLimitClientError);
        }
        let (mut written, mut fields) = (Vec::with_capacity(body.len()), 0);
        for (at, pair) in pairs.into_iter().enumerate() {
            if at > 0 {
                written.push(b'&');
            }
            match self.encrypted(pair, random)? {
                None => written.extend_from_slice(pair),
                Some(encrypted) => {
                    fields += 1;
                    written.extend_from_slice(&encrypted);
                }
            }
        }
        Ok(Encrypted {
            body: written,
            fields,
        })
    }

    fn encrypted(
        &self,
        pair: &[u8],
        random: &mut impl TryCryptoRng,
    ) -> Result<Option<Vec<u8>>, Status> {
        if pair.is_empty() {
            return Ok(None);
        }
        let at = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = match at {
            Some(at) => pair.split_at(at),
            None => (pair, &b""[..]),
        };
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let Some(recipient) = self.recipient(&decoded(name)?) else {
            return Ok(None);
        };
        let value = Zeroizing::new(decoded(value)?.into_owned());
        if value.len() > FIELD_BYTES_MAX {
            return Err(Status::FieldLengthLimitClientError);
        }
        let message = message::encrypt(recipient, &value, random);
        let message = message.map_err(|_| Status::ServerError)?;
        let mut written = name.to_vec();
        written.push(b'=');
        for byte in STANDARD.encode(message).bytes() {
            match byte {
                b'+' => written.extend_from_slice(b"%2B"),
                b'/' => written.extend_from_slice(b"%2F"),
                b'=' => written.extend_from_slice(b"%3D"),
                _ => written.push(byte),
            }
        }
        Ok(Some(written))
    }
}

/// A name or a value of a form. A `%` that begins no escape is no form: whoever reads it later may see another name in it
/// than was looked for here.
fn decoded(written: &[u8]) -> Result<Cow<'_, [u8]>, Status> {
    let mut escapes = written.split(|byte| *byte == b'%').skip(1);
    let whole = escapes
        .all(|rest| matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()));
    if !whole {
        return Err(Status::MalformedInputClientError);
    }
    if !written.contains(&b'+') {
        return Ok(percent_decode(written).into());
    }
    let spaced: Vec<u8> = written
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    Ok(Cow::Owned(percent_decode(&spaced).collect()))
}
