//! The rules of a site, asked about a request of a log.

use portcullis_access_log::read::Entry;
use portcullis_origin::countries::Countries;
use portcullis_origin::judge::{Judge, Judgement};
use portcullis_origin::request::{Front, Headers, Principal, Request};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_policy::Decision;
use portcullis_site::{Bundle, Site};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use std::fmt::Write as _;
use std::net::IpAddr;

/// What stands for the secret header: a request of a log came through the distribution.
const SECRET: &str = "a-request-of-a-log";
/// What stands for an edge of CloudFront: a documentation address.
const EDGE: &str = "203.0.113.1";
/// What stands for the domain name of the function URL.
const FUNCTION_URL: &str = "replay.lambda-url.local.on.aws";
/// The longest `Cookie` that is given to the judge, in bytes.
const COOKIE_BYTES_MAX: usize = 32_768;

/// The rules of a site.
#[derive(Debug)]
pub struct Rules {
    judge: Judge,
    state: SiteState,
}

/// What the rules say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether it is let in.
    pub admits: bool,
    /// The code of the reason; `admitted` for one that is let in.
    pub reason: &'static str,
    /// The position of the behavior that governs it.
    pub behavior: Option<usize>,
    /// Whether the country was taken from the database because the log has none.
    pub country_assumed: bool,
}

/// Why the rules of a site cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoRules(String);

fn failed(why: impl std::fmt::Display) -> NoRules {
    NoRules(why.to_string())
}

impl Rules {
    /// The rules of a site, with its country database and the managed prefix lists of `state`. `now` is in seconds since the
    /// epoch.
    ///
    /// # Errors
    /// [`NoRules`]
    pub fn new(
        site: Site,
        countries: Countries,
        mut state: SiteState,
        now: u64,
    ) -> Result<Self, NoRules> {
        state.secrets = Secrets {
            version: 1,
            current: Some(SecretDigest::of(SECRET.as_bytes())),
            ..Secrets::default()
        };
        for list in &site.guard.edges.prefix_lists {
            let edge = format!("{EDGE}/32").parse().map_err(failed)?;
            let snapshot = PrefixSnapshot::new(list, 1, now, vec![edge], Guards::Edges);
            state
                .edge_lists
                .insert(list.clone(), snapshot.map_err(failed)?);
        }
        let bundle = Bundle::new(site).map_err(failed)?;
        let judge = Judge::new(bundle, countries).map_err(failed)?;
        Ok(Self { judge, state })
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> &Site {
        self.judge.site()
    }

    /// What they say of a request; `text` is room for what has to be written down on the way.
    #[must_use]
    pub fn say(&self, entry: &Entry<'_>, text: &mut String) -> Said {
        text.clear();
        let address: Option<IpAddr> = entry.viewer.parse().ok();
        if let Some(address) = address {
            let _in_memory = write!(text, "{address}:443");
        }
        let country = self.country(entry, address);
        let country_assumed = entry.country.is_empty() && country.is_some();
        let country = country.as_ref().map(Code::as_str);
        let cookies = [&*entry.cookies];
        let has_cookies = !entry.cookies.is_empty() && entry.cookies.len() <= COOKIE_BYTES_MAX;
        let request = Request {
            front: Front::Domain(FUNCTION_URL),
            principal: Some(Principal { arn: None }),
            peer: Some(EDGE),
            method: &entry.method,
            raw_path: &entry.path,
            raw_query: &entry.query,
            headers: Headers {
                secret: Some(SECRET),
                viewer_address: address.map(|_| text.as_str()),
                viewer_country: country,
                ..Headers::default()
            },
            cookies: if has_cookies { &cookies } else { &[] },
            id: "replay",
        };
        let judged = self.judge.judge(&request, &self.state, entry.time);
        said(&judged, country_assumed)
    }

    /// The country that CloudFront named; where the log does not say, what the database knows of the address.
    fn country(&self, entry: &Entry<'_>, address: Option<IpAddr>) -> Option<Code> {
        if let Ok(code) = <[u8; 2]>::try_from(entry.country.as_bytes()) {
            return Some(Code(code));
        }
        let found = self.judge.countries().lookup(address?, entry.time);
        found.known().map(|country| Code(country.code()))
    }
}

/// The code of a country.
struct Code([u8; 2]);

impl Code {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn said(judged: &Judgement<'_>, country_assumed: bool) -> Said {
    let (admits, reason, behavior) = match judged {
        Judgement::Unproven(failure) => (false, failure.code(), None),
        Judgement::Rejected(_, rejection) => (false, rejection.code(), None),
        Judgement::Decided(decided) => match &decided.decision {
            Decision::Admitted(_) => (true, "admitted", Some(decided.index)),
            Decision::Refused(refusal) => (false, refusal.reason.code(), Some(decided.index)),
        },
    };
    Said {
        admits,
        reason,
        behavior,
        country_assumed,
    }
}
