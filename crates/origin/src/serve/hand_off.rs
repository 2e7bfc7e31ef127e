//! Hand-off: an object too large for the front is fetched by a short signed URL that CloudFront serves from the bucket.
//!
//! The URL is the host the site configures, the path of the direct behavior and the object's own path below it; that
//! behavior's function takes the prefix off again before CloudFront asks the bucket. No header of the request is in it
//! (attack A7.2), and it is never stored.

use super::Exchange;
use super::outcome::OriginFault;
use super::plain::redirect;
use crate::field::FieldValue;
use crate::object_path::ObjectPath;
use crate::response::Response;
use portcullis_site::{LargeObjects, Name};

/// Signs CloudFront URLs with a private key of a key group.
pub trait UrlSigner: Send + Sync {
    /// `url` with a signature by a key of `key_group` that is valid before `expires`, in seconds since the epoch.
    ///
    /// # Errors
    /// There is no such key, or it does not sign.
    fn sign(&self, key_group: &Name, url: &str, expires: u64) -> Result<String, SignerError>;
}

/// A URL could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL could not be signed")]
pub struct SignerError;

/// For sites that hand nothing off.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSigner;

impl UrlSigner for NoSigner {
    fn sign(&self, _: &Name, _: &str, _: u64) -> Result<String, SignerError> {
        Err(SignerError)
    }
}

/// The redirect to the object at `path`.
pub(super) fn redirect_to_bucket(
    exchange: &Exchange<'_>,
    path: Option<&ObjectPath<'_>>,
    signer: &impl UrlSigner,
) -> Result<Response, OriginFault> {
    let location = location(exchange, path, signer).ok_or(OriginFault::Unsigned)?;
    let mut response = redirect(307, location);
    response.set(
        "cache-control",
        const { FieldValue::literal("private, no-store") },
    );
    Ok(response)
}

fn location(
    exchange: &Exchange<'_>,
    path: Option<&ObjectPath<'_>>,
    signer: &impl UrlSigner,
) -> Option<FieldValue> {
    let target = &exchange.target;
    let LargeObjects::HandOff {
        path: prefix,
        key_group,
        expires,
    } = &target.behavior.large_objects
    else {
        return None;
    };
    let host = target
        .site
        .hosts
        .iter()
        .find(|host| !host.as_str().starts_with('*'))?;
    let below = path?.sent().strip_prefix('/')?;
    // The signer refuses `*`, since a custom policy with it would sign other URLs too.
    let url = format!("https://{host}{prefix}{below}").replace('*', "%2A");
    let signed = signer.sign(key_group, &url, exchange.now.saturating_add(expires.get()));
    FieldValue::new(signed.ok()?.as_bytes()).ok()
}
