//! The stable codes of everything that can be wrong with a manifest, and what each means.
//!
//! A code is never reused and never changes its meaning. PC10 is about the file, PC11 about its structure, PC12 about single
//! values, PC13 about files it names, PC14 about names that refer to nothing, PC15 about parts that cannot stand together,
//! PC16 about Copilot manifests, PC17 warns.

use serde::{Serialize, Serializer};
use std::fmt;

/// A code such as `PC1203`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// The code of that text, if there is one; the prefix `PC` may be left out.
    #[must_use]
    pub fn find(text: &str) -> Option<&'static CodeInfo> {
        let digits = text
            .strip_prefix("PC")
            .or(text.strip_prefix("pc"))
            .unwrap_or(text);
        let number: u16 = digits
            .parse()
            .ok()
            .filter(|_| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))?;
        codes().iter().find(|info| info.code == Self(number))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PC{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a code means.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// In a few words.
    pub title: &'static str,
    /// Why it is refused and what to do, in one or two sentences.
    pub explanation: &'static str,
}

/// Every code of this crate in ascending order.
#[must_use]
pub fn codes() -> &'static [CodeInfo] {
    TABLE
}

macro_rules! table {
    ($($name:ident = $number:literal, $title:literal, $explanation:literal;)*) => {
        $(pub(crate) const $name: Code = Code($number);)*
        const TABLE: &[CodeInfo] = &[$(CodeInfo { code: $name, title: $title, explanation: $explanation },)*];
    };
}

