//! The kinds of text in a manifest: for each the rule, what an error says and what an editor can check.
//!
//! The rules are the site's own constructors wherever it has one, so a text accepted here is accepted there.

use crate::codes;
use crate::shape::{Mistake, Text};
use portcullis_signed_access::KeyId;
use portcullis_site::{Bucket, Host, KeyPrefix, Name, OriginUrl, PathPattern};

pub(crate) mod duration;
use portcullis_viewer::country::Country;
use portcullis_viewer::network::parse_network;

/// The longest free text, in bytes.
const TEXT_BYTES_MAX: usize = 1_024;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $code:ident, $expected:literal, $pattern:literal, $words:expr, $check:expr;)*) => {
        $($(#[$doc])* pub(crate) static $name: Text =
            Text { name: stringify!($name), code: codes::$code, expected: $expected, pattern: $pattern, words: $words, check: $check };)*
        #[cfg(test)]
        pub(crate) static ALL: &[&Text] = &[$(&$name,)*];
    };
}

texts! {
    /// The site's own names.
    NAME: NAME, "a name of 1 to 64 characters from `A-Z a-z 0-9 . _ -` that begins with a letter or digit",
        "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", no_words, |s| parsed(Name::new(s));
    /// A domain name.
    HOST: HOST, "a domain name in lower case with at least two labels",
        r"^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$", no_words,
        |s| Host::new(s).map(drop).map_err(|_| lowered(s, |low| Host::new(low).is_ok()));
    /// A domain name that is no wildcard.
    ZONE: HOST, "the name of a hosted zone: a domain name in lower case",
        r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$", no_words,
        |s| accept(Host::new(s).is_ok() && !s.starts_with('*'));
    /// An S3 bucket.
    BUCKET: BUCKET, "a bucket name of 3 to 63 characters from `a-z 0-9 . -`",
        "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", no_words,
        |s| Bucket::new(s).map(drop).map_err(|_| lowered(s, |low| Bucket::new(low).is_ok()));
    /// What comes before the path in object keys.
    PREFIX: BUCKET, "a key prefix that ends in `/`, does not begin with it and has no empty or dot segments",
        "^([A-Za-z0-9._-]+/)*$", no_words, prefix;
    /// The address of a custom origin.
    URL: URL, "an origin URL like `https://search.example.com` (http only on a loopback host; no user, query or fragment)",
        r"^(https://[a-z0-9.-]+|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?(/.*)?$", no_words, url;
    /// A behavior's path pattern.
    PATTERN: PATTERN, "a path pattern such as `/media/*`",
        r#"^[A-Za-z0-9_.*?$/~"'@:+&-]{1,255}$"#, no_words, |s| PathPattern::new(s).map(drop).map_err(because);
    /// A duration.
    DURATION: DURATION, "a whole number with a unit: `0s`, `90s`, `10m`, `12h` or `30d`",
        "^[0-9]{1,10}[smhd]$", no_words, duration::check;
    /// An address range.
    NETWORK: NETWORK, "an address range such as `198.51.100.0/24` or `2001:db8::/32`",
        "^[0-9A-Fa-f:.]+/[0-9]{1,3}$", no_words, network;
    /// A country.
    COUNTRY: COUNTRY, "a country code in capitals (ISO 3166-1 alpha-2)",
        "", country_codes, country;
    /// A country, a group of countries or `unknown`; the last word is the reader's, who knows the groups.
    COUNTRY_OR_GROUP: COUNTRY, "a country code in capitals, a group of countries or `unknown`",
        "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", countries_and_groups, |s| parsed(Name::new(s));
    /// A managed prefix list.
    PREFIX_LIST: TEXT, "the id (`pl-…`) or name of a managed prefix list",
        "^[A-Za-z0-9][A-Za-z0-9._/-]{2,254}$", edge_lists, |s| accept(prefix_list(s));
    /// A header.
    HEADER: TEXT, "the name of a header", "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$", no_words, |s| accept(header(s));
    /// A query parameter.
    PARAMETER: TEXT, "the name of a query parameter, as it stands in the URL",
        "^[!-%'-<>-~]{1,128}$", no_words, |s| accept(s.len() <= 128 && graphic(s) && !s.contains(['&', '=']));
    /// A file beside the manifest.
    FILE: TEXT, "a file below the manifest's folder, written with `/` and without `..`",
        r"^[^/\\]+(/[^/\\]+)*$", no_words, |s| accept(file(s));
    /// A document of the site.
    DOCUMENT: TEXT, "the path of a document, without `/` at the beginning and without empty or dot segments",
        "^[!-~]([ -~]*[!-~])?$", no_words, |s| accept(document(s));
    /// The path of an error document.
    PATH: TEXT, "a path that begins with `/`", "^/[!-~]*$", no_words, |s| accept(s.starts_with('/') && graphic(s));
    /// A path prefix.
    FOLDER: TEXT, "a path that begins and ends with `/`",
        "^/([!-~]*/)?$", no_words, |s| accept(s.starts_with('/') && s.ends_with('/') && graphic(s) && !s.contains(['*', '?']));
    /// The pattern of a lifetime class.
    GLOB: TEXT, "a pattern of paths: `*` within a segment, `**` across segments, as in `*.html` or `/feeds/**`",
        "^[!-~]{1,255}$", no_words, |s| accept(s.len() <= 255 && graphic(s) && (!s.contains('/') || s.starts_with('/') || s.starts_with("**")));
    /// A certificate.
    CERTIFICATE: CERTIFICATE, "the ARN of an ACM certificate in us-east-1",
        "^arn:aws(-cn|-us-gov)?:acm:us-east-1:[0-9]{12}:certificate/[!-~]+$", no_words, |s| accept(arn(s, "acm"));
    /// A principal.
    PRINCIPAL: TEXT, "the ARN of a principal", "^arn:aws(-cn|-us-gov)?:[!-~]+$", no_words, |s| accept(principal(s));
    /// What may deliver events.
    FRONT: TEXT, "the domain name of a function URL or the ARN of a target group",
        r"^([a-z0-9-]+(\.[a-z0-9-]+)+|arn:aws(-cn|-us-gov)?:elasticloadbalancing:[!-~]+)$", no_words,
        |s| accept(arn(s, "elasticloadbalancing") || (Host::new(s).is_ok() && !s.starts_with('*')));
    /// The id of a public key.
    KEY_ID: TEXT, "the id of a public key: 1 to 64 characters from `A-Z 0-9`",
        "^[A-Z0-9]{1,64}$", no_words, |s| accept(s.parse::<KeyId>().is_ok());
    /// Where a country stands in a database's record.
    RECORD_PATH: TEXT, "a path in a database record, such as `country.iso_code`",
        r"^[a-z0-9_]+(\.[a-z0-9_]+){0,3}$", record_paths, |s| accept(record_path(s));
    /// A browser's origin; `*` means all of them.
    WEB_ORIGIN: CORS, "an origin as a browser sends it, such as `https://www.example.com`, or `*`",
        r"^(\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?)$", no_words, web_origin;
    /// A rule of `portcullis check`.
    RULE: TEXT, "the id of a rule, such as `PC023`", "^PC[0-9]{3}$", no_words,
        |s| accept(s.len() == 5 && s.starts_with("PC") && s.bytes().skip(2).all(|b| b.is_ascii_digit()));
    /// A case of a rule.
    CASE: TEXT, "the name of a rule's case, such as `allow-all`", "^[a-z][a-z-]{1,63}$", no_words,
        |s| accept((2..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
    /// A reason in words.
    REASON: TEXT, "a reason in words", "^[ -~]{1,500}$", no_words,
        |s| accept((1..=500).contains(&s.len()) && s.bytes().all(|b| (0x20..=0x7e).contains(&b)));
    /// A day.
    DAY: TEXT, "a day, such as `2027-03-31`", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", no_words, |s| accept(day(s));
    /// A status whose error response is replaced.
    STATUS: ERROR_RESPONSE, "a status from 400 to 599", "^[45][0-9]{2}$", no_words,
        |s| accept(s.len() == 3 && s.parse::<u16>().is_ok_and(|n| (400..600).contains(&n)));
}

/// What a YAML 1.2 reader takes an unquoted text for, if not for text. Whoever reads the file must see the same.
pub(crate) fn implicit_type(text: &str) -> Option<&'static str> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |prefix: &str, radix| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    let decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.parse::<f64>().is_ok();
    match text.to_ascii_lowercase().as_str() {
        "true" | "false" => Some("boolean"),
        _ if decimal
            || digits("0x", 16)
            || digits("0o", 8)
            || matches!(unsigned, ".inf" | ".nan") =>
        {
            Some("number")
        }
        _ => None,
    }
}

/// Whether a text has the form of a day; whether there is such a day is for who compares it.
fn day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2] && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
}

