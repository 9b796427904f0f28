//! The page of a fleet of 1,000 nodes: as a file, and in a browser, where there is one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::bench::Bench;
use crate::fleet_sample::{RUN, Sample};
use crate::node::Node;
use crate::{Case, Need, sample};

pub(crate) const CASES: &[Case] = &[
    (
        "a_fleet_has_a_page_with_every_node_reason_and_plan",
        Need::Nothing,
        has_all,
    ),
    (
        "the_page_of_a_fleet_goes_where_it_is_told_and_leads_to_the_logs_from_there",
        Need::Nothing,
        elsewhere,
    ),
    (
        "a_browser_draws_a_thousand_nodes_in_under_two_seconds_and_finds_one",
        Need::Browser,
        in_a_browser,
    ),
    (
        "a_fleet_leaves_its_page_and_numbers_and_tells_the_admins_program",
        Need::Sshd,
        leaves_all,
    ),
    (
        "a_program_for_the_end_of_a_fleet_that_is_none_is_told_before_anything_is_done",
        Need::Nothing,
        no_program,
    ),
];

/// Debian's.
pub(crate) const BROWSER: &str = "/usr/bin/chromium";
/// A thousand lanes are there after so long (issue 13), in seconds.
const OPENED: f64 = 2.0;
/// So often it is opened at most.
const OPENINGS: usize = 5;

fn report(sample: &Sample, arguments: &[&str]) -> Result<String> {
    let mut jumpimg = jump_tests::command("jumpimg");
    jumpimg.args(["fleet", "report", RUN]).args(arguments);
    jumpimg.arg("--state-dir").arg(sample.state());
    let output = jumpimg.stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn has_all() -> Result<()> {
    let sample = Sample::write(1000)?;
    let told = report(&sample, &[])?;
    let path = PathBuf::from(told.trim_end());
    ensure!(
        path == sample.state().join("fleets").join(RUN).join("report.html"),
        "{told}"
    );
    let page = std::fs::read_to_string(path)?;
    for text in [
        "<b>Stopped:</b> 3 nodes have failed with filesystem-failed",
        "unreachable",
        "landing-too-small",
        "href=\"../../runs/",
        "/events.jsonl\"",
        "made anew",
        "out of service",
        "\"n\":\"node1000\"",
    ] {
        ensure!(page.contains(text), "{text} is not in the page");
    }
    ensure!(page.matches("<script").count() == 2, "a third script");
    Ok(())
}

fn elsewhere() -> Result<()> {
    let sample = Sample::write(20)?;
    let file = sample.state().join("my page.html");
    let told = report(&sample, &["-o", &file.display().to_string(), "--json"])?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    ensure!(told["path"] == file.display().to_string(), "{told}");
    let page = std::fs::read_to_string(&file)?;
    let runs = format!("href=\"file://{}/runs/", sample.state().display());
    ensure!(page.contains(&runs), "no {runs}");
    ensure!(
        !sample
            .state()
            .join("fleets")
            .join(RUN)
            .join("report.html")
            .exists()
    );
    Ok(())
}

fn in_a_browser() -> Result<()> {
    let sample = Sample::write(1000)?;
    let page = report(&sample, &[])?;
    let address = format!("file://{}#node0777", page.trim_end());
    let mut fastest = f64::INFINITY;
    // Whatever else this machine does has a part in a time: the page is as fast as it can be.
    for _ in 0..OPENINGS {
        let dump = dump(&address)?;
        let said = |from: &str, to: &str| -> Result<&str> {
            let (_, rest) = dump
                .split_once(from)
                .with_context(|| format!("no {from}"))?;
            Ok(rest.split_once(to).context("no end")?.0)
        };
        let shown = said("id=\"shown\" aria-live=\"polite\">", "<")?;
        ensure!(shown == "1 of 1,000 nodes are shown.", "{shown}");
        let node = said("id=\"node\" aria-live=\"polite\">", "id=\"tip\"")?;
        for text in ["<h3>", "node0777", "/events.jsonl", "jump system"] {
            ensure!(node.contains(text), "no {text} in {node}");
        }
        fastest = fastest.min(said("Drawn ", " s after it was opened")?.parse()?);
        if fastest < OPENED {
            println!("1,000 lanes were drawn {fastest} s after the page was opened");
            return Ok(());
        }
    }
    bail!("1,000 lanes were drawn {fastest} s after the page was opened");
}

/// A job whose fleets tell `told` of their end.
fn with_program(bench: &Bench) -> Result<()> {
    let job = format!("{}\n[hooks]\nfleet_done = \"told\"\n", sample::JOB);
    bench.write("job.toml", &job)?;
    bench.write("told", "#!/bin/sh\ncat >\"${0%/*}/heard\"\n")
}

fn leaves_all() -> Result<()> {
    let bench = Bench::new()?;
    let _node = Node::old(&bench)?;
    with_program(&bench)?;
    let told = bench.path("told");
    std::fs::set_permissions(&told, std::fs::Permissions::from_mode(0o755))?;
    let metrics = bench.path("jump.prom").display().to_string();
    let arguments = ["--yes", "--stage-only", "--metrics", &metrics, "node07"];
    let outcome = bench.run("push", &arguments)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    let heard: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(bench.path("heard"))?)?;
    ensure!(
        heard["staged"] == "node07" && heard["state"] == "staged",
        "{heard}"
    );
    let page = heard["report"].as_str().context("no page")?;
    ensure!(outcome.stderr.contains(page), "{outcome:#?}");
    let page = std::fs::read_to_string(page)?;
    ensure!(
        page.contains("\"n\":\"node07\",\"s\":\"staged\",\"b\":[[\"s\",")
            && page.contains("<pre>node07: ")
    );
    let numbers = std::fs::read_to_string(metrics)?;
    ensure!(
        numbers.contains("state=\"staged\"} 1\n") && numbers.contains("state=\"untouched\"} 0\n"),
        "{numbers}"
    );
    Ok(())
}

fn no_program() -> Result<()> {
    let bench = Bench::new()?;
    with_program(&bench)?;
    let outcome = bench.run("check", &["node07"])?;
    outcome.ended(2, "told is no program")
}

/// What a browser has made of a page.
fn dump(address: &str) -> Result<String> {
    let home = tempfile::tempdir()?;
    let mut browser = Command::new("timeout");
    // A browser that hangs is no reason to wait for.
    browser.args(["--kill-after=5", "120", BROWSER]);
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]);
    browser.arg(format!("--user-data-dir={}", home.path().display()));
    browser.arg("--timeout=60000");
    let output = browser.arg(address).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}
