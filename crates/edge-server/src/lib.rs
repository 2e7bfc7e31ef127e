//! The two ends of the edge: the server that viewers talk to, and the connections to origins.
//!
//! Between them stands whatever implements [`listen::Handler`]; it is asked for one answer per request, and asks origins
//! through [`origins::OriginConnector`]. Neither end knows a distribution, a cache or a policy; [`drive`] puts the model of
//! CloudFront there.
//!
//! What always holds:
//! - what one message says about its end, both sides of it read the same way, or the message is refused;
//! - fields keep their order and their spelling, and the target its bytes, in both directions over HTTP/1.1;
//! - every wait, buffer and list has a limit.
//!
//! Reading order: [`fields`], [`body`], [`listen`], [`origins`], [`drive`].

pub mod body;
pub mod drive;
pub mod fields;
pub mod listen;
pub mod origins;
mod wire;
