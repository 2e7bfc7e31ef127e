//! The fuzz target `signed_policy`; what it demands is in `src/signed_policy.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::signed_policy::hold(input));
