//! What is encrypted for whom.

use crate::Status;
use percent_encoding::percent_decode_str;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use std::fmt;
use std::sync::Arc;

/// The most fields a profile names (CloudFront quota).
pub const PATTERNS_MAX: usize = 10;
/// The most profiles that a query selects from (CloudFront quota).
pub const QUERY_PROFILES_MAX: usize = 5;
/// The most letters of a pattern, a provider's name or the name of a key.
pub const NAME_MAX: usize = 128;
/// The only bits of a modulus that CloudFront takes for field-level encryption.
pub const KEY_BITS: u64 = 2048;
/// The content type of the bodies that are encrypted.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// The query parameter that names a profile.
pub const QUERY_PARAMETER: &str = "fle-profile";

/// Why a configuration does not stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The name of a field is none.
    #[error(
        "`{0}` is no name of a field: 1 to {NAME_MAX} of `A-Z a-z 0-9 [ ] . _ -`, with one `*` at the end"
    )]
    Pattern(String),
    /// Two patterns match the same field.
    #[error("`{0}` and `{1}` match the same field")]
    Overlap(String, String),
    /// A list is longer than CloudFront allows, or empty where it may not be.
    #[error("{what}: {found} where 1 to {max} are allowed")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// The most.
        max: usize,
    },
    /// A name is too long for a message, or empty.
    #[error("the name of a {0} has 1 to {NAME_MAX} letters")]
    Name(&'static str),
    /// The key is not an RSA key of 2048 bits in PEM.
    #[error("the public key is no RSA key of {KEY_BITS} bits in PEM: {0}")]
    Key(String),
}

/// The name of a field, or its beginning. Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPattern {
    name: String,
    is_prefix: bool,
}

impl FieldPattern {
    /// Reads `name` or `beginning*`; a beginning may be all of a field's name.
    ///
    /// # Errors
    /// [`ConfigError::Pattern`].
    pub fn parse(written: &str) -> Result<Self, ConfigError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "[]._-".contains(c);
        let (name, is_prefix) = match written.strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (written, false),
        };
        if written.is_empty() || written.len() > NAME_MAX || !name.chars().all(allowed) {
            return Err(ConfigError::Pattern(written.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            is_prefix,
        })
    }

    /// Whether it names this field.
    #[must_use]
    pub fn matches(&self, field: &[u8]) -> bool {
        match self.is_prefix {
            true => field.starts_with(self.name.as_bytes()),
            false => field == self.name.as_bytes(),
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let covers = |one: &Self, two: &Self| one.is_prefix && two.name.starts_with(&one.name);
        self.name == other.name || covers(self, other) || covers(other, self)
    }
}

impl fmt::Display for FieldPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        f.write_str(if self.is_prefix { "*" } else { "" })
    }
}

/// Who can open the fields.
#[derive(Clone)]
pub struct Recipient {
    pub(crate) provider: String,
    pub(crate) key_name: String,
    pub(crate) key: rsa::PublicKey,
}

impl Recipient {
    /// A provider's name, the name of its public key as CloudFront has it, and the key in PEM (PKCS #8 or PKCS #1).
    ///
    /// # Errors
    /// A name is empty or too long; the key is not RSA with 2048 bits.
    pub fn new(provider: &str, key_name: &str, pem: &str) -> Result<Self, ConfigError> {
        for (what, name) in [("provider", provider), ("public key", key_name)] {
            if name.is_empty() || name.len() > NAME_MAX {
                return Err(ConfigError::Name(what));
            }
        }
        let key = rsa::PublicKey::from_public_key_pem(pem)
            .or_else(|_| rsa::PublicKey::from_pkcs1_pem(pem))
            .map_err(|error| ConfigError::Key(error.to_string()))?;
        let bits = u64::from(key.n().bit_width());
        if bits != KEY_BITS {
            return Err(ConfigError::Key(format!("it has {bits}")));
        }
        Ok(Self {
            provider: provider.to_owned(),
            key_name: key_name.to_owned(),
            key,
        })
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.key_name)
    }
}

/// Which fields are encrypted, each for one recipient.
#[derive(Clone, Debug)]
pub struct Profile(Vec<(FieldPattern, Arc<Recipient>)>);

impl Profile {
    /// A profile of at most [`PATTERNS_MAX`] patterns, no two of which match the same field.
    ///
    /// # Errors
    /// [`ConfigError::Count`] and [`ConfigError::Overlap`].
    pub fn new(fields: Vec<(FieldPattern, Arc<Recipient>)>) -> Result<Self, ConfigError> {
        count("patterns of fields", fields.len(), 1, PATTERNS_MAX)?;
        for (at, (one, _)) in fields.iter().enumerate() {
            let later = fields.iter().skip(at + 1).map(|(other, _)| other);
            if let Some(other) = later.into_iter().find(|other| one.overlaps(other)) {
                return Err(ConfigError::Overlap(one.to_string(), other.to_string()));
            }
        }
        Ok(Self(fields))
    }

