//! Any bytes as the two files of 2009, with a zero byte between them, made into a job.
#![no_main]

use jumpspec::conversion::{Conversion, JOB, Origin, Read, Source, Sources};
use jumpspec::job::Job;
use jumpspec::nextrel::Config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (config, script) = text.split_once('\0').unwrap_or((&text, ""));
    let Ok(statements) = Config::parse(config.as_bytes()) else {
        return;
    };
    let read = |file: &str| match file.len() % 3 {
        0 => Read::No("it is not there".to_owned()),
        _ => Read::Text(script.to_owned()),
    };
    let source = |name, text| Source { name, text };
    let sources = Sources {
        config: source("nextrel.cfg", config),
        statements: &statements,
        script: (!script.is_empty()).then_some(source("jump2.sh", script)),
        read: &read,
        directory: "jobs/site",
    };
    match Conversion::of(&sources) {
        Ok(conversion) => look(&conversion, config, script),
        Err(wrong) => assert!(!wrong.reason.is_empty() && !wrong.cure.is_empty()),
    }
});

fn look(conversion: &Conversion, config: &str, script: &str) {
    for (file, text) in [(Origin::Config, config), (Origin::Script, script)] {
        let of_file = conversion.lines.iter().filter(|entry| entry.file == file);
        let mut told: Vec<usize> = of_file.map(|entry| entry.line).collect();
        told.dedup();
        assert!(told.iter().copied().eq(1..=text.lines().count()), "{told:?}");
    }
    for entry in conversion.for_a_person() {
        assert!(entry.cure.is_some() && !entry.why.is_empty(), "{entry:?}");
    }
    for file in &conversion.files {
        assert!(!file.is_program || file.text.starts_with("#!"), "{}", file.path);
        if file.path == JOB {
            let job = Job::parse(&file.text);
            assert!(job.is_ok(), "{job:?}\n{}", file.text);
        }
    }
    let rows = conversion.list().lines().filter(|line| line.starts_with('|'));
    for row in rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 5, "{row}");
        assert!(!row.contains(char::is_control), "{row:?}");
    }
}