table! {
    SYNTAX = 1001, "not YAML",
        "The text cannot be read as YAML from this place on. A value that begins with `*`, `&`, `!`, `{`, `[`, `#`, `%`, `@` or a backtick must be quoted.";
    TOO_LARGE = 1002, "manifest too large",
        "A manifest has at most 1 MiB. Long address lists belong in managed prefix lists.";
    TOO_DEEP = 1003, "too many values or too deeply nested",
        "Work is bounded: at most 200000 values, nested at most 24 deep. Files that expand without end are refused here.";
    ANCHOR = 1004, "YAML anchor or alias",
        "Anchors and aliases are not supported: few readers know them and files made of them can grow without bound. Names of networks, groups and policies serve the purpose.";
    TAG = 1005, "YAML tag",
        "Tags such as `!Ref` are not supported; every value has one meaning, given by its key.";
    DOCUMENTS = 1006, "more than one document",
        "A manifest is one YAML document. Put each site into a file of its own.";
    EMPTY = 1007, "empty manifest",
        "There is nothing to read. `portcullis init` writes a manifest to begin with.";
    KEY_NOT_TEXT = 1008, "key is not a word",
        "The key of a map must be a single word.";

    UNKNOWN_KEY = 1101, "unknown key",
        "No key of this name stands here. Nothing is silently ignored, because a mistyped key could leave a rule out.";
    DUPLICATE_KEY = 1102, "duplicate key",
        "The key stands twice in one map; one of the two would be lost.";
    MISSING_KEY = 1103, "missing key",
        "A key that is always needed is not there.";
    WRONG_TYPE = 1104, "wrong type",
        "The value is a list, a map, a word or a number where something else is expected.";
    CHOICE_OF_KEYS = 1105, "exactly one of several keys",
        "These keys exclude each other, and one of them is needed.";
    EMPTY_LIST = 1106, "empty list",
        "An empty list admits nobody and is nearly always a mistake; leave the key out or name an item.";
    NO_VALUE = 1107, "no value",
        "The key has no value. Leave the key out to get its default.";
    NO_EFFECT = 1108, "key without effect",
        "The key would have no effect beside the others, so it is refused rather than ignored.";

    WORD = 1201, "unknown word",
        "The value must be one of a few words.";
    DURATION = 1202, "not a duration",
        "Durations are a whole number and one unit: `0s`, `90s`, `10m`, `12h`, `30d`, at most 100 years.";
    NETWORK = 1203, "not an address range",
        "Address ranges are written in CIDR form without host bits: `198.51.100.0/24`, `2001:db8::/32`. The prefix has at most 32 or 128 bits.";
    COUNTRY = 1204, "unknown country or group",
        "Countries are ISO 3166-1 alpha-2 codes in capitals (GB, not UK); groups are EU, EEA, EFTA and those of `geo.groups`; `unknown` is the viewer whose country is not known.";
    NAME = 1205, "not a name",
        "Names have 1 to 64 characters from `A-Z a-z 0-9 . _ -` and begin with a letter or digit.";
    HOST = 1206, "not a host",
        "Hosts are domain names in lower case with at least two labels.";
    BUCKET = 1207, "not a bucket or key prefix",
        "Bucket names have 3 to 63 characters from `a-z 0-9 . -`. A key prefix ends in `/` and does not begin with it.";
    URL = 1208, "not an origin URL",
        "Custom origins are reached over https; http only on a loopback host. No user, query or fragment.";
    PATTERN = 1209, "not a path pattern",
        "Path patterns are CloudFront's: at most 255 characters from `A-Z a-z 0-9 _ - . * ? $ / ~ \" ' @ : + &`.";
    NUMBER = 1210, "number out of range",
        "The value must be a whole number in the range that is named.";
    METHOD = 1211, "method not served",
        "The gateway is read-only: it serves GET and HEAD, and OPTIONS where it is asked for.";
    TEXT = 1212, "unusable text",
        "The text is not in the form that its key needs; the message says which.";
    VERSION = 1213, "unknown manifest version",
        "This program reads manifests of version 1.";

    FILE = 1301, "file cannot be read",
        "A file the manifest names is missing, unreadable or too large. Paths are relative to the manifest's folder.";
    PUBLIC_KEY = 1302, "unusable public key",
        "Public keys are PEM files (`PUBLIC KEY`): RSA of 2048 to 4096 bits or ECDSA P-256. A private key never belongs here.";

    UNKNOWN_ORIGIN = 1401, "unknown origin",
        "No origin or origin group has this name.";
    UNKNOWN_POLICY = 1402, "unknown policy",
        "No policy has this name.";
    UNKNOWN_NETWORK = 1403, "unknown network",
        "No network has this name.";
    UNKNOWN_KEY_GROUP = 1404, "unknown key group",
        "No key group has this name.";

    SITE = 1500, "parts that do not fit",
        "Two parts of the manifest cannot stand together; the message says which.";
    CERTIFICATE = 1501, "host without certificate",
        "CloudFront serves alternate domain names only with an ACM certificate from us-east-1 that covers them.";
    LIMIT = 1502, "too many of something",
        "A limit of CloudFront or of the decision is passed.";
    TTL_ORDER = 1503, "TTL order",
        "CloudFront demands min ≤ default ≤ max. What is left out is 0s, 1d and 365d.";
    EMPTY_RULE = 1504, "rule without content",
        "An empty policy, statement, network or group admits nobody; write `deny: any` if that is meant.";
    UNREACHABLE = 1505, "unreachable statement",
        "An earlier statement matches whenever this one does, so this one never decides.";
    SHADOWED = 1506, "shadowed behavior",
        "CloudFront takes the first behavior whose pattern matches, so this one never governs a request.";
    DEFAULT_BEHAVIOR = 1507, "no default behavior",
        "The last behavior has the pattern `*`; CloudFront has exactly one such behavior and tries it last.";
    ENFORCEMENT = 1508, "cached answers would undo the policy",
        "A decision at the origin runs on cache misses only. Its inputs must be in the cache key, or be decided at the edge, or nothing may be cached.";
    DIRECT_BUCKET = 1509, "policy not enforced on a direct bucket",
        "CloudFront reads a direct bucket itself, so the gateway's policy never runs there.";
    HAND_OFF = 1510, "hand-off that cannot work",
        "Large objects are handed off to a behavior that serves the same bucket directly and demands a signature of the named key group.";
    CORS = 1511, "cross-origin rule",
        "Allowed origins are exact: scheme, host and port as a browser sends them, or `*` alone.";
    ORIGIN_GROUP = 1512, "origin group",
        "A group is two different custom origins or buckets and the statuses CloudFront can fail over on.";
    ORIGIN_RANGE = 1513, "origin setting out of range",
        "Timeouts and attempts have CloudFront's ranges: 1 to 10 s, 1 to 120 s, 1 to 3 attempts.";
    GUARD = 1514, "guard",
        "The proof of origin cannot work as it is written.";
    GEO = 1515, "geography",
        "The country sources cannot work as they are written.";
    ERROR_RESPONSE = 1516, "custom error response",
        "CloudFront replaces 400, 403, 404, 405, 414, 416 and 500 to 504, and a refusal must stay a refusal.";
    RELEASES = 1517, "release settings without a release store",
        "The section `releases` belongs to an origin of the kind `releases`.";

    COPILOT = 1601, "Copilot manifest refused",
        "Copilot itself would refuse this environment manifest; the message says why.";

    UNUSED = 1701, "declared and not used",
        "Nothing refers to this name. It may be mistyped where it was meant to be used.";
    WEAKENED = 1702, "protection weakened",
        "The setting lets requests through that the default would refuse; it is meant for a time of observation.";
    PREFLIGHT = 1703, "preflight is never answered",
        "Request headers of another origin are asked for in an OPTIONS request, which this behavior does not serve.";
}

#[cfg(test)]
mod tests {
    use super::{Code, codes};

    #[test]
    fn codes_ascend_and_are_found() {
        assert!(codes().is_sorted_by(|a, b| a.code < b.code));
        for info in codes() {
            assert_eq!(
                Code::find(&info.code.to_string()).map(|found| found.code),
                Some(info.code)
            );
            assert!(
                !info.explanation.is_empty() && info.explanation.ends_with('.'),
                "{}",
                info.code
            );
        }
        assert!(Code::find("PC9999").is_none());
        assert!(Code::find("PC+101").is_none());
    }
}
