//! The signer of hand-off URLs: one private key that the start has found to be what every hand-off behavior trusts.

use portcullis_origin::serve::{SignerError, UrlSigner};
use portcullis_signed_access::sign::{Policy, PrivateKey, Signer};
use portcullis_signed_access::{Algorithm, Hash, KeyId, PublicKey};
use portcullis_site::{LargeObjects, Name, Site};
use ring::rand::SystemRandom;

/// Signs hand-off URLs, or is there for a site that hands nothing off.
pub struct HandOffSigner(Option<SigningKey>);

struct SigningKey {
    key: PrivateKey,
    id: KeyId,
    hash: Hash,
    random: SystemRandom,
}

/// Why a key cannot sign what a site hands off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandOffError {
    /// There is none, and a behavior needs one.
    #[error("the behavior `{0}` hands objects off, and PORTCULLIS_HANDOFF_KEY is not set")]
    NoKey(String),
    /// It is no private key.
    #[error("the hand-off key cannot be read: {0}")]
    NotAKey(String),
    /// Nobody trusts it.
    #[error("the hand-off key `{id}` is not the key of that id in the key group `{group}`")]
    NotTrusted {
        /// The id it was given.
        id: String,
        /// The key group of a behavior that hands off.
        group: String,
    },
}

impl HandOffSigner {
    /// The signer for `site`: `key` is the private key, PEM, and CloudFront's id of its public key.
    ///
    /// # Errors
    /// [`HandOffError`], if a behavior hands off and the key is missing or not trusted by its key group.
    pub fn new(site: &Site, key: Option<(&str, &str)>) -> Result<Self, HandOffError> {
        let Some((pem, id)) = key else {
            return match hand_offs(site).next() {
                Some((behavior, _)) => Err(HandOffError::NoKey(behavior)),
                None => Ok(Self(None)),
            };
        };
        let key = PrivateKey::from_pem(pem).map_err(|e| HandOffError::NotAKey(e.to_string()))?;
        let kind = key.public_key().kind();
        let mut hash = Hash::Sha256;
        for (_, group) in hand_offs(site) {
            let not_trusted = || HandOffError::NotTrusted {
                id: id.to_owned(),
                group: group.to_string(),
            };
            let trusted = site.key_groups.get(group).ok_or_else(not_trusted)?;
            let same = |known: &portcullis_site::PublicKey| {
                let public = PublicKey::from_pem(&known.pem);
                known.id.as_str() == id
                    && public.is_ok_and(|public| public.spki_der() == key.public_key().spki_der())
            };
            if !trusted.public_keys.iter().any(same) {
                return Err(not_trusted());
            }
            if !trusted
                .algorithms
                .contains(&Algorithm::of(kind, Hash::Sha256))
            {
                hash = Hash::Sha1;
            }
        }
        let id = id
            .parse()
            .map_err(|_| HandOffError::NotAKey(format!("`{id}` is no key id")))?;
        Ok(Self(Some(SigningKey {
            key,
            id,
            hash,
            random: SystemRandom::new(),
        })))
    }
}

impl std::fmt::Debug for HandOffSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HandOffSigner")
            .field(&self.0.as_ref().map(|key| &key.id))
            .finish()
    }
}

/// The behaviors that hand off, by path, and the key group each names.
fn hand_offs(site: &Site) -> impl Iterator<Item = (String, &Name)> {
    site.behaviors
        .iter()
        .filter_map(|behavior| match &behavior.large_objects {
            LargeObjects::HandOff { key_group, .. } => {
                Some((behavior.path.as_str().to_owned(), key_group))
            }
            LargeObjects::Refuse | LargeObjects::Stream => None,
        })
}

impl UrlSigner for HandOffSigner {
    fn sign(&self, _: &Name, url: &str, expires: u64) -> Result<String, SignerError> {
        let SigningKey {
            key,
            id,
            hash,
            random,
        } = self.0.as_ref().ok_or(SignerError)?;
        let signer = Signer {
            key,
            key_id: id,
            hash: *hash,
        };
        let policy = Policy::Canned { url, expires };
        signer
            .sign_url(url, &policy, random)
            .map_err(|_| SignerError)
    }
}
