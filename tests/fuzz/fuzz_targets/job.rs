//! Any text as a job file. What is read is printed, and reads as the same again.
#![no_main]

use jumpspec::job::Job;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(job) = Job::parse(text) else { return };
    let printed = toml::to_string(&job).expect("a job that was read can be printed");
    let again = Job::parse(&printed).expect("what was printed can be read");
    assert_eq!(again, job, "printed as\n{printed}");
});
