//! The fuzz target `range`; what it demands is in `src/range.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::range::hold(input));
