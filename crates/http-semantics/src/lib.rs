//! http-semantics
