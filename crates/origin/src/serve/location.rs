//! Where a custom origin's redirect may send a viewer.
//!
//! A redirect is never followed here. Its `Location` is kept when it is a path of the origin or an `https` URL of another
//! server; a URL of the origin itself becomes a path, since viewers do not know that name. Anything else, a relative or
//! protocol-relative reference, another scheme, user information, a backslash, is not kept (attack A7.1).

use crate::field::FieldValue;
use portcullis_site::OriginUrl;

/// The `Location` a viewer gets for `location`; `None` if it must not be sent.
pub(super) fn relayed(location: &[u8], origin: &OriginUrl) -> Option<FieldValue> {
    let text = std::str::from_utf8(location).ok()?.trim_ascii();
    let plain = text
        .bytes()
        .all(|b| (0x21..0x7F).contains(&b) && !b"\\\"<>`".contains(&b));
    if !plain {
        return None;
    }
    let (secure, rest) = match (
        strip_scheme(text, "https://"),
        strip_scheme(text, "http://"),
    ) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return path_below(text, origin),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, reference) = rest.split_at_checked(end)?;
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    if secure == origin.is_secure() && is_authority(authority, origin) {
        return match reference {
            "" => path_below("/", origin),
            path if path.starts_with('/') => path_below(path, origin),
            query => path_below(&format!("/{query}"), origin),
        };
    }
    secure
        .then(|| FieldValue::new(text.as_bytes()).ok())
        .flatten()
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn is_authority(authority: &str, origin: &OriginUrl) -> bool {
    let default_port = if origin.is_secure() { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, Some(default_port)),
    };
    host.eq_ignore_ascii_case(origin.host()) && port == Some(origin.port())
}

/// A path of the origin as viewers know it: without the base path, which the gateway puts before every path.
fn path_below(path: &str, origin: &OriginUrl) -> Option<FieldValue> {
    let below = match path.strip_prefix(origin.base_path()) {
        Some("") => "/",
        Some(below) if below.starts_with('/') => below,
        _ => path,
    };
    let absolute = below.starts_with('/') && !below.starts_with("//");
    absolute
        .then(|| FieldValue::new(below.as_bytes()).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::relayed;
    use portcullis_site::OriginUrl;

    #[track_caller]
    fn check(location: &str, expected: Option<&str>) {
        let origin = OriginUrl::new("https://search.internal.example.com/base").unwrap();
        let found = relayed(location.as_bytes(), &origin);
        assert_eq!(
            found.as_ref().and_then(|v| v.to_str()),
            expected,
            "{location}"
        );
    }

    #[test]
    fn the_origin_s_own_name_does_not_leave() {
        check(
            "https://search.internal.example.com/base/a?b=c",
            Some("/a?b=c"),
        );
        check("https://SEARCH.internal.example.com:443/base", Some("/"));
        check("/base/a", Some("/a"));
        check("/other", Some("/other"));
        check("/basement", Some("/basement"));
    }

    #[test]
    fn another_server_is_named_by_https_only() {
        check(
            "https://login.example.com/x?next=/y",
            Some("https://login.example.com/x?next=/y"),
        );
        for bad in [
            "http://login.example.com/",
            "//evil.example.com/",
            "/\\evil.example.com",
            "\\\\evil.example.com",
            "https://user@evil.example.com/",
            "https:///evil.example.com",
            "https:evil.example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.example.com",
            "",
            "/base//evil.example.com",
            "https://search.internal.example.com//evil.example.com",
            "/a\r\nset-cookie: x",
            "/<script>",
        ] {
            check(bad, None);
        }
    }
}
