//! What CloudFront decides before it looks at its cache: size limits, geo restriction, viewer protocol policy, methods.
//!
//! [`pass`] asks them in CloudFront's order; each is also there by itself. None of them reads the cache, so they hold
//! for hits and misses alike. Deliberately absent: TLS, the choice of the distribution, AWS WAF, signed access.

use crate::answer::Cause;
use crate::switches::{GateOrder, Switches};
use portcullis_http_semantics::FieldValue;
use portcullis_viewer::country::{Country, CountrySet};

/// The longest request target, in bytes (DG:requestandresponsebehaviorcustomorigin).
pub const TARGET_BYTES_MAX: usize = 8192;

/// The most header bytes of a request, names and values together (DG:requestandresponsebehaviorcustomorigin).
pub const HEADER_BYTES_MAX: usize = 32_768;

/// The scheme a viewer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    /// The name, as `CloudFront-Forwarded-Proto` carries it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The HTTP version a viewer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
}

impl HttpVersion {
    /// The number, as `Via` and `CloudFront-Viewer-Http-Version` carry it.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2.0",
            Self::Http3 => "3.0",
        }
    }
}

/// Which methods a behavior passes on; CloudFront offers these three sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedMethods {
    /// GET and HEAD.
    GetHead,
    /// GET, HEAD and OPTIONS.
    GetHeadOptions,
    /// GET, HEAD, OPTIONS, PUT, POST, PATCH and DELETE.
    All,
}

impl AllowedMethods {
    /// Whether the method is passed on. TRACE, CONNECT and unknown methods never are; names are case-sensitive.
    #[must_use]
    pub fn allow(self, method: &str) -> bool {
        match method {
            "GET" | "HEAD" => true,
            "OPTIONS" => self != Self::GetHead,
            "PUT" | "POST" | "PATCH" | "DELETE" => self == Self::All,
            _ => false,
        }
    }
}

/// What a behavior does with viewers that come over http.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewerProtocolPolicy {
    /// Serves them.
    AllowAll,
    /// Sends them to https.
    RedirectToHttps,
    /// Refuses them.
    HttpsOnly,
}

/// What the viewer protocol policy says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolVerdict {
    /// Go on.
    Pass,
    /// Redirect with this status.
    Redirect(RedirectStatus),
    /// Answer 403.
    Refuse,
}

/// The status of the redirect to https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectStatus {
    /// 301, for GET and HEAD.
    MovedPermanently,
    /// 307, for methods that must be repeated as they are.
    TemporaryRedirect,
}

impl RedirectStatus {
    /// The status code.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::MovedPermanently => 301,
            Self::TemporaryRedirect => 307,
        }
    }
}

impl ViewerProtocolPolicy {
    /// Applies the policy (DG:using-https-viewers-to-cloudfront).
    #[must_use]
    pub fn judge(self, scheme: Scheme, method: &str, version: HttpVersion) -> ProtocolVerdict {
        let retrieves = matches!(method, "GET" | "HEAD");
        match (self, scheme) {
            (_, Scheme::Https) | (Self::AllowAll, Scheme::Http) => ProtocolVerdict::Pass,
            (Self::HttpsOnly, Scheme::Http) => ProtocolVerdict::Refuse,
            (Self::RedirectToHttps, Scheme::Http) if retrieves => {
                ProtocolVerdict::Redirect(RedirectStatus::MovedPermanently)
            }
            // 307 is not known to HTTP/1.0.
            (Self::RedirectToHttps, Scheme::Http) if version == HttpVersion::Http10 => {
                ProtocolVerdict::Refuse
            }
            (Self::RedirectToHttps, Scheme::Http) => {
                ProtocolVerdict::Redirect(RedirectStatus::TemporaryRedirect)
            }
        }
    }
}

