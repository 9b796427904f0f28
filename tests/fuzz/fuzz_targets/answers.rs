//! Any text as what a node answers, and what jumpimg makes of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &str| jumpspec::fuzzing::answers(said));
