//! What is known of who asks: the viewer's address, the networks it is in, and its country.
//!
//! Everything here turns hostile or foreign bytes (a request header, an address list, a country database) into a fact
//! with a closed reason when there is none. Three things always hold:
//!
//! - An address is folded once, where it is parsed: an IPv4-mapped IPv6 address *is* the IPv4 address.
//! - Unknown is a value, never a default: no address, no database and no country are different facts, and none of them
//!   looks like a country.
//! - Nothing is read from a clock, a file or the environment. Bytes and the time come as arguments.
//!
//! Deliberately absent: who may be believed (the proof of origin decides that), what follows from a fact (the policy
//! decides that), and any notion of city, region or network operator.
//!
//! In reading order: [`address`], [`network`], [`set`], [`prefixes`], [`country`], [`geo`], [`database`], [`table`].

pub mod address;
pub mod network;
pub mod set;

pub mod prefixes;

pub mod country;
pub mod geo;

pub mod database;
pub mod table;

#[cfg(test)]
mod fixtures;