fn no_words() -> Vec<String> {
    Vec::new()
}

fn country_codes() -> Vec<String> {
    Country::all().map(|country| country.to_string()).collect()
}

fn countries_and_groups() -> Vec<String> {
    let groups = portcullis_viewer::country::Group::ALL.map(|group| group.name().to_owned());
    groups
        .into_iter()
        .chain(["unknown".to_owned()])
        .chain(country_codes())
        .collect()
}

fn edge_lists() -> Vec<String> {
    portcullis_site::Guard::EDGE_PREFIX_LISTS
        .map(str::to_owned)
        .to_vec()
}

fn record_paths() -> Vec<String> {
    [
        "country.iso_code",
        "country_code",
        "registered_country.iso_code",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn accept(ok: bool) -> Result<(), Mistake> {
    if ok { Ok(()) } else { Err(Mistake::default()) }
}

fn parsed<T, E>(result: Result<T, E>) -> Result<(), Mistake> {
    result.map(drop).map_err(|_| Mistake::default())
}

fn because(error: impl std::fmt::Display) -> Mistake {
    Mistake {
        message: Some(error.to_string()),
        nearest: None,
    }
}

fn meant(nearest: impl Into<String>) -> Mistake {
    Mistake {
        message: None,
        nearest: Some(nearest.into()),
    }
}

fn lowered(text: &str, accepted: fn(&str) -> bool) -> Mistake {
    let low = text.to_lowercase();
    if accepted(&low) {
        meant(low)
    } else {
        Mistake::default()
    }
}

fn graphic(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}

fn prefix(text: &str) -> Result<(), Mistake> {
    KeyPrefix::new(text).map(drop).map_err(|_| {
        let whole = format!("{}/", text.trim_matches('/'));
        if KeyPrefix::new(whole.as_str()).is_ok() {
            meant(whole)
        } else {
            Mistake::default()
        }
    })
}

fn url(text: &str) -> Result<(), Mistake> {
    OriginUrl::new(text).map(drop).map_err(|_| {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let secure = format!("https://{rest}");
        if OriginUrl::new(&secure).is_ok() {
            meant(secure)
        } else {
            Mistake::default()
        }
    })
}

fn network(text: &str) -> Result<(), Mistake> {
    parse_network(text).map(drop).map_err(|error| Mistake {
        nearest: error.nearest().map(|network| network.to_string()),
        message: Some(format!("`{text}` is not an address range: {error}")),
    })
}

fn country(text: &str) -> Result<(), Mistake> {
    text.parse::<Country>().map(drop).map_err(|_| Mistake {
        message: None,
        nearest: near_country(text),
    })
}

/// The code that was meant by a frequent wrong one or by small letters.
pub(crate) fn near_country(text: &str) -> Option<String> {
    const MISTAKEN: [(&str, &str); 5] = [
        ("UK", "GB"),
        ("EN", "GB"),
        ("EL", "GR"),
        ("JA", "JP"),
        ("DA", "DK"),
    ];
    let capitals = text.to_uppercase();
    let mistaken = MISTAKEN
        .into_iter()
        .find(|(wrong, _)| *wrong == capitals)
        .map(|(_, right)| right.to_owned());
    mistaken.or_else(|| {
        capitals
            .parse::<Country>()
            .ok()
            .map(|country| country.to_string())
    })
}

fn prefix_list(text: &str) -> bool {
    let id = text.strip_prefix("pl-").is_none_or(|rest| {
        (8..=17).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_hexdigit())
    });
    let name = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-'));
    (3..=255).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id
        && name
}

fn header(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+.^_`|~-".contains(&b))
}

fn file(text: &str) -> bool {
    let plain = text.len() <= TEXT_BYTES_MAX
        && !text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\\' | ':'));
    plain && !text.is_empty() && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn document(text: &str) -> bool {
    graphic(&text.replace(' ', "_"))
        && text.trim() == text
        && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn principal(text: &str) -> bool {
    ["arn:aws:", "arn:aws-cn:", "arn:aws-us-gov:"]
        .iter()
        .any(|start| text.len() > start.len() && text.starts_with(start))
        && graphic(text)
}

fn arn(text: &str, service: &str) -> bool {
    let mut parts = text.split(':');
    graphic(text)
        && parts.next() == Some("arn")
        && parts
            .next()
            .is_some_and(|p| matches!(p, "aws" | "aws-cn" | "aws-us-gov"))
        && parts.next() == Some(service)
        && parts
            .next()
            .is_some_and(|region| service != "acm" || region == "us-east-1")
        && parts.next().is_some_and(|account| {
            account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
        })
        && parts.next().is_some_and(|rest| {
            service != "acm"
                || rest
                    .strip_prefix("certificate/")
                    .is_some_and(|id| !id.is_empty())
        })
}

fn record_path(text: &str) -> bool {
    let part = |p: &str| {
        !p.is_empty()
            && p.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.len() <= 128 && text.split('.').count() <= 4 && text.split('.').all(part)
}

fn web_origin(text: &str) -> Result<(), Mistake> {
    let no_path = text.trim_end_matches('/').to_lowercase();
    if text == "*" || (web_origin_form(text) && no_path == text) {
        return Ok(());
    }
    Err(if web_origin_form(&no_path) {
        meant(no_path)
    } else {
        Mistake::default()
    })
}

fn web_origin_form(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let (host, port) = rest
        .split_once(':')
        .map_or((rest, None), |(host, port)| (host, Some(port)));
    let default_port = if scheme == "https" { 443 } else { 80 };
    matches!(scheme, "https" | "http")
        && !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && port.is_none_or(|p| p.parse::<u16>().is_ok_and(|n| n > 0 && n != default_port))
}