    /// Who a field is encrypted for, if it is.
    #[must_use]
    pub fn recipient(&self, field: &[u8]) -> Option<&Recipient> {
        let found = self.0.iter().find(|(pattern, _)| pattern.matches(field));
        found.map(|(_, recipient)| &**recipient)
    }
}

fn count(what: &'static str, found: usize, min: usize, max: usize) -> Result<(), ConfigError> {
    match (min..=max).contains(&found) {
        true => Ok(()),
        false => Err(ConfigError::Count { what, found, max }),
    }
}

/// A configuration of field-level encryption. A profile that is `None` was left out on purpose.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What forms fall under, where they are configured at all.
    pub forms: Option<Option<Arc<Profile>>>,
    /// Whether bodies of other content types go on as they are; else they are refused.
    pub forward_other_content_types: bool,
    /// What a query may choose instead, by name, at most [`QUERY_PROFILES_MAX`].
    pub by_query: Vec<(String, Option<Arc<Profile>>)>,
    /// Whether bodies go on as they are where the query names no known profile; else they are refused.
    pub forward_unknown_queries: bool,
}

/// What becomes of a request's body.
#[derive(Clone, Debug)]
pub enum Selection<'a> {
    /// Nothing: the method has no body that is looked at.
    Untouched,
    /// It goes on as it is.
    Forward(Status),
    /// The request is refused.
    Refuse(Status),
    /// Its fields are encrypted.
    Encrypt(&'a Profile),
}

impl Configuration {
    /// Checks the number of profiles.
    ///
    /// # Errors
    /// [`ConfigError::Count`].
    pub fn checked(self) -> Result<Self, ConfigError> {
        let what = "profiles that a query selects";
        count(what, self.by_query.len(), 0, QUERY_PROFILES_MAX)?;
        Ok(self)
    }

    /// What becomes of the body of a request: by its content type first, then by its query, which may choose another profile.
    #[must_use]
    pub fn select(
        &self,
        method: &str,
        content_type: Option<&[u8]>,
        query: Option<&str>,
    ) -> Selection<'_> {
        if !matches!(method, "POST" | "PUT") {
            return Selection::Untouched;
        }
        let by_content = match media_type(content_type) {
            None => return Selection::Refuse(Status::MalformedContentTypeClientError),
            Some(FORM) => self.forms.as_ref(),
            Some(_) => None,
        };
        let Some(by_content) = by_content else {
            return match self.forward_other_content_types {
                true => Selection::Forward(Status::ForwardedByContentType),
                false => Selection::Refuse(Status::RejectedByContentType),
            };
        };
        let chosen = match named(query.unwrap_or_default()) {
            Err(status) => return Selection::Refuse(status),
            Ok(None) => by_content,
            Ok(Some(name)) => match self.by_query.iter().find(|(known, _)| *known == name) {
                Some((_, profile)) => profile,
                None if self.forward_unknown_queries => {
                    return Selection::Forward(Status::ForwardedByQueryArgs);
                }
                None => return Selection::Refuse(Status::RejectedByQueryArgs),
            },
        };
        match chosen {
            Some(profile) => Selection::Encrypt(profile),
            None => Selection::Forward(Status::ForwardedDueToNoProfile),
        }
    }
}

/// The form's media type if it is that, else another word; `None` if it is no media type. A request that does not say has
/// none of the configured types.
fn media_type(content_type: Option<&[u8]>) -> Option<&'static str> {
    let Some(written) = content_type else {
        return Some("");
    };
    let essence = std::str::from_utf8(written).ok()?.split(';').next()?.trim();
    let token = |part: &str| {
        let of_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        !part.is_empty() && part.chars().all(of_token)
    };
    let (kind, subtype) = essence.split_once('/')?;
    (token(kind) && token(subtype)).then(|| match essence.eq_ignore_ascii_case(FORM) {
        true => FORM,
        false => "",
    })
}

/// The profile that a query names.
fn named(query: &str) -> Result<Option<String>, Status> {
    let values = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name == QUERY_PARAMETER).then_some(value)
    });
    let mut found = None;
    for value in values {
        let decoded = percent_decode_str(value).decode_utf8();
        let name = decoded.map_err(|_| Status::MalformedQueryArgsClientError)?;
        if found.replace(name.into_owned()).is_some() {
            return Err(Status::MalformedQueryArgsClientError);
        }
    }
    Ok(found)
}
