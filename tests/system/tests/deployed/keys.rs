//! A key made for the test: its public half is in the site's key group, its private half signs URLs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_signed_access::sign::{Policy, PrivateKey, Signer};
use portcullis_signed_access::{Hash, KeyId};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

/// An ECDSA key of the group `members`.
pub struct Keys {
    private: PrivateKey,
    private_pem: String,
    id: KeyId,
}

impl Keys {
    /// A new key.
    pub fn generate() -> Self {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let private_pem = pem("PRIVATE KEY", pkcs8.as_ref());
        let private = PrivateKey::from_pem(&private_pem).unwrap();
        Self {
            id: KeyId::of_key(private.public_key()),
            private,
            private_pem,
        }
    }

    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", self.private.public_key().spki_der())
    }

    pub fn private_pem(&self) -> &str {
        &self.private_pem
    }

    /// The query that carries a canned signature for `path`, valid until `expires` in seconds since the epoch.
    pub fn query(&self, path: &str, expires: u64) -> String {
        let resource = format!("https://{}{path}", super::HOST);
        let policy = Policy::Canned {
            url: &resource,
            expires,
        };
        let signed = self
            .signer()
            .sign_url(&resource, &policy, &SystemRandom::new());
        signed.unwrap().split_once('?').unwrap().1.to_owned()
    }

    pub fn signer(&self) -> Signer<'_> {
        Signer {
            key: &self.private,
            key_id: &self.id,
            hash: Hash::Sha256,
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}
