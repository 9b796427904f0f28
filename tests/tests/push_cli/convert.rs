//! The files of 2009 become a job that a node takes.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::bench::{Bench, Outcome};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "the_sample_of_2009_becomes_a_job_that_check_and_a_dry_push_take",
        Need::SshdAndRoot,
        sample,
    ),
    (
        "hooks_made_of_a_script_are_scripts",
        Need::Nothing,
        hooks_are_scripts,
    ),
    (
        "a_conversion_is_written_as_a_whole_or_not_at_all",
        Need::Nothing,
        whole_or_not,
    ),
    (
        "a_dry_conversion_shows_every_line_and_writes_nothing",
        Need::Nothing,
        dry_run,
    ),
];

const CONFIG: &str = include_str!("../../samples/nextrel.cfg");
const SCRIPT: &str = include_str!("../../samples/jump2.sh");

/// The sample's files with the bench's partition and images, and what they name besides.
fn files(bench: &Bench, script: &str) -> Result<()> {
    let config = CONFIG
        .replace("/dev/sda1", "/dev/vda3")
        .replace("jump.system.tgz", "jump.tgz")
        .replace("target.pe1950.system.tgz", "target.tgz");
    bench.write("nextrel.cfg", &config)?;
    bench.write("jump2.sh", script)?;
    for name in ["rc.local.client", "rc.local.reconfigure.client"] {
        // The program that the bench's image has.
        bench.write(name, "#!/content\nlogger done\n")?;
    }
    Ok(())
}

fn convert(bench: &Bench, more: &[&str]) -> Result<Outcome> {
    let mut jumpimg = jump_tests::command("jumpimg");
    jumpimg.args(["convert", "nextrel.cfg", "--script", "jump2.sh"]);
    jumpimg.args(more).current_dir(bench.path(""));
    jumpimg.stdin(Stdio::null());
    Ok(jumpimg.output()?.into())
}

fn sample() -> Result<()> {
    let bench = Bench::new()?;
    files(&bench, SCRIPT)?;
    let outcome = convert(&bench, &["-o", "converted"])?;
    outcome.ended(0, "")?;
    ensure!(!outcome.stdout.contains("need a person"), "{outcome:?}");
    // The bench's images are what its adopt commands would make.
    fs::rename(bench.path("converted/job.toml"), bench.path("job.toml"))?;
    fs::rename(bench.path("converted/hooks"), bench.path("hooks"))?;
    let node = Node::old(&bench)?;
    let check = bench.run("check", &["node07"])?;
    check.ended(0, "")?;
    ensure!(check.stdout.contains("rc.local.client"), "{check:?}");
    bench.run("push", &["--dry-run", "node07"])?.ended(0, "")?;
    drop(node);
    Ok(())
}

fn hooks_are_scripts() -> Result<()> {
    let bench = Bench::new()?;
    let script = SCRIPT
        .replacen("    exit 0\n", "    pkill -u users\n    exit 0\n", 1)
        .replace("# Create rc.local", "cp -p /etc/a 'b c'\n# Create rc.local")
        .replace(
            "# Last hook",
            "if true; then\necho >/mnt/x\nfi\n# Last hook",
        );
    files(&bench, &script)?;
    convert(&bench, &["-o", "converted"])?.ended(0, "")?;
    for name in ["prep", "saved", "restored"] {
        let path = bench.path("converted/hooks").join(name);
        let read = Command::new("bash").arg("-n").arg(&path).output();
        let read = read.context("bash")?;
        ensure!(read.status.success(), "{name}: {read:?}");
    }
    Ok(())
}

fn whole_or_not() -> Result<()> {
    let bench = Bench::new()?;
    files(&bench, SCRIPT)?;
    fs::create_dir(bench.path("mine"))?;
    bench.write("mine/file", "")?;
    convert(&bench, &["-o", "mine"])?.ended(3, "[directory-not-empty]")?;
    bench.write("nextrel.cfg", "A=b\n")?;
    convert(&bench, &["-o", "new"])?.ended(2, "TARGET_PARTITION is not set")?;
    bench.write("nextrel.cfg", "nonsense\n")?;
    convert(&bench, &["-o", "new"])?.ended(2, "nextrel.cfg:1: ")?;
    convert(&bench, &[])?.ended(2, "--output")?;
    ensure!(!bench.path("new").exists(), "something was written");
    let names = fs::read_dir(bench.path(""))?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<Result<Vec<_>>>()?;
    let left = |name: &&std::ffi::OsString| name.to_string_lossy().starts_with('.');
    ensure!(names.iter().find(left).is_none(), "{names:?}");
    Ok(())
}

fn dry_run() -> Result<()> {
    let bench = Bench::new()?;
    files(&bench, SCRIPT)?;
    let shown = convert(&bench, &["--dry-run", "-o", "new"])?;
    shown.ended(0, "")?;
    ensure!(
        shown.stdout.contains("| 73 | `remote reboot` | dropped |"),
        "{shown:?}"
    );
    let told = convert(&bench, &["--dry-run", "--json"])?;
    let told: serde_json::Value = serde_json::from_str(&told.stdout)?;
    let lines = told["lines"].as_array().context("lines")?;
    let count = CONFIG.lines().count() + SCRIPT.lines().count();
    ensure!(lines.len() >= count, "{} of {count}", lines.len());
    ensure!(!bench.path("new").exists(), "something was written");
    Ok(())
}
