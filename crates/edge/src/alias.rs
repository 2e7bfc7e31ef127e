//! Which distribution serves a host (DG:cnames).
//!
//! An exact name wins over a wildcard, a longer wildcard over a shorter one; `*.example.com` stands for any number of
//! labels. `Host` decides, not the name of the TLS handshake; where the two belong to different owners the answer is 421.

use crate::distribution::Distribution;

/// The position of the distribution that serves a host, which may carry a port.
pub fn best<'d>(
    distributions: impl Iterator<Item = &'d Distribution>,
    host: &str,
) -> Option<usize> {
    let host = normal(host);
    let mut best: Option<(usize, usize)> = None;
    for (at, distribution) in distributions.enumerate() {
        let names = std::iter::once(&distribution.domain).chain(&distribution.aliases);
        let fit = names.filter_map(|name| fitness(name, &host)).max();
        if fit.is_some_and(|fit| best.is_none_or(|(known, _)| fit > known)) {
            best = fit.map(|fit| (fit, at));
        }
    }
    best.map(|(_, at)| at)
}

/// How well a name fits a host: an exact one better than any wildcard.
fn fitness(name: &str, host: &str) -> Option<usize> {
    match name.strip_prefix('*') {
        None => name.eq_ignore_ascii_case(host).then_some(usize::MAX),
        Some(suffix) => {
            let suffix = suffix.to_ascii_lowercase();
            let stands = host.len() > suffix.len() && host.ends_with(&suffix);
            (stands && suffix.starts_with('.')).then_some(suffix.len())
        }
    }
}

/// The host in lower case, without its port and without a dot at the end.
fn normal(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// What the TLS handshake of a request says about its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// The name of the handshake; a viewer without one is let in.
    pub server_name: Option<&'a str>,
    /// Whether handshake and host belong to different accounts.
    pub accounts_differ: bool,
    /// Whether the certificate that was shown covers the host.
    pub certificate_covers_host: bool,
}

/// Whether a request may name a host other than that of its connection; if not, the answer is 421.
#[must_use]
pub fn may_name(handshake: &Handshake<'_>, host: &str) -> bool {
    match handshake.server_name {
        None => true,
        Some(name) => {
            normal(name) == normal(host)
                || !handshake.accounts_differ
                || handshake.certificate_covers_host
        }
    }
}