/// The geo restriction of a distribution (DG:georestrictions).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GeoRestriction {
    /// No restriction.
    #[default]
    Off,
    /// `whitelist`: only these countries.
    Allow(CountrySet),
    /// `blacklist`: not these countries.
    Deny(CountrySet),
}

impl GeoRestriction {
    /// Whether a viewer there is served. A viewer whose country is not known is served, even with an allow list.
    #[must_use]
    pub fn admits(&self, country: Option<Country>) -> bool {
        match (self, country) {
            (Self::Off, _) | (_, None) => true,
            (Self::Allow(listed), Some(country)) => listed.contains(country),
            (Self::Deny(listed), Some(country)) => !listed.contains(country),
        }
    }
}

/// The settings that [`pass`] applies.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// Of the distribution.
    pub geo: &'a GeoRestriction,
    /// Of the behavior.
    pub viewer_protocol: ViewerProtocolPolicy,
    /// Of the behavior.
    pub allowed_methods: AllowedMethods,
}

/// What arrived from the viewer.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The `Host`, with its port if it names one.
    pub host: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// The scheme.
    pub scheme: Scheme,
    /// The HTTP version.
    pub version: HttpVersion,
    /// Where the TCP peer is, if that is known.
    pub country: Option<Country>,
    /// Whether the request has a body.
    pub has_body: bool,
    /// The sum of all field names and values, in bytes.
    pub header_bytes: usize,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Go on to the cache and the origin.
    Pass,
    /// Send the viewer to the same address over https.
    Redirect {
        /// The status.
        status: RedirectStatus,
        /// The value of `Location`.
        location: String,
    },
    /// Answer with a generated error.
    Refuse(Cause),
}

/// Applies the whole gate to one request.
#[must_use]
pub fn pass(gate: &Gate<'_>, arrival: &Arrival<'_>, switches: &Switches) -> Passage {
    if arrival.target.len() > TARGET_BYTES_MAX {
        return Passage::Refuse(Cause::TargetTooLong);
    }
    if arrival.header_bytes > HEADER_BYTES_MAX {
        return Passage::Refuse(Cause::HeadersTooLarge);
    }
    if !gate.geo.admits(arrival.country) {
        return Passage::Refuse(Cause::CountryBlocked);
    }
    match switches.gate_order {
        GateOrder::ProtocolFirst => protocol(gate, arrival).or_else(|| method(gate, arrival)),
        GateOrder::MethodFirst => method(gate, arrival).or_else(|| protocol(gate, arrival)),
    }
    .unwrap_or(Passage::Pass)
}

fn protocol(gate: &Gate<'_>, arrival: &Arrival<'_>) -> Option<Passage> {
    match gate
        .viewer_protocol
        .judge(arrival.scheme, arrival.method, arrival.version)
    {
        ProtocolVerdict::Pass => None,
        ProtocolVerdict::Refuse => Some(Passage::Refuse(Cause::HttpsRequired)),
        ProtocolVerdict::Redirect(status) => Some(redirect(status, arrival)),
    }
}

fn redirect(status: RedirectStatus, arrival: &Arrival<'_>) -> Passage {
    let location = format!("https://{}{}", arrival.host, arrival.target);
    if FieldValue::new(location.as_bytes()).is_err() {
        return Passage::Refuse(Cause::BadRequest);
    }
    Passage::Redirect { status, location }
}

