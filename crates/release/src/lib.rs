//! Releases: publish, verify, flip, rollback, preview, canary and collection, as a state machine over two ports.

pub mod manifest;
