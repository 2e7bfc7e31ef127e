//! The fuzz target `fields`; what it demands is in `src/fields.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::fields::hold(input));
