//! One PEM block: its label and its bytes.
//!
//! Exactly one block is accepted, with nothing but white space around it, so that a file with a second key or a
//! certificate chain is a mistake that shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest PEM text that is read, in bytes. A 4096-bit RSA private key takes about 3,300.
pub(crate) const PEM_MAX_BYTES: usize = 16 * 1024;

/// The label of the block and its base64 text without white space; nothing if the text is not one PEM block.
pub(crate) fn block(pem: &str) -> Option<(&str, String)> {
    let body = pem
        .trim()
        .strip_prefix("-----BEGIN ")
        .filter(|_| pem.len() <= PEM_MAX_BYTES)?;
    let (label, body) = body.split_once("-----")?;
    let body = body
        .strip_suffix("-----")?
        .strip_suffix(label)?
        .strip_suffix("-----END ")?;
    // Allocated once: a string that grew would leave parts of a private key behind.
    let mut base64 = String::with_capacity(body.len());
    base64.extend(body.split_ascii_whitespace());
    Some((label, base64))
}

/// The DER inside a PEM block with this label.
pub(crate) fn der(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (found, base64) = block(pem)?;
    (found == label)
        .then(|| STANDARD.decode(base64).ok())
        .flatten()
}
