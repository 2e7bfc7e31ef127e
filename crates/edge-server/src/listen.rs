//! The server that viewers talk to.

/// x
pub const TARGET_BYTES_MAX: usize = 8_192;

/// y
pub const HEADER_BYTES_MAX: usize = 32_768;

/// The HTTP version of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}
