//! The fuzz target `event`; what it demands is in `src/event.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::event::hold(input));
