//! Which query parameters, cookies and headers of a viewer's request reach the origin.
//!
//! A cache policy and an origin request policy each select names; together they forward what either selects, except that
//! two exclusions exclude together (DG:understanding-how-origin-request-policies-and-cache-policies-work-together).
//! Names in policies are literal: a `*` among them is a `*`. Order and spelling of what is kept are the viewer's.

/// A selection of names by one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// `none`.
    #[default]
    Nothing,
    /// `all`.
    All,
    /// `whitelist`: these.
    Only(Vec<String>),
    /// `allExcept`: all but these.
    Except(Vec<String>),
}

impl Names {
    /// Whether the policy selects a name; `is` says whether a listed name is that name.
    fn select(&self, is: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Only(listed) => listed.iter().any(|name| is(name)),
            Self::Except(listed) => !listed.iter().any(|name| is(name)),
        }
    }
}

/// What the two policies of a behavior select of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// By the cache policy.
    pub cache_policy: Names,
    /// By the origin request policy.
    pub origin_request_policy: Names,
}

impl Selection {
    /// Whether a query parameter or a cookie of this name is forwarded; names are case-sensitive.
    #[must_use]
    pub fn forwards(&self, name: &str) -> bool {
        self.forwards_if(|listed| listed == name)
    }

    /// Whether a header of this name is forwarded; names are case-insensitive.
    #[must_use]
    pub fn forwards_header(&self, name: &str) -> bool {
        self.forwards_if(|listed| listed.eq_ignore_ascii_case(name))
    }

    fn forwards_if(&self, is: impl Fn(&str) -> bool) -> bool {
        let cached = self.cache_policy.select(&is);
        let requested = self.origin_request_policy.select(&is);
        match (&self.cache_policy, &self.origin_request_policy) {
            (Names::Except(_), Names::Except(_)) => cached && requested,
            _ => cached || requested,
        }
    }
}

/// The part of a query string that is forwarded.
///
/// Only `&` separates parameters; a parameter's name ends at its first `=` (DG:QueryStringParameters).
#[must_use]
pub fn forwarded_query(query: &str, selection: &Selection) -> String {
    join(
        query
            .split('&')
            .filter(|parameter| selection.forwards(name_of(parameter))),
        "&",
    )
}

/// The value of `Cookie` that is forwarded: `name=value` pairs sorted by name (DG:cookies).
///
/// What is no pair is dropped, and so are names that begin with `$`.
#[must_use]
pub fn forwarded_cookies(cookie: &str, selection: &Selection) -> String {
    let forwarded = |pair: &&str| {
        pair.contains('=') && !pair.starts_with('$') && selection.forwards(name_of(pair))
    };
    let mut pairs: Vec<&str> = cookie.split(';').map(str::trim).filter(forwarded).collect();
    pairs.sort_by_key(|pair| name_of(pair));
    join(pairs, "; ")
}

/// Whether a name matches a pattern of legacy settings: `*` stands for any characters, `?` for one.
#[must_use]
pub fn wildcard_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&unit) if unit == b'?' || name.get(n) == Some(&unit) => {
                p += 1;
                n += 1;
            }
            Some(_) | None => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|&unit| unit == b'*')
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

fn join<'a>(parts: impl IntoIterator<Item = &'a str>, separator: &str) -> String {
    parts.into_iter().collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::{Names, Selection, forwarded_cookies, forwarded_query};

    fn only(names: &[&str]) -> Selection {
        let listed = names.iter().map(|&n| n.to_owned()).collect();
        Selection {
            cache_policy: Names::Only(listed),
            ..Selection::default()
        }
    }

    #[test]
    fn a_parameter_without_a_value_has_a_name() {
        assert_eq!(forwarded_query("a&b=1&a=2", &only(&["a"])), "a&a=2");
        assert_eq!(forwarded_query("", &only(&["a"])), "");
    }

    #[test]
    fn a_star_in_a_policy_is_a_star() {
        assert_eq!(forwarded_query("a=1&*=2", &only(&["*"])), "*=2");
    }

    #[test]
    fn cookies_are_sorted_by_name_and_keep_their_order_within_one() {
        let all = Selection {
            origin_request_policy: Names::All,
            ..Selection::default()
        };
        assert_eq!(
            forwarded_cookies("b=1; $Path=/; a=2;a=1 ; bare", &all),
            "a=2; a=1; b=1"
        );
    }

    #[test]
    fn header_names_are_one_in_any_case() {
        let selection = only(&["Origin"]);
        assert!(selection.forwards_header("origin"));
        assert!(!selection.forwards("origin"));
    }
}
