//! Who a viewer on this machine pretends to be: everybody comes from the loopback address here.
//!
//! Always holds: the headers that say so are known here only, and go no further.

use portcullis_edge::headers::Headers;
use std::net::IpAddr;

/// The header by which one request chooses its viewer.
const VIEWER: &str = "x-portcullis-viewer";
/// The header by which one request chooses the country CloudFront sees.
const COUNTRY: &str = "x-portcullis-country";
/// The header by which one request chooses its point of presence.
const POP: &str = "x-portcullis-pop";

/// What one request asked to be.
#[derive(Debug, Default)]
pub(crate) struct Pretended {
    /// The viewer's address.
    pub(crate) viewer: Option<IpAddr>,
    /// A country code, as it was written.
    pub(crate) country: Option<String>,
    /// The name of a point of presence.
    pub(crate) pop: Option<String>,
}

impl Pretended {
    /// Takes it out of the headers of a request.
    pub(crate) fn take(headers: &mut Headers) -> Self {
        let mut text = |name: &str| {
            let value = headers.get(name)?;
            let value = std::str::from_utf8(value).ok()?.to_owned();
            headers.remove(name);
            Some(value)
        };
        let pretended = Self {
            viewer: text(VIEWER).and_then(|address| address.parse().ok()),
            country: text(COUNTRY),
            pop: text(POP),
        };
        // Values that are no text stay behind.
        for name in [VIEWER, COUNTRY, POP] {
            headers.remove(name);
        }
        pretended
    }
}
