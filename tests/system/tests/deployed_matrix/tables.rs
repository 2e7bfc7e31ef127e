//! What is asked, and beside it what it means.

use Verdict::{Failed, NotModified, Proceed};

/// Methods; what is not GET, HEAD or OPTIONS in these very letters is served nowhere.
pub const METHODS: [&str; 9] = [
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get",
];

/// Which bytes a range is.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    /// The field asks for nothing that is served in part.
    Whole,
    First(usize),
    Last(usize),
    /// From this byte to the end.
    From(usize),
    Outside,
}

/// A `Range` field, in which `LAST` is the offset of the last byte.
pub struct Range {
    pub field: Option<&'static str>,
    pub span: Span,
}

const fn range(field: &'static str, span: Span) -> Range {
    Range {
        field: Some(field),
        span,
    }
}

pub const RANGES: [Range; 16] = [
    Range {
        field: None,
        span: Span::Whole,
    },
    range("bytes=0-", Span::From(0)),
    range("bytes=0-0", Span::First(1)),
    range("bytes=-5", Span::Last(5)),
    range("bytes=-1000000", Span::From(0)),
    range("bytes=0-LAST", Span::From(0)),
    range("bytes=100-1000000", Span::From(100)),
    range("BYTES=LAST-", Span::Last(1)),
    range("bytes=1000000-", Span::Outside),
    range("bytes=1000000-1000001", Span::Outside),
    range("bytes=-0", Span::Outside),
    range("bytes=0-1,3-4", Span::Whole),
    range("bytes=5-2", Span::Whole),
    range("bytes=a-b", Span::Whole),
    range("items=0-5", Span::Whole),
    range("bytes=99999999999999999999999-", Span::Outside),
];

/// What conditions come to for a representation that exists.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

/// Fields in which `TAG` is the entity tag with its quotes, `DATE` the time of the last change, and `EARLIER` and `LATER`
/// are a second off.
pub struct Condition {
    pub fields: &'static [(&'static str, &'static str)],
    pub verdict: Verdict,
    /// Whether a range counts.
    pub if_range: bool,
}

const fn condition(fields: &'static [(&'static str, &'static str)], verdict: Verdict) -> Condition {
    Condition {
        fields,
        verdict,
        if_range: true,
    }
}

const fn if_range(fields: &'static [(&'static str, &'static str)], holds: bool) -> Condition {
    Condition {
        fields,
        verdict: Proceed,
        if_range: holds,
    }
}

pub const CONDITIONS: [Condition; 26] = [
    condition(&[], Proceed),
    condition(&[("if-none-match", "TAG")], NotModified),
    condition(&[("if-none-match", "W/TAG")], NotModified),
    condition(&[("if-none-match", "\"other\", TAG")], NotModified),
    condition(&[("if-none-match", "*")], NotModified),
    condition(&[("if-none-match", "\"other\"")], Proceed),
    condition(&[("if-none-match", "not a tag")], Proceed),
    condition(&[("if-modified-since", "DATE")], NotModified),
    condition(&[("if-modified-since", "LATER")], NotModified),
    condition(&[("if-modified-since", "EARLIER")], Proceed),
    condition(&[("if-modified-since", "yesterday")], Proceed),
    condition(
        &[
            ("if-none-match", "\"other\""),
            ("if-modified-since", "DATE"),
        ],
        Proceed,
    ),
    condition(&[("if-match", "TAG")], Proceed),
    condition(&[("if-match", "*")], Proceed),
    condition(&[("if-match", "\"other\"")], Failed),
    condition(&[("if-match", "W/TAG")], Failed),
    condition(&[("if-unmodified-since", "DATE")], Proceed),
    condition(&[("if-unmodified-since", "EARLIER")], Failed),
    condition(
        &[("if-match", "TAG"), ("if-none-match", "TAG")],
        NotModified,
    ),
    condition(
        &[("if-match", "\"other\""), ("if-none-match", "TAG")],
        Failed,
    ),
    if_range(&[("if-range", "TAG")], true),
    if_range(&[("if-range", "\"other\"")], false),
    if_range(&[("if-range", "W/TAG")], false),
    if_range(&[("if-range", "DATE")], true),
    if_range(&[("if-range", "EARLIER")], false),
    if_range(&[("if-match", "TAG"), ("if-range", "\"other\"")], false),
];

