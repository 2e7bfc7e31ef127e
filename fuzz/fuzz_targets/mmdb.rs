//! The fuzz target `mmdb`; what it demands is in `src/mmdb.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::mmdb::hold(input));
