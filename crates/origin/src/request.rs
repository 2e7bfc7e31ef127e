//! A request as it reaches the gateway, whatever front delivered it: borrowed, unparsed, nothing repaired.
//!
//! Fronts (a function URL, a load balancer, a plain server) fill it; everything after [`crate::handle::Gateway::handle`] works on
//! what is parsed from it. Header names are lower case and repeats are joined with a comma, as a function URL does it.

/// Requests that can be served. Anything else is refused before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
}

impl Method {
    /// The method of that exact name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "GET" => Some(Self::Get),
            "HEAD" => Some(Self::Head),
            "OPTIONS" => Some(Self::Options),
            _ => None,
        }
    }

    /// The method's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        }
    }
}

/// Who delivered the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front<'a> {
    /// A function URL or anything with the same event: the event's domain name.
    Domain(&'a str),
    /// A load balancer: the ARN of its target group.
    TargetGroup(&'a str),
    /// Our own server, which has no front to confuse.
    Server,
}

/// The principal that signed the request for origin access control, as Lambda verified it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal<'a> {
    /// Its ARN, if Lambda names one.
    pub arn: Option<&'a str>,
}

/// The headers the gateway reads. `None` is absent; a value is as it came, repeats joined with a comma.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a> {
    /// The secret header, under the name the site configures.
    pub secret: Option<&'a str>,
    /// `CloudFront-Viewer-Address`.
    pub viewer_address: Option<&'a str>,
    /// `CloudFront-Viewer-Country`.
    pub viewer_country: Option<&'a str>,
    /// `Range`.
    pub range: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a str>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<&'a str>,
    /// `Accept-Encoding`.
    pub accept_encoding: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Access-Control-Request-Method`.
    pub request_method: Option<&'a str>,
    /// `Access-Control-Request-Headers`.
    pub request_headers: Option<&'a str>,
    /// `Accept`.
    pub accept: Option<&'a str>,
    /// `Sec-Fetch-Dest`.
    pub fetch_dest: Option<&'a str>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Option<&'a str>,
    /// The viewer's host: `X-Portcullis-Host`, which the site's edge function writes, or `Host` where nothing stands between.
    pub host: Option<&'a str>,
    /// `X-Portcullis-Preview`: the preview that is asked for.
    pub preview: Option<&'a str>,
    /// `X-Portcullis-Sticky`: what stays the same of the viewer, for a release on trial.
    pub sticky: Option<&'a str>,
    /// `CDN-Loop`.
    pub cdn_loop: Option<&'a str>,
    /// `Via`.
    pub via: Option<&'a str>,
    /// `X-Amz-Cf-Id`: CloudFront's id of the request, for the decision line.
    pub cloudfront_id: Option<&'a str>,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who delivered it.
    pub front: Front<'a>,
    /// Who signed it, if access control is on at the front.
    pub principal: Option<Principal<'a>>,
    /// The TCP peer's address as the front names it.
    pub peer: Option<&'a str>,
    /// The method as it came.
    pub method: &'a str,
    /// The path as it came, percent-encoded.
    pub raw_path: &'a str,
    /// The query as it came, without `?`.
    pub raw_query: &'a str,
    /// The headers the gateway reads.
    pub headers: Headers<'a>,
    /// Cookie pairs as they came: each item one `Cookie` header or one pair.
    pub cookies: &'a [&'a str],
    /// Our own id of the request, opaque to the viewer.
    pub id: &'a str,
}
