//! CloudFront's standard access logs (DG:standard-logs-reference): what a line says, and how one is written.
//!
//! | module | what it is |
//! |---|---|
//! | [`encoding`] | how a value stands in a field |
//! | [`time`] | dates as logs write them |
//! | [`read`] | a line of any of the formats, as an [`read::Entry`] |
//! | [`mod@write`] | a line from what an edge did |
//!
//! Always holds: a line that cannot be read says why, and no line is taken for another; reading allocates only where a value
//! was encoded. Deliberately absent: files, compression, and what anybody makes of an entry.

pub mod encoding;
pub mod read;
pub mod time;
pub mod write;
