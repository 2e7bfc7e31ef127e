//! What must hold for any input at all, one module for each fuzz target.
//!
//! Two programs run these functions: the fuzz targets with made-up inputs (`cargo xtask prove`), and an ordinary test of
//! the suite with the seeds in `fuzz/seeds`, one folder for each target. The suite includes this file by its path, so
//! that the workspace needs no fuzzing engine.
//!
//! An input that broke something becomes a seed in the change that mends it.

/// A function that holds for any input, or panics.
pub type Hold = fn(&[u8]);

/// Every target and its function.
pub const TARGETS: &[(&str, Hold)] = &[
    ("event", event::hold),
    ("fields", fields::hold),
    ("manifest", manifest::hold),
    ("mmdb", mmdb::hold),
    ("path", path::hold),
    ("range", range::hold),
    ("signed_policy", signed_policy::hold),
];

pub mod event;
pub mod fields;
pub mod manifest;
pub mod mmdb;
pub mod path;
pub mod range;
pub mod signed_policy;
