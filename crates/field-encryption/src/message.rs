//! Messages of the AWS Encryption SDK, format versions 1 and 2, whose data key is wrapped with RSA-OAEP (SHA-256, MGF1 with
//! SHA-256).
//!
//! Messages are made as the SDK made them by default when field-level encryption appeared: version 1, framed, AES-256-GCM
//! with a key derived by HKDF-SHA384, signed with ECDSA over P-384 (suite 0x0378). Which suite CloudFront takes is not
//! documented, so any of [`Suite`] is opened.
//!
//! Source: AWS Encryption SDK Developer Guide, "AWS Encryption SDK message format reference", "Algorithm suites".

mod open;
mod parse;
mod suite;

pub use open::{Opener, Plaintext};
pub use parse::{Framing, Header, Message, Wrapped, parse};
pub use suite::Suite;

use crate::config::Recipient;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p384::ecdsa::signature::hazmat::PrehashSigner as _;
use p384::ecdsa::{DerSignature, SigningKey};
use rsa::rand_core::TryCryptoRng;
use sha2::{Digest as _, Sha256, Sha384};
use suite::{FINAL_FRAME, FRAME, NONCE_BYTES, TAG_BYTES, body_aad, frame_nonce, seal};
use zeroize::Zeroizing;

/// The entry of the encryption context that holds the key which signs.
const SIGNER: &str = "aws-crypto-public-key";
/// Plaintext in a frame, as the SDK has it by default.
const FRAME_BYTES: usize = 4096;
/// Marks the last frame.
const LAST: u32 = u32::MAX;

/// Why no message could be made or opened. What exactly fails is not told to who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Randomness, a key or a cipher failed.
    #[error("the message could not be encrypted")]
    Encrypt,
    /// It is no message of the AWS Encryption SDK.
    #[error("this is no message of the AWS Encryption SDK: {0}")]
    Malformed(&'static str),
    /// Its version, type or suite is none that is known here.
    #[error("{0} is not known here")]
    Unknown(&'static str),
    /// No data key in it was wrapped for this key.
    #[error("the message was not encrypted for this key")]
    NotForThisKey,
    /// Something in it was changed.
    #[error("the message was changed on its way, or is cut off")]
    NotAuthentic,
}

/// Makes a message for a recipient.
///
/// # Errors
/// [`MessageError::Encrypt`].
pub fn encrypt(
    recipient: &Recipient,
    plaintext: &[u8],
    random: &mut impl TryCryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let suite = Suite::HkdfSha384Signed;
    let signer = signer(random)?;
    let (mut data_key, mut id) = (Zeroizing::new([0; 32]), [0; 16]);
    let mut fill = |bytes: &mut [u8]| {
        random
            .try_fill_bytes(bytes)
            .map_err(|_| MessageError::Encrypt)
    };
    fill(&mut *data_key)?;
    fill(&mut id)?;
    let wrapped = recipient
        .key
        .oaep_encrypt_with_rng::<Sha256, _>(random, &*data_key)
        .map_err(|_| MessageError::Encrypt)?;
    let key = suite
        .derived(&*data_key, &id)
        .ok_or(MessageError::Encrypt)?;
    let context = [(
        SIGNER,
        STANDARD.encode(signer.verifying_key().to_sec1_point(true)),
    )];
    let mut message = header(suite, &id, &context, recipient, &wrapped);
    let tag = seal(&key, [0; NONCE_BYTES], &message, &mut []).ok_or(MessageError::Encrypt)?;
    message.extend_from_slice(&[0; NONCE_BYTES]);
    message.extend_from_slice(&tag);
    frames(&mut message, &key, &id, plaintext).ok_or(MessageError::Encrypt)?;
    sign(message, &signer)
}

fn signer(random: &mut impl TryCryptoRng) -> Result<SigningKey, MessageError> {
    let mut scalar = Zeroizing::new([0; 48]);
    // A scalar of zero or beyond the order of the curve is as good as impossible; more than a few are a broken source.
    for _ in 0..4 {
        random
            .try_fill_bytes(&mut *scalar)
            .map_err(|_| MessageError::Encrypt)?;
        if let Ok(key) = SigningKey::from_slice(&*scalar) {
            return Ok(key);
        }
    }
    Err(MessageError::Encrypt)
}

fn header(
    suite: Suite,
    id: &[u8],
    context: &[(&str, String)],
    recipient: &Recipient,
    wrapped: &[u8],
) -> Vec<u8> {
    let mut to = vec![1, parse::CUSTOMER_AUTHENTICATED];
    to.extend_from_slice(&suite.id().to_be_bytes());
    to.extend_from_slice(id);
    let mut pairs = Vec::new();
    pairs.extend_from_slice(&short(context.len()));
    for (name, value) in context {
        counted(&mut pairs, name.as_bytes());
        counted(&mut pairs, value.as_bytes());
    }
    counted(&mut to, &pairs);
    to.extend_from_slice(&short(1));
    counted(&mut to, recipient.provider.as_bytes());
    counted(&mut to, recipient.key_name.as_bytes());
    counted(&mut to, wrapped);
    to.push(parse::FRAMED);
    to.extend_from_slice(&[0; 4]);
    to.push(12);
    to.extend_from_slice(&4096_u32.to_be_bytes());
    to
}

/// All lengths in a header made here are of names of at most 128 letters, a key of 256 bytes and one pair.
fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

fn counted(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&short(bytes.len()));
    to.extend_from_slice(bytes);
}

fn frames(message: &mut Vec<u8>, key: &[u8; 32], id: &[u8], plaintext: &[u8]) -> Option<()> {
    let mut sequence = 1_u32;
    let mut rest = plaintext;
    // The last frame is shorter than the others, if need be empty.
    while let Some((frame, more)) = rest.split_at_checked(FRAME_BYTES) {
        message.extend_from_slice(&sequence.to_be_bytes());
        sealed(message, key, id, FRAME, sequence, frame, false)?;
        (rest, sequence) = (more, sequence.checked_add(1)?);
    }
    message.extend_from_slice(&LAST.to_be_bytes());
    message.extend_from_slice(&sequence.to_be_bytes());
    sealed(message, key, id, FINAL_FRAME, sequence, rest, true)
}

fn sealed(
    message: &mut Vec<u8>,
    key: &[u8; 32],
    id: &[u8],
    kind: &str,
    sequence: u32,
    plaintext: &[u8],
    says_length: bool,
) -> Option<()> {
    let nonce = frame_nonce(sequence);
    message.extend_from_slice(&nonce);
    if says_length {
        message.extend_from_slice(&u32::try_from(plaintext.len()).ok()?.to_be_bytes());
    }
    let mut content = plaintext.to_vec();
    let aad = body_aad(id, kind, sequence, plaintext.len() as u64);
    let tag: [u8; TAG_BYTES] = seal(key, nonce, &aad, &mut content)?;
    message.extend_from_slice(&content);
    message.extend_from_slice(&tag);
    Some(())
}

fn sign(mut message: Vec<u8>, signer: &SigningKey) -> Result<Vec<u8>, MessageError> {
    let signature: DerSignature = signer
        .sign_prehash(&Sha384::digest(&message))
        .map_err(|_| MessageError::Encrypt)?;
    counted(&mut message, signature.as_bytes());
    Ok(message)
}
