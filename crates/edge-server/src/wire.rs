//! HTTP/1.1 as bytes, for both ends: heads, framing, and reads and writes that have a limit in time.
//!
//! Always holds: lines end with CRLF and with nothing else; a message that two parsers could cut in two ways is refused
//! (RFC 9112 §11.2). Deliberately absent: upgrades, trailers for whoever reads (they are checked and dropped).

pub(crate) mod framing;
pub(crate) mod head;
pub(crate) mod transport;
pub(crate) mod watch;
