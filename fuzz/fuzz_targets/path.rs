//! The fuzz target `path`; what it demands is in `src/path.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::path::hold(input));
