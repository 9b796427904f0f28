//! Any bytes as the PAX records of one entry.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jumparchive::fuzzing::pax(data));
