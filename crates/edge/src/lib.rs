//! A model of what CloudFront does with a request, without I/O and without a clock.
//!
//! It is the other side of the wire: it shares the HTTP rules with the gateway, and nothing else. Every rule names where
//! it comes from: `DG:x` is page `x` of the CloudFront Developer Guide. Where the guide is silent or contradicts itself
//! the model chooses, and the choice is a named switch in [`switches`]; by default it is the reading that is worse for
//! the owner of the content.
//!
//! What always holds: the time, randomness and configuration are arguments; every function is total over what a viewer
//! can send; times and lifetimes are whole seconds.
//!
//! Deliberately absent so far: the cache itself and its key, edge functions, custom error pages, response headers
//! policies, compression, legacy (`ForwardedValues`) settings. Each is absent, not approximated.
//!
//! In the order in which a request meets them: [`path`], [`pattern`], [`gate`], [`selection`], [`origin_request`],
//! [`freshness`], [`stale`], [`answer`].

pub mod switches;

pub mod path;

pub mod pattern;

pub mod gate;

pub mod selection;

pub mod accept_encoding;

pub mod headers;

pub mod origin_request;

pub mod freshness;

pub mod stale;

pub mod identity;

pub mod answer;

pub mod distribution;
