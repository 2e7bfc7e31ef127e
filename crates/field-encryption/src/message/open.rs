//! Opening a message: nothing is handed out before all of it is authentic.

use super::parse::{Message, parse};
use super::suite::{Suite, TAG_BYTES, body_aad, open};
use super::{MessageError, SIGNER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p384::ecdsa::signature::hazmat::PrehashVerifier as _;
use p384::ecdsa::{DerSignature, VerifyingKey};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::rand_core::TryCryptoRng;
use sha2::{Digest as _, Sha256, Sha384};
use std::fmt;
use zeroize::Zeroizing;

/// The plaintext of a field.
pub type Plaintext = Zeroizing<Vec<u8>>;

/// Who opens messages: a provider's name, the name of its key, and the private key.
pub struct Opener {
    provider: String,
    key_name: String,
    key: rsa::PrivateKey,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.key_name)
    }
}

impl Opener {
    /// Takes an RSA private key in PEM (PKCS #8 or PKCS #1). `None` if it is none.
    #[must_use]
    pub fn new(provider: &str, key_name: &str, pem: &str) -> Option<Self> {
        let key =
            rsa::PrivateKey::from_pkcs8_pem(pem).or_else(|_| rsa::PrivateKey::from_pkcs1_pem(pem));
        Some(Self {
            provider: provider.to_owned(),
            key_name: key_name.to_owned(),
            key: key.ok()?,
        })
    }

    /// Opens a message of at most 1 MiB. Randomness blinds the private key's work.
    ///
    /// # Errors
    /// [`MessageError`]; nothing of the plaintext is known then.
    pub fn open(
        &self,
        message: &[u8],
        random: &mut impl TryCryptoRng,
    ) -> Result<Plaintext, MessageError> {
        let message = parse(message)?;
        message.verify()?;
        let header = &message.header;
        let data_key = self.data_key(&message, random)?;
        committed(&message, &data_key)?;
        let key = header.suite.derived(&data_key, header.id);
        let key = key.ok_or(MessageError::NotAuthentic)?;
        open(&key, header.nonce, header.authenticated, header.tag)
            .ok_or(MessageError::NotAuthentic)?;
        content(&message, &key)
    }

    fn data_key(
        &self,
        message: &Message<'_>,
        random: &mut impl TryCryptoRng,
    ) -> Result<Plaintext, MessageError> {
        let keys = message.header.keys.iter().filter(|key| {
            key.provider == self.provider.as_bytes() && key.key_name == self.key_name.as_bytes()
        });
        for key in keys {
            let unwrapped = self
                .key
                .oaep_decrypt_with_rng::<Sha256, _>(random, key.wrapped);
            if let Ok(data_key) = unwrapped {
                return Ok(Zeroizing::new(data_key));
            }
        }
        Err(MessageError::NotForThisKey)
    }
}

/// A message that commits to its key opens to one plaintext only, whoever made it.
fn committed(message: &Message<'_>, data_key: &[u8]) -> Result<(), MessageError> {
    let Some(said) = message.header.commitment else {
        return Ok(());
    };
    let is = Suite::commitment(data_key, message.header.id);
    match is.is_some_and(|is| said == &is[..]) {
        true => Ok(()),
        false => Err(MessageError::NotAuthentic),
    }
}

fn content(message: &Message<'_>, key: &[u8; 32]) -> Result<Plaintext, MessageError> {
    let mut plaintext = Zeroizing::new(Vec::new());
    for frame in &message.frames {
        let bytes = frame.sealed.len().saturating_sub(TAG_BYTES) as u64;
        let aad = body_aad(message.header.id, frame.kind, frame.sequence, bytes);
        let opened = open(key, frame.nonce, &aad, frame.sealed);
        plaintext.extend_from_slice(&opened.ok_or(MessageError::NotAuthentic)?);
    }
    Ok(plaintext)
}

impl Message<'_> {
    /// Holds the signature, where the suite has one, to the key that the context names. Anybody can: it proves that the message is
    /// whole, not who made it.
    ///
    /// # Errors
    /// [`MessageError::NotAuthentic`].
    pub fn verify(&self) -> Result<(), MessageError> {
        let Some(signature) = self.signature else {
            return Ok(());
        };
        let holds = || {
            let point = STANDARD.decode(self.header.context.get(SIGNER)?).ok()?;
            let key = VerifyingKey::from_sec1_bytes(&point).ok()?;
            let signature = DerSignature::try_from(signature).ok()?;
            let digest = Sha384::digest(self.signed);
            key.verify_prehash(&digest, &signature).ok()
        };
        holds().ok_or(MessageError::NotAuthentic)
    }
}
