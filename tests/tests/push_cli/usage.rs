//! What is wrong before any node is reached, and a node that is not there.

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    ("a_missing_job_file_is_named", Need::Nothing, missing_job),
    ("bad_toml_is_named_with_its_line", Need::Nothing, bad_toml),
    (
        "an_unknown_key_is_named_with_its_line",
        Need::Nothing,
        unknown_key,
    ),
    ("a_missing_image_is_named", Need::Nothing, missing_image),
    (
        "a_file_that_is_no_image_is_refused",
        Need::Nothing,
        no_image,
    ),
    (
        "a_missing_jumpinit_is_named",
        Need::Nothing,
        missing_jumpinit,
    ),
    ("an_option_of_ssh_is_no_node", Need::Nothing, option_as_node),
    (
        "an_unreachable_node_carries_the_words_of_ssh",
        Need::Nothing,
        unreachable,
    ),
    (
        "status_and_logs_of_an_unknown_node_fail_with_a_hint",
        Need::Nothing,
        unknown_node,
    ),
];

fn missing_job() -> Result<()> {
    let bench = Bench::new()?;
    std::fs::remove_file(bench.path("job.toml"))?;
    let outcome = bench.run("push", &["node07"])?;
    outcome.ended(2, "job.toml: No such file or directory")?;
    ensure!(outcome.stderr.lines().count() <= 3, "{outcome:?}");
    Ok(())
}

fn bad_toml() -> Result<()> {
    let bench = Bench::new()?;
    bench.write("job.toml", "[images]\njump = \n")?;
    bench
        .run("check", &["node07"])?
        .ended(2, "job.toml:2:8: `jump`: ")
}

fn unknown_key() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(
        "job.toml",
        &format!("{}\n[landing]\nsize = 3\n", crate::sample::JOB),
    )?;
    bench
        .run("check", &["node07"])?
        .ended(2, "`size`: unknown field `size`")
}

fn missing_image() -> Result<()> {
    let bench = Bench::new()?;
    std::fs::remove_file(bench.path("target.tar.zst"))?;
    bench
        .run("check", &["node07"])?
        .ended(2, "cannot open the target image")
}

fn no_image() -> Result<()> {
    let bench = Bench::new()?;
    bench.write("jump.tar.zst", "something else")?;
    bench.run("check", &["node07"])?.ended(3, "[not-an-image]")
}

fn missing_jumpinit() -> Result<()> {
    let bench = Bench::new()?;
    std::fs::remove_file(bench.path("jumpinit"))?;
    bench
        .run("check", &["node07"])?
        .ended(2, "[jumpinit-missing]")
}

fn option_as_node() -> Result<()> {
    bench_refuses("-oProxyCommand=true")
}

fn bench_refuses(node: &str) -> Result<()> {
    Bench::new()?
        .run("check", &["--", node])?
        .ended(2, "is no host name [bad-node-set]")
}

fn unreachable() -> Result<()> {
    let bench = Bench::new()?;
    // Nobody listens at port 1.
    let outcome = bench.run("check", &["--json", "node07"])?;
    outcome.ended(
        1,
        "error: node07: ssh: connect to host 127.0.0.1 port 1: Connection refused",
    )?;
    outcome.ended(1, "hint: see that `ssh node07 true` works")?;
    let told = outcome.json()?;
    ensure!(told[0]["errors"][0]["code"] == "unreachable", "{told:?}");
    Ok(())
}

fn unknown_node() -> Result<()> {
    let bench = Bench::new()?;
    for command in ["status", "logs"] {
        bench.run(command, &["node07"])?.ended(1, "[unreachable]")?;
    }
    Ok(())
}