fn method(gate: &Gate<'_>, arrival: &Arrival<'_>) -> Option<Passage> {
    if !gate.allowed_methods.allow(arrival.method) {
        Some(Passage::Refuse(Cause::MethodNotAllowed))
    } else if arrival.method == "GET" && arrival.has_body {
        Some(Passage::Refuse(Cause::GetWithBody))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{
        AllowedMethods, Arrival, Gate, GeoRestriction, HEADER_BYTES_MAX, HttpVersion, Passage,
        RedirectStatus, Scheme, TARGET_BYTES_MAX, ViewerProtocolPolicy, pass,
    };
    use crate::answer::Cause;
    use crate::switches::{GateOrder, Switches};
    use portcullis_viewer::country::CountrySet;

    const STRICT: Gate<'static> = Gate {
        geo: &GeoRestriction::Off,
        viewer_protocol: ViewerProtocolPolicy::RedirectToHttps,
        allowed_methods: AllowedMethods::GetHead,
    };

    const SECURE_GET: Arrival<'static> = Arrival {
        method: "GET",
        host: "example.org",
        target: "/a//b?c=%20",
        scheme: Scheme::Https,
        version: HttpVersion::Http11,
        country: None,
        has_body: false,
        header_bytes: 200,
    };

    #[track_caller]
    fn check(arrival: &Arrival<'_>, expected: &Passage) {
        assert_eq!(&pass(&STRICT, arrival, &Switches::default()), expected);
    }

    #[test]
    fn an_ordinary_request_passes() {
        check(&SECURE_GET, &Passage::Pass);
    }

    #[test]
    fn a_redirect_keeps_host_path_and_query_as_they_came() {
        let location = "https://example.org/a//b?c=%20".to_owned();
        let status = RedirectStatus::MovedPermanently;
        check(
            &Arrival {
                scheme: Scheme::Http,
                ..SECURE_GET
            },
            &Passage::Redirect { status, location },
        );
    }

    #[test]
    fn a_host_that_would_split_the_response_is_a_bad_request() {
        let hostile = Arrival {
            scheme: Scheme::Http,
            host: "a\r\nSet-Cookie: b",
            ..SECURE_GET
        };
        check(&hostile, &Passage::Refuse(Cause::BadRequest));
    }

    #[test]
    fn limits_come_first_and_are_inclusive() {
        let target = "/".repeat(TARGET_BYTES_MAX);
        check(
            &Arrival {
                target: &target,
                ..SECURE_GET
            },
            &Passage::Pass,
        );
        let target = "/".repeat(TARGET_BYTES_MAX + 1);
        check(
            &Arrival {
                target: &target,
                ..SECURE_GET
            },
            &Passage::Refuse(Cause::TargetTooLong),
        );
        check(
            &Arrival {
                header_bytes: HEADER_BYTES_MAX,
                ..SECURE_GET
            },
            &Passage::Pass,
        );
        let large = Arrival {
            header_bytes: HEADER_BYTES_MAX + 1,
            ..SECURE_GET
        };
        check(&large, &Passage::Refuse(Cause::HeadersTooLarge));
    }

    #[test]
    fn a_get_has_no_body() {
        check(
            &Arrival {
                has_body: true,
                ..SECURE_GET
            },
            &Passage::Refuse(Cause::GetWithBody),
        );
    }

    #[test]
    fn the_country_is_asked_before_the_protocol() {
        let mut denied = CountrySet::default();
        denied.insert("KP".parse().unwrap());
        let geo = GeoRestriction::Deny(denied);
        let gate = Gate {
            geo: &geo,
            ..STRICT
        };
        let arrival = Arrival {
            scheme: Scheme::Http,
            country: "KP".parse().ok(),
            ..SECURE_GET
        };
        assert_eq!(
            pass(&gate, &arrival, &Switches::default()),
            Passage::Refuse(Cause::CountryBlocked)
        );
    }

    #[test]
    fn the_switch_decides_between_redirect_and_refusal() {
        let post = Arrival {
            method: "POST",
            scheme: Scheme::Http,
            ..SECURE_GET
        };
        let redirected = Passage::Redirect {
            status: RedirectStatus::TemporaryRedirect,
            location: "https://example.org/a//b?c=%20".to_owned(),
        };
        check(&post, &redirected);
        let switches = Switches {
            gate_order: GateOrder::MethodFirst,
            ..Switches::default()
        };
        assert_eq!(
            pass(&STRICT, &post, &switches),
            Passage::Refuse(Cause::MethodNotAllowed)
        );
    }
}
