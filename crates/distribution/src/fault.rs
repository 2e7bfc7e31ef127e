//! What is wrong with a text, and where.
//!
//! Always holds: a fault names the path of the setting, line and column, the rule that was broken and what to do.
//! Deliberately absent: the text itself; values that may be secrets are never part of a message.

use std::cell::RefCell;
use std::fmt;

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl Place {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {message} ({rule})")]
pub struct Fault {
    /// The setting, as `DefaultCacheBehavior.CachePolicyId`; in a template behind the logical id. Empty for the whole text.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The rule that it breaks.
    pub rule: Rule,
    /// What is wrong, and what to do where that is not plain.
    pub message: String,
}

macro_rules! rules {
    ($($variant:ident: $text:literal),+ $(,)?) => {
        /// The rule that a fault breaks. Those from `InvalidArgument` on are CloudFront's errors of that name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $text] $variant,)+
        }

        impl Rule {
            /// Its name; for CloudFront's own the error code of the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                }
            }
        }
    };
}

rules! {
    Syntax: "The text is neither JSON nor YAML.",
    Limit: "The text is larger or deeper than is read.",
    UnknownMember: "A member that is not known here.",
    WrongType: "A value of another type than expected.",
    MissingMember: "A member that must be there.",
    MissingReference: "Something that is referred to was not given.",
    Unresolved: "An expression of a template without a value.",
    InvalidArgument: "A value out of its range.",
    InconsistentQuantities: "`Quantity` is not the number of items.",
    InvalidTTLOrder: "Minimum, default and maximum TTL in another order.",
    NoSuchOrigin: "The target is no origin and no origin group.",
    NoSuchCachePolicy: "No such cache policy.",
    NoSuchOriginRequestPolicy: "No such origin request policy.",
    NoSuchResponseHeadersPolicy: "No such response headers policy.",
    TrustedKeyGroupDoesNotExist: "No such key group.",
    TooManyCacheBehaviors: "More behaviors than the quota.",
    TooManyOrigins: "More origins than the quota.",
    TooManyOriginGroupsPerDistribution: "More origin groups than the quota.",
    TooManyDistributionCNAMEs: "More alternate domain names than the quota.",
    TooManyOriginCustomHeaders: "More custom headers than the quota.",
    TooManyKeyGroupsAssociatedToDistribution: "More key groups than the quota.",
    TooManyHeadersInForwardedValues: "More headers than the quota.",
    InvalidErrorCode: "A status that has no custom error response.",
    InvalidResponseCode: "A status no error page may have.",
    InvalidGeoRestrictionParameter: "A geo restriction that says two things.",
    InvalidLocationCode: "No country code.",
    InvalidViewerCertificate: "The certificate does not fit.",
    InvalidMinimumProtocolVersion: "The security policy does not fit.",
    InvalidDefaultRootObject: "No name of a default root object.",
    InvalidOriginReadTimeout: "A read timeout out of its range.",
    InvalidOriginKeepaliveTimeout: "A keep-alive timeout out of its range.",
    InvalidRelativePath: "A path without its slash.",
    InvalidRequiredProtocol: "A protocol the origin does not speak.",
    InvalidFunctionAssociation: "A function where none may be.",
    InvalidLambdaFunctionAssociation: "A Lambda@Edge function where none may be.",
    InvalidHeadersForS3Origin: "A header that S3 must not get.",
    InvalidForwardCookies: "Cookie settings that say two things.",
    InvalidQueryStringParameters: "Query string settings that say two things.",
    InvalidOriginAccessControl: "Origin access control that does not fit its origin.",
    IllegalFieldLevelEncryptionConfigAssociationWithCacheBehavior: "Field-level encryption without https.",
    IllegalUpdate: "A combination that CloudFront refuses.",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The faults found so far; shared by all that read one text.
#[derive(Debug, Default)]
pub struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    /// Adds one: the path of the setting, where it stands, what it breaks, what is wrong.
    pub fn add(&self, path: &str, at: Place, rule: Rule, message: impl Into<String>) {
        self.0.borrow_mut().push(Fault {
            path: path.to_owned(),
            line: at.line,
            column: at.column,
            rule,
            message: message.into(),
        });
    }

    /// What was read, unless something was wrong. Faults come in the order of the text.
    ///
    /// # Errors
    /// The faults.
    pub fn end<T>(self, read: Option<T>) -> Result<T, Vec<Fault>> {
        let mut faults = self.0.into_inner();
        faults.sort_by_key(|fault| (fault.line, fault.column));
        // An expression that stands in one place may be asked for from several.
        faults.dedup();
        match read {
            Some(read) if faults.is_empty() => Ok(read),
            _ => Err(faults),
        }
    }
}
