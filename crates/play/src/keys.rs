//! Throw-away keys: each key group of a local site trusts one more, so that signed links can be tried without a secret.

use portcullis_signed_access::sign::{Policy, PrivateKey, Signer};
use portcullis_signed_access::{Algorithm, Hash, KEYS_MAX, KeyId};
use portcullis_site::{Name, PublicKey, Site};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use std::collections::BTreeMap;

/// There is no randomness to make a key from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key for signed links cannot be made: there is no randomness")]
pub struct NoKey;

/// A key pair made at start, by key group. Private keys do not print.
pub struct Keys(BTreeMap<Name, (PrivateKey, KeyId)>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Keys {
    /// Makes a key for each key group of `site` and adds it there. A group that is full keeps its own keys only.
    ///
    /// # Errors
    /// [`NoKey`]
    pub fn add_to(site: &mut Site) -> Result<Self, NoKey> {
        let mut keys = BTreeMap::new();
        for (name, group) in &mut site.key_groups {
            if group.public_keys.len() >= KEYS_MAX {
                continue;
            }
            let private = generate()?;
            let id = KeyId::of_key(private.public_key());
            let pem = pem("PUBLIC KEY", private.public_key().spki_der());
            group.public_keys.push(PublicKey {
                id: id.clone(),
                file: "made at the start, thrown away at the end".to_owned(),
                pem,
            });
            if !group.algorithms.contains(&Algorithm::EcdsaSha256) {
                group.algorithms.push(Algorithm::EcdsaSha256);
            }
            keys.insert(name.clone(), (private, id));
        }
        Ok(Self(keys))
    }

    /// `url` signed by the group's key until `expires`.
    #[must_use]
    pub fn sign(&self, group: &Name, url: &str, expires: u64) -> Option<String> {
        let (key, key_id) = self.0.get(group)?;
        let signer = Signer {
            key,
            key_id,
            hash: Hash::Sha256,
        };
        signer
            .sign_url(url, &Policy::Canned { url, expires }, &SystemRandom::new())
            .ok()
    }
}

fn generate() -> Result<PrivateKey, NoKey> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .map_err(|_| NoKey)?;
    PrivateKey::from_pem(&pem("PRIVATE KEY", pkcs8.as_ref())).map_err(|_| NoKey)
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}
