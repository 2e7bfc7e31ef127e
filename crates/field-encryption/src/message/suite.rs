//! Algorithm suites: how a message's key follows from its data key, and what is authenticated how.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

pub(super) const NONCE_BYTES: usize = 12;
pub(super) const TAG_BYTES: usize = 16;
pub(super) const FRAME: &str = "AWSKMSEncryptionClient Frame";
pub(super) const FINAL_FRAME: &str = "AWSKMSEncryptionClient Final Frame";
pub(super) const SINGLE_BLOCK: &str = "AWSKMSEncryptionClient Single Block";

/// A suite with AES-256-GCM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// 0x0078: the data key is the key.
    NoKdf,
    /// 0x0178: HKDF-SHA256.
    HkdfSha256,
    /// 0x0378: HKDF-SHA384, and a signature over the message.
    HkdfSha384Signed,
    /// 0x0478: HKDF-SHA512, and the message commits to its key.
    Committing,
    /// 0x0578: the same, and a signature over the message.
    CommittingSigned,
}

impl Suite {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NoKdf,
        Self::HkdfSha256,
        Self::HkdfSha384Signed,
        Self::Committing,
        Self::CommittingSigned,
    ];

    /// Its id in a message.
    #[must_use]
    pub fn id(self) -> u16 {
        match self {
            Self::NoKdf => 0x0078,
            Self::HkdfSha256 => 0x0178,
            Self::HkdfSha384Signed => 0x0378,
            Self::Committing => 0x0478,
            Self::CommittingSigned => 0x0578,
        }
    }

    /// The version of messages that have it.
    pub(super) fn version(self) -> u8 {
        if self.commits() { 2 } else { 1 }
    }

    pub(super) fn commits(self) -> bool {
        matches!(self, Self::Committing | Self::CommittingSigned)
    }

    pub(super) fn is_signed(self) -> bool {
        matches!(self, Self::HkdfSha384Signed | Self::CommittingSigned)
    }

    /// The key of a message.
    pub(super) fn derived(self, data_key: &[u8], message_id: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let id = self.id().to_be_bytes();
        match self {
            Self::NoKdf => Some(Zeroizing::new(data_key.try_into().ok()?)),
            Self::HkdfSha256 => expanded(hkdf::HKDF_SHA256, &[], data_key, &[&id, message_id]),
            Self::HkdfSha384Signed => {
                expanded(hkdf::HKDF_SHA384, &[], data_key, &[&id, message_id])
            }
            Self::Committing | Self::CommittingSigned => expanded(
                hkdf::HKDF_SHA512,
                message_id,
                data_key,
                &[&id, b"DERIVEKEY"],
            ),
        }
    }

    /// What a message that commits to its data key says of it.
    pub(super) fn commitment(data_key: &[u8], message_id: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        expanded(hkdf::HKDF_SHA512, message_id, data_key, &[b"COMMITKEY"])
    }
}

fn expanded(
    algorithm: hkdf::Algorithm,
    salt: &[u8],
    secret: &[u8],
    info: &[&[u8]],
) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let extracted = hkdf::Salt::new(algorithm, salt).extract(secret);
    // Names the length, 32 bytes, and nothing else.
    let expanded = extracted.expand(info, &AES_256_GCM).ok()?;
    expanded.fill(&mut *key).ok()?;
    Some(key)
}

/// What is authenticated with the ciphertext of a frame or a body.
pub(super) fn body_aad(message_id: &[u8], kind: &str, sequence: u32, bytes: u64) -> Vec<u8> {
    let (sequence, bytes) = (sequence.to_be_bytes(), bytes.to_be_bytes());
    [message_id, kind.as_bytes(), &sequence, &bytes].concat()
}

/// The nonce the SDK gives a frame: its number.
pub(super) fn frame_nonce(sequence: u32) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    let last = nonce.iter_mut().skip(NONCE_BYTES - 4);
    last.zip(sequence.to_be_bytes())
        .for_each(|(to, from)| *to = from);
    nonce
}

/// Encrypts in place; the tag.
pub(super) fn seal(
    key: &[u8; 32],
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    content: &mut [u8],
) -> Option<[u8; TAG_BYTES]> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = cipher(key)?.seal_in_place_separate_tag(nonce, Aad::from(aad), content);
    tag.ok()?.as_ref().try_into().ok()
}

/// The plaintext of a ciphertext with its tag behind it.
pub(super) fn open(
    key: &[u8; 32],
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    content_and_tag: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(content_and_tag.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let plain = cipher(key)?.open_in_place(nonce, Aad::from(aad), &mut content);
    let length = plain.ok()?.len();
    content.truncate(length);
    Some(content)
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key)
        .ok()
        .map(LessSafeKey::new)
}
