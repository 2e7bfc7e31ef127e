//! Field-level encryption: which fields of a form CloudFront encrypts for whom before an origin sees them, and the messages
//! it makes of them.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | configurations, profiles and patterns, and which profile a request falls under |
//! | [`form`] | the body of a form with some of its values encrypted |
//! | [`message`] | a message of the AWS Encryption SDK: made, and opened by who has the private key |
//!
//! Always holds:
//! - a body that falls under a profile leaves with every matching field encrypted, or not at all;
//! - randomness is an argument, and nothing here reads a clock or a file;
//! - keys and plaintexts do not print.
//!
//! Source: CloudFront Developer Guide, "Use field-level encryption to help protect sensitive data"; AWS Encryption SDK
//! Developer Guide, "Message format".

pub mod config;
pub mod form;
pub mod message;

pub use config::{Configuration, FieldPattern, Profile, Recipient, Selection};
pub use form::Encrypted;

use std::fmt;

/// What a log says of a request whose behavior has field-level encryption (`fle-status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its fields were encrypted.
    Processed,
    /// Its content type is not configured, and such bodies go on as they are.
    ForwardedByContentType,
    /// Its query names no known profile, and such bodies go on as they are.
    ForwardedByQueryArgs,
    /// Its content type is configured without a profile.
    ForwardedDueToNoProfile,
    /// A field to encrypt is longer than [`form::FIELD_BYTES_MAX`].
    FieldLengthLimitClientError,
    /// The body has more than [`form::FIELDS_MAX`] fields.
    FieldNumberLimitClientError,
    /// The body is longer than [`form::BODY_BYTES_MAX`].
    RequestLengthLimitClientError,
    /// Its `Content-Type` is no media type.
    MalformedContentTypeClientError,
    /// Its body is no form, or broke off.
    MalformedInputClientError,
    /// Its query names more than one profile.
    MalformedQueryArgsClientError,
    /// Its content type is not configured, and such requests are refused.
    RejectedByContentType,
    /// Its query names no known profile, and such requests are refused.
    RejectedByQueryArgs,
    /// The edge could not encrypt.
    ServerError,
}

impl Status {
    /// The word in the log (CloudFront Developer Guide, "Standard log file fields", `fle-status`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Processed => "Processed",
            Self::ForwardedByContentType => "ForwardedByContentType",
            Self::ForwardedByQueryArgs => "ForwardedByQueryArgs",
            Self::ForwardedDueToNoProfile => "ForwardedDueToNoProfile",
            Self::FieldLengthLimitClientError => "FieldLengthLimitClientError",
            Self::FieldNumberLimitClientError => "FieldNumberLimitClientError",
            Self::RequestLengthLimitClientError => "RequestLengthLimitClientError",
            Self::MalformedContentTypeClientError => "MalformedContentTypeClientError",
            Self::MalformedInputClientError => "MalformedInputClientError",
            Self::MalformedQueryArgsClientError => "MalformedQueryArgsClientError",
            Self::RejectedByContentType => "RejectedByContentType",
            Self::RejectedByQueryArgs => "RejectedByQueryArgs",
            Self::ServerError => "ServerError",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
