//! The fuzz target `manifest`; what it demands is in `src/manifest.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::manifest::hold(input));
