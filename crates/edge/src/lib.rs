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
//! [`network`] is where to begin: a [`network::Network`] of points of presence plays a [`distribution::Distribution`], and
//! each request is an [`exchange::Exchange`] that the caller drives, step by step, with the time as an argument.
//!
//! Deliberately absent: sockets, the engines that run edge functions, the readers of configurations, and what nobody
//! outside knows, such as AWS WAF ([`distribution::unsupported`] names it).
//!
//! The rules, in the order in which a request meets them: [`alias`], [`path`], [`pattern`], [`gate`], [`key`], [`store`],
//! [`collapse`], [`selection`], [`origin_request`], [`failover`], [`freshness`], [`stale`], [`compress`], [`range`],
//! [`respond`], [`answer`].

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

pub mod compute;

pub mod origin_failure;

pub mod answer;

pub mod distribution;

pub mod alias;

pub mod key;

pub mod collapse;

pub mod failover;

pub mod tags;

pub mod range;

pub mod compress;

pub mod respond;

pub mod store;

pub mod played;

pub mod trace;

pub mod network;

pub mod exchange;

pub mod invalidation;
