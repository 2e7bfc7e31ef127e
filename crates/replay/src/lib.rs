//! A log under other rules: who would newly be refused or admitted, and what a cache would make of the same requests.
//!
//! | module | what it is |
//! |---|---|
//! | [`rules`] | a site's judge, asked about what a log tells of a request |
//! | [`caching`] | the hit ratio that the keys and lifetimes of a site would give |
//! | [`tally`] | counts in bounded memory |
//! | [`replay`] | the lines of a log, one after the other |
//!
//! Always holds: the judge is the gateway's; memory does not grow with the log; a line that cannot be read or decided is
//! counted with the place of the first ones. Deliberately absent: files and clocks.

pub mod caching;
pub mod replay;
pub mod rules;
pub mod tally;
