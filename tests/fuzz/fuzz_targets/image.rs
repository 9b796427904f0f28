//! Any bytes as front and index of an image.
//!
//! The seed depends on the format, so it is not kept as a file: it is made at the start, before
//! libFuzzer reads the folder that `JUMP_FUZZ_SEEDS` names.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(init: { plant() }, |data: &[u8]| jumparchive::fuzzing::image(data));

fn plant() {
    if let Some(folder) = std::env::var_os("JUMP_FUZZ_SEEDS") {
        let seed = jumparchive::fuzzing::image_seed();
        std::fs::write(Path::new(&folder).join("made"), seed).expect("the seeds' folder is there");
    }
}
