//! How runs end: for several hosts, with a lost connection, by Ctrl-C.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{node, run};
use crate::bench::{Bench, Outcome, wait_for};

/// node08 is not there.
pub(super) fn two_hosts() -> Result<()> {
    let bench = Bench::new()?;
    let _node = node(&bench)?;
    let config = fs::read_to_string(bench.path("ssh_config"))?;
    bench.write(
        "ssh_config",
        &format!("{config}Host node08\n  HostName 127.0.0.1\n  Port 1\n"),
    )?;
    let outcome = run(
        &bench,
        "local echo one\nremote echo two\n",
        &["--json", "node08"],
    )?;
    outcome.ended(4, "node08  failed, ")?;
    outcome.ended(4, "node07  done, ")?;
    let told = outcome.json()?;
    let told_of = |event: &str, node: &str| {
        let of = told
            .iter()
            .filter(|it| it["event"] == *event && it["node"] == *node);
        of.map(|it| it["text"].clone()).collect::<Vec<_>>()
    };
    ensure!(told_of("line", "node08").is_empty(), "{told:?}");
    ensure!(told_of("line", "node07") == [json!("local echo one"), json!("remote echo two")]);
    ensure!(told_of("output", "node07") == [json!("one"), json!("two")]);
    ensure!(told[0]["errors"][0]["code"] == "unreachable", "{told:?}");
    let report = &told[told.len() - 1]["report"];
    ensure!(
        report[0]["end"] == "failed" && report[1]["end"] == "done",
        "{report}"
    );
    ensure!(
        report[0]["line"].is_null() && report[1]["line"] == 2,
        "{report}"
    );
    Ok(())
}

pub(super) fn lost_connection() -> Result<()> {
    let bench = Bench::new()?;
    let _node = node(&bench)?;
    let dropped = run(&bench, "remote drop\n", &[])?;
    dropped.ended(1, "nextrel.cfg:1: `remote drop`: ")?;
    dropped.ended(1, "[unreachable]")?;
    let not_last = run(&bench, "remote reboot\nremote true\n", &[])?;
    not_last.ended(1, "nextrel.cfg:1: `remote reboot`: ")?;
    let last = run(&bench, "remote (sync; reboot)\nprint gone\n", &[])?;
    last.ended(0, "as a reboot's does")?;
    ensure!(last.stdout == "gone\n", "{last:#?}");
    Ok(())
}

pub(super) fn interrupted() -> Result<()> {
    let bench = Bench::new()?;
    let begun = bench.path("begun");
    bench.write(
        "nextrel.cfg",
        &format!(
            "print a\nlocal touch {}; exec sleep 60\nprint b\n",
            begun.display()
        ),
    )?;
    let cfg = bench.path("nextrel.cfg").display().to_string();
    let arguments = ["-cfg", &cfg, "node07", "node08"];
    let child = bench.command("jump2nr", &arguments).spawn()?;
    wait_for(&begun)?;
    let pid = child.id().to_string();
    ensure!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()?
            .success()
    );
    let outcome = Outcome::from(child.wait_with_output()?);
    outcome.ended(130, "nextrel.cfg:2: `local touch ")?;
    outcome.ended(130, "node07  interrupted at line 2, ")?;
    outcome.ended(130, "node08  not begun, ")?;
    ensure!(outcome.stdout == "a\n", "{outcome:#?}");
    Ok(())
}
