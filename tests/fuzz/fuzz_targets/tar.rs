//! Any bytes as a tar stream.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jumparchive::fuzzing::tar(data));
