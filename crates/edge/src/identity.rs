//! How an edge names itself and a request: `Via`, `X-Amz-Cf-Pop`, `X-Amz-Cf-Id`.
//!
//! Forms as CloudFront's; the randomness is the caller's. The location is one that does not exist, so that nobody takes
//! an answer of this model for one of CloudFront.

use crate::gate::HttpVersion;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

/// The location this model claims: the form of a CloudFront location, and no airport.
pub const POP: &str = "LOCAL1-C1";

/// The name of an edge host: 32 hexadecimal digits in front of `.cloudfront.net`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeHost(String);

impl EdgeHost {
    /// The host of these 16 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// What the edge adds to `Via`. It tells the viewer's HTTP version, in both directions.
    #[must_use]
    pub fn via(&self, version: HttpVersion) -> String {
        format!(
            "{} {}.cloudfront.net (CloudFront)",
            version.number(),
            self.0
        )
    }
}

/// The id of a request, as in `X-Amz-Cf-Id` and in the logs: 56 characters, the last two `==`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(String);

/// How many random bytes a request id is made of.
pub const REQUEST_ID_RANDOM_BYTES: usize = 40;

impl RequestId {
    /// The id of these random bytes.
    #[must_use]
    pub fn new(random: [u8; REQUEST_ID_RANDOM_BYTES]) -> Self {
        Self(URL_SAFE.encode(random))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{EdgeHost, RequestId};
    use crate::gate::HttpVersion;

    #[test]
    fn the_forms_of_cloudfront() {
        let id = RequestId::new([0xfb; 40]);
        assert_eq!(id.as_str().len(), 56);
        assert!(id.as_str().ends_with("=="));
        assert!(
            id.as_str()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b))
        );
        let host = EdgeHost::new([1; 16]);
        let via = "2.0 01010101010101010101010101010101.cloudfront.net (CloudFront)";
        assert_eq!(host.via(HttpVersion::Http2), via);
    }
}
