//! RFC 9110 and RFC 9111 as far as a read-only origin and a cache need them: validators, preconditions, ranges,
//! freshness directives, dates and content negotiation.
//!
//! What always holds:
//! - every parser is total: any bytes give a value or a typed refusal, never a panic, in time linear in their length;
//! - every list has a stated limit, and what lies beyond a limit is read in the safe direction, which the parser names;
//! - nothing reads a clock, and times are seconds since 1970-01-01T00:00:00Z.
//!
//! Deliberately absent: header maps, requests and responses (callers pass field values as bytes), media types, bodies,
//! and anything about the product or about CloudFront. A field sent in several lines is joined with `, ` by the caller,
//! as RFC 9110 §5.3 allows.
//!
//! Reading order: [`method`], [`field`], [`date`], [`etag`], [`preconditions`], [`range`], [`negotiation`],
//! [`cache_control`].

pub mod method;

pub mod field;

pub mod date;

pub mod etag;

pub mod preconditions;

pub mod range;

pub mod negotiation;

pub mod cache_control;

pub use cache_control::CacheControl;
pub use date::HttpDate;
pub use etag::{EntityTag, EntityTagList};
pub use field::FieldValue;
pub use method::Method;
pub use negotiation::{Coding, preferred};
pub use preconditions::{Precondition, Preconditions, Validators};
pub use range::{ByteRange, RangeRequest, RangeSpec, Resolved, parse_range};
