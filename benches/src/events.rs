//! The event of a function URL as CloudFront makes it: 2.7 kB, 36 headers, a quoted entity tag in one of them.

use crate::subject::SECRET;
use portcullis_runtime_api::{Iam, UrlRequest, function_url_event};

/// The name of the secret header.
pub const SECRET_NAME: &str = "x-origin-verify";

/// Headers that CloudFront, a browser and the function URL add; the URL itself adds the last seven of the 36.
const HEADERS: &[(&str, &str)] = &[
    (
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    ("accept-encoding", "br,gzip"),
    ("accept-language", "de-CH,de;q=0.9,en;q=0.7"),
    ("cache-control", "max-age=0"),
    ("cloudfront-forwarded-proto", "https"),
    ("cloudfront-is-android-viewer", "false"),
    ("cloudfront-is-desktop-viewer", "true"),
    ("cloudfront-is-ios-viewer", "false"),
    ("cloudfront-is-mobile-viewer", "false"),
    ("cloudfront-is-smarttv-viewer", "false"),
    ("cloudfront-is-tablet-viewer", "false"),
    ("cloudfront-viewer-asn", "3303"),
    ("cloudfront-viewer-country", "US"),
    ("cloudfront-viewer-http-version", "2.0"),
    (
        "cloudfront-viewer-tls",
        "TLSv1.3:TLS_AES_128_GCM_SHA256:connectionReused",
    ),
    ("if-none-match", "\"0c7a4ddf5d6b0e4f8f7a3a1e5b9d2c11\""),
    ("origin", "https://www.example.com"),
    ("priority", "u=0, i"),
    ("referer", "https://handbook.example.com/"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    (
        "user-agent",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
    ),
    (
        "via",
        "2.0 0c7a4ddf5d6b0e4f8f7a3a1e5b9d2c11.cloudfront.net (CloudFront)",
    ),
    (
        "x-amz-cf-id",
        "kP3Z0uR1F1wJcT5mS2bqQm4v0n8YxJ2dT7gW5hA9eLr3B6cN1oXsVg==",
    ),
    (
        "x-amz-content-sha256",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    ("x-amz-source-account", "123456789012"),
];

/// The request of the event.
#[must_use]
pub fn request(path: &str, viewer: &str) -> UrlRequest {
    let mut request = UrlRequest::get(path)
        .with_header(SECRET_NAME, SECRET)
        .with_header("cloudfront-viewer-address", viewer);
    for (name, value) in HEADERS {
        request = request.with_header(name, value);
    }
    request.source_ip = "130.176.88.9".to_owned();
    request.iam = Some(Iam {
        access_key: "ASIAEXAMPLE".to_owned(),
        account_id: "123456789012".to_owned(),
        caller_id: "AROAEXAMPLE:E2EXAMPLE".to_owned(),
        user_arn: "arn:aws:sts::123456789012:assumed-role/cloudfront/E2EXAMPLE".to_owned(),
        user_id: "AROAEXAMPLE:E2EXAMPLE".to_owned(),
    });
    request
}

/// The event itself.
#[must_use]
pub fn event(path: &str, viewer: &str) -> Vec<u8> {
    function_url_event(&request(path, viewer))
}

/// The event that is decoded in the measurements.
#[must_use]
pub fn standard() -> Vec<u8> {
    event("/section-9/reports/2026/annual.html", "8.8.8.8:40123")
}

#[cfg(test)]
mod tests {
    use super::standard;

    #[test]
    fn the_event_is_the_one_the_bar_speaks_of() {
        let event = standard();
        let value: serde_json::Value = serde_json::from_slice(&event).unwrap();
        assert_eq!(value["headers"].as_object().unwrap().len(), 36);
        assert!((2_600..2_800).contains(&event.len()), "{}", event.len());
    }
}