/// The stored forms of an object.
#[derive(Clone, Copy, Debug)]
pub enum Coding {
    Identity,
    Br,
    Gzip,
}

impl Coding {
    pub const ALL: [Self; 3] = [Self::Identity, Self::Br, Self::Gzip];

    pub fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Br => ".br",
            Self::Gzip => ".gz",
        }
    }

    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Br => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }

    /// Bytes of another length in each form, every byte another one than its neighbour; no coding is undone on the way.
    pub fn bytes(self, folder: &str) -> Vec<u8> {
        let length = match self {
            Self::Identity => 3_001,
            Self::Br => 701,
            Self::Gzip => 907,
        };
        let start = folder.len() * 7;
        (start..start + length)
            .map(|at| (at * 31 % 251).to_le_bytes()[0])
            .collect()
    }
}

/// `Accept-Encoding`, and which of the stored forms it gets.
pub const CODINGS: [(Option<&str>, Coding); 11] = [
    (None, Coding::Identity),
    (Some(""), Coding::Identity),
    (Some("br"), Coding::Br),
    (Some("gzip"), Coding::Gzip),
    (Some("gzip, deflate, br, zstd"), Coding::Br),
    (Some("zstd"), Coding::Identity),
    (Some("br;q=0"), Coding::Identity),
    (Some("br;q=0, *"), Coding::Gzip),
    (Some("br;q=0.5, gzip;q=0.8"), Coding::Gzip),
    // Nothing acceptable is stored, so the field is disregarded.
    (Some("identity;q=0"), Coding::Identity),
    (Some("*"), Coding::Br),
];

/// A viewer before a policy, which is that of a folder.
pub struct Policy {
    pub folder: &'static str,
    pub address: &'static str,
    pub country: &'static str,
    pub signed: bool,
    pub admitted: bool,
    /// Whether CloudFront keeps what the folder answers.
    pub cached: bool,
}

impl Policy {
    /// `Cache-Control` of an object that says `stated`.
    pub fn lifetime(&self, stated: &'static str) -> &'static str {
        if self.cached {
            stated
        } else {
            "private, no-store"
        }
    }
}

pub const FOLDERS: [&str; 6] = [
    "everyone",
    "countries",
    "office",
    "partners",
    "members",
    "reported",
];

const OFFICE: &str = "198.51.100.9:443";
const PARTNER: &str = "198.51.100.200:443";
const STRANGER: &str = "203.0.113.9:443";

const fn viewer(
    folder: &'static str,
    address: &'static str,
    country: &'static str,
    admitted: bool,
) -> Policy {
    Policy {
        folder,
        address,
        country,
        signed: false,
        admitted,
        cached: matches!(folder.as_bytes(), b"everyone" | b"countries"),
    }
}

pub const VIEWERS: [Policy; 14] = [
    viewer("everyone", STRANGER, "DE", true),
    viewer("everyone", "garbage", "XX", true),
    viewer("countries", STRANGER, "FR", true),
    viewer("countries", STRANGER, "US", false),
    viewer("countries", OFFICE, "XX", false),
    viewer("office", OFFICE, "US", true),
    viewer("office", PARTNER, "DE", false),
    viewer("office", "garbage", "DE", false),
    viewer("partners", PARTNER, "US", true),
    viewer("partners", OFFICE, "DE", false),
    Policy {
        signed: true,
        ..viewer("members", STRANGER, "US", true)
    },
    viewer("members", OFFICE, "DE", false),
    // A policy that only reports lets everyone pass.
    viewer("reported", OFFICE, "DE", true),
    viewer("reported", STRANGER, "DE", true),
];
