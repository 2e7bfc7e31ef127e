//! CloudFront signed URLs and signed cookies: who signed what, for how long, and from where it may be used.
//!
//! [`authenticate()`] answers "is this request signed by a key of this group, for this URL?" and nothing else. Its
//! [`Grant`] carries the conditions that depend on the moment, time and viewer address, and [`Grant::admits`] checks
//! them at the decision: a signature may be remembered ([`VerifiedCache`]), a condition never.
//!
//! What always holds:
//! - A policy is read only as far as its shape before its signature is verified; its `Resource` is matched afterwards.
//! - The URL that is matched is built from the configured host, never from a header of the request.
//! - Under [`Profile::Gateway`] the algorithm is the key group's, not the request's: `Hash-Algorithm` and
//!   `Key-Pair-Id` are not covered by a CloudFront signature.
//! - Every input has a stated limit, and no input panics.
//!
//! Deliberately absent: a clock, I/O, percent-decoding of any value (CloudFront's alphabets need none), AWS accounts
//! as trusted signers (legacy), and, without the feature `sign`, everything that touches a private key.

mod algorithm;
mod authenticate;
mod cache;
mod der;
mod encoding;
mod grant;
mod group;
mod json;
mod key;
mod pem;
mod policy;
mod refusal;
mod request;
mod resource;
#[cfg(feature = "sign")]
pub mod sign;

pub use algorithm::{Algorithm, Hash, KeyKind, UnknownAlgorithm};
pub use authenticate::{Profile, authenticate, authenticate_cached};
pub use cache::VerifiedCache;
pub use grant::{Grant, GrantKind};
pub use group::{KEYS_MAX, KeyGroup, KeyGroupError};
pub use key::{KEY_ID_MAX_CHARS, KeyError, KeyId, PublicKey};
pub use policy::{EPOCH_MAX_SECONDS, POLICY_MAX_BYTES};
pub use refusal::{CloudFrontError, PolicyFault, SignatureRefusal};
pub use request::{
    COOKIES_MAX_BYTES, QUERY_MAX_BYTES, Scheme, SignedRequest, URL_MAX_BYTES, strip_reserved,
};
pub use resource::resource_matches;
