//! Parsed words: names, hosts, buckets, key prefixes and durations. Each has one constructor and keeps its invariants.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a word was refused; the text says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {expected}")]
pub struct NameError {
    given: String,
    expected: &'static str,
}

impl NameError {
    pub(crate) fn new(given: &str, expected: &'static str) -> Self {
        Self {
            given: given.chars().take(80).collect(),
            expected,
        }
    }

    /// What would have been accepted, as a phrase that follows "is not".
    #[must_use]
    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

macro_rules! parsed_word {
    ($(#[$doc:meta])* $type:ident, $check:expr, $expected:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses the word.
            ///
            /// # Errors
            /// Says what was expected.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(NameError::new(&text, $expected)) }
            }

            /// The word as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(word: $type) -> Self {
                word.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

parsed_word!(
    /// A name given in the manifest to a site, an origin, a network, a key group, a policy or a group of countries.
    ///
    /// - 1 to 64 characters from `A-Z a-z 0-9 . _ -`, the first a letter or digit.
    Name,
    |s| s.len() <= 64
        && s.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')),
    "a name of 1 to 64 characters from `A-Z a-z 0-9 . _ -` that begins with a letter or digit"
);

parsed_word!(
    /// A domain name in lower case; as an alternate domain name its first label may be `*`.
    ///
    /// - At most 253 characters; labels of 1 to 63 characters from `a-z 0-9 -`, none at an edge a hyphen; at least two labels.
    Host,
    |s| {
        let rest = s.strip_prefix("*.").unwrap_or(s);
        s.len() <= 253 && rest.contains('.') && rest.split('.').all(is_label)
    },
    "a domain name in lower case with at least two labels"
);

parsed_word!(
    /// An S3 bucket's name.
    ///
    /// - 3 to 63 characters from `a-z 0-9 . -`, the first and last a letter or digit.
    Bucket,
    |s| {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        (3..=63).contains(&s.len())
            && edge(s.bytes().next())
            && edge(s.bytes().last())
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
    },
    "a bucket name of 3 to 63 characters from `a-z 0-9 . -`"
);

parsed_word!(
    /// The part of every object key that comes before the path.
    ///
    /// - Empty, or at most 512 bytes of `A-Z a-z 0-9 . _ - /` that do not begin with `/` and end in `/`, without empty
    ///   or dot segments. Ending in `/` keeps `/root` from matching `/root_example`.
    KeyPrefix,
    |s| {
        s.is_empty()
            || (s.len() <= 512
                && s.ends_with('/')
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))
                && s.trim_end_matches('/').split('/').all(|seg| !matches!(seg, "" | "." | ".."))
                && !s.ends_with("//"))
    },
    "a key prefix that ends in `/`, does not begin with it and has no empty or dot segments"
);

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A duration in whole seconds, at most 100 years (CloudFront's limit for a TTL).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct Seconds(u64);

impl Seconds {
    /// 100 years of 365 days, in seconds.
    pub const MAX: Self = Self(3_153_600_000);

    /// A duration of `seconds`.
    ///
    /// # Errors
    /// More than [`Seconds::MAX`].
    pub fn new(seconds: u64) -> Result<Self, NameError> {
        if seconds <= Self::MAX.0 {
            Ok(Self(seconds))
        } else {
            Err(NameError::new(
                &seconds.to_string(),
                "a duration of at most 100 years",
            ))
        }
    }

    /// A duration known when the program is written; longer ones are cut to [`Seconds::MAX`].
    #[must_use]
    pub const fn of(seconds: u64) -> Self {
        if seconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(seconds)
        }
    }

    /// The number of seconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Seconds {
    type Error = NameError;
    fn try_from(seconds: u64) -> Result<Self, NameError> {
        Self::new(seconds)
    }
}

impl From<Seconds> for u64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl fmt::Display for Seconds {
    /// The manifest's own form, in the largest unit that divides it: `30d`, `12h`, `10m`, `90s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, sign) = [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit))
            .unwrap_or((1, 's'));
        write!(f, "{}{sign}", self.0 / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Host, KeyPrefix, Name, Seconds};

    #[track_caller]
    fn check<T, E>(
        make: fn(&'static str) -> Result<T, E>,
        good: &[&'static str],
        bad: &[&'static str],
    ) {
        for word in good {
            assert!(make(word).is_ok(), "`{word}` should be accepted");
        }
        for word in bad {
            assert!(make(word).is_err(), "`{word}` should be refused");
        }
    }

    #[test]
    fn words_are_parsed_strictly() {
        check(
            Name::new,
            &["a", "training-2026", "EU.1"],
            &["", "-a", "a b", "ü"],
        );
        check(
            Host::new,
            &["example.com", "*.example.com"],
            &["example", "Example.com", "a..b", "-a.b", "*.com.*"],
        );
        check(
            Bucket::new,
            &["abc", "handbook-files"],
            &["ab", "Abc", "abc-", ""],
        );
        check(
            KeyPrefix::new,
            &["", "public/", "a/b/"],
            &["public", "/public/", "a//", "a/../b/", "./"],
        );
    }

    #[test]
    fn durations_print_in_the_largest_unit() {
        for (seconds, text) in [
            (0, "0s"),
            (90, "90s"),
            (600, "10m"),
            (43_200, "12h"),
            (2_592_000, "30d"),
        ] {
            assert_eq!(Seconds::of(seconds).to_string(), text);
        }
    }
}
