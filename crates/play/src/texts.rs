//! The header values that the gateway reads, as text.

use portcullis_origin::request::Headers;

/// The header values that a request needs as text, repeats joined with a comma as a function URL joins them.
#[derive(Debug, Default)]
pub struct Texts(Vec<(&'static str, String)>);

/// The headers the gateway reads, by name; the secret header's name is the site's.
const READ: [&str; 22] = [
    "cloudfront-viewer-address",
    "cloudfront-viewer-country",
    "range",
    "if-range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "accept-encoding",
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    "accept",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "host",
    "x-portcullis-host",
    "x-portcullis-preview",
    "x-portcullis-sticky",
    "cdn-loop",
    "via",
    "x-amz-cf-id",
];

impl Texts {
    /// The values of the headers the gateway reads, from a look-up by lower-case name. `secret` is the name of the secret
    /// header.
    pub fn of(value: impl Fn(&str) -> Option<String>, secret: &str) -> Self {
        let mut texts: Vec<(&'static str, String)> = READ
            .iter()
            .filter_map(|name| Some((*name, value(name)?)))
            .collect();
        texts.extend(value(secret).map(|value| (SECRET, value)));
        Self(texts)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The gateway's view of them.
    pub fn headers(&self) -> Headers<'_> {
        Headers {
            secret: self.get(SECRET),
            viewer_address: self.get("cloudfront-viewer-address"),
            viewer_country: self.get("cloudfront-viewer-country"),
            range: self.get("range"),
            if_range: self.get("if-range"),
            if_match: self.get("if-match"),
            if_none_match: self.get("if-none-match"),
            if_modified_since: self.get("if-modified-since"),
            if_unmodified_since: self.get("if-unmodified-since"),
            accept_encoding: self.get("accept-encoding"),
            origin: self.get("origin"),
            request_method: self.get("access-control-request-method"),
            request_headers: self.get("access-control-request-headers"),
            accept: self.get("accept"),
            fetch_dest: self.get("sec-fetch-dest"),
            fetch_mode: self.get("sec-fetch-mode"),
            host: self.get("x-portcullis-host").or_else(|| self.get("host")),
            preview: self.get("x-portcullis-preview"),
            sticky: self.get("x-portcullis-sticky"),
            cdn_loop: self.get("cdn-loop"),
            via: self.get("via"),
            cloudfront_id: self.get("x-amz-cf-id"),
        }
    }
}

/// Stands for the secret header, whose name is the site's.
const SECRET: &str = "(secret)";
