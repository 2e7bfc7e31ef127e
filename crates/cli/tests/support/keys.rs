//! Keys that exist for one test only.

use base64::Engine as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

/// What stands before the point in the SPKI of a P-256 key: two object identifiers and a bit string of 66 bytes (RFC 5480).
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A P-256 key pair as two PEM texts.
pub struct Pair {
    pub private: String,
    pub public: String,
}

impl Pair {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let spki = [&P256_SPKI, pair.public_key().as_ref()].concat();
        Self {
            private: pem("PRIVATE KEY", pkcs8.as_ref()),
            public: pem("PUBLIC KEY", &spki),
        }
    }

    /// The line of the private key that may never be printed.
    pub fn secret(&self) -> &str {
        self.private.lines().nth(1).unwrap()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}
