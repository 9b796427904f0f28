//! `cargo xtask faults`: runs the tests of the fault matrix and prints it: each fault, where a node may
//! end, where it has ended, and how long it took to SSH.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::RangedI64ValueParser;
use jumplab::experiments::faults::{self, End, ONLY, ROWS, Record, Row};
use jumplab::table::Table;
use jumplab::{dist, images, packages, run, workspace};
use serde_json::json;

/// The stage of these tests; the names of its cases begin with `row_NN_`.
const STAGE: &str = "faults";

/// What to try, and how to print it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// This row alone; may be given several times
    #[arg(long, value_name = "N", value_parser = numbers())]
    pub(crate) row: Vec<u8>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

fn numbers() -> RangedI64ValueParser<u8> {
    let last = ROWS.iter().map(|row| row.number).max();
    RangedI64ValueParser::new().range(1..=last.unwrap_or_default().into())
}

/// Runs the tests and prints the matrix. Fails if a test does, or a row that should have tests has none.
pub(crate) fn faults(options: &Options) -> Result<()> {
    packages::ensure(&[packages::TESTS, packages::VM].concat())?;
    let dist = dist::build()?;
    images::build_all(&dist)?;
    faults::clear()?;
    let passed = run::show(&mut tests(options)).is_ok();
    let records = faults::read()?;
    if options.json {
        for line in lines(options, &records) {
            println!("{line}");
        }
    } else {
        print!("{}", text(options, &records));
    }
    let bare = chosen(options).find(|row| {
        row.untested.is_none() && !records.iter().any(|record| record.row == row.number)
    });
    match bare {
        _ if !passed => bail!("some tests failed"),
        Some(row) => bail!("row {} was not tried", row.number),
        None => Ok(()),
    }
}

/// The command that runs the tests, without an argument for them.
pub(crate) fn test_command() -> Command {
    let mut cargo = run::command("cargo", ["test", "--workspace", "--test", STAGE]);
    cargo
        .current_dir(workspace::root())
        .env("JUMP_DIST", workspace::target("dist"))
        .env("JUMP_IMAGES", workspace::target("images"));
    cargo
}

fn tests(options: &Options) -> Command {
    let mut cargo = test_command();
    if !options.row.is_empty() {
        let rows: Vec<String> = options.row.iter().map(|row| format!("{row:02}")).collect();
        cargo.env(ONLY, rows.join(","));
    }
    cargo
}

fn chosen(options: &Options) -> impl Iterator<Item = &'static Row> {
    let wanted = |row: &&Row| options.row.is_empty() || options.row.contains(&row.number);
    ROWS.iter().filter(wanted)
}

fn text(options: &Options, records: &[Record]) -> String {
    let mut matrix = Table::new(
        7,
        &["row", "when", "fault", "expected", "seen", "SSH", "reason"],
    );
    for row in chosen(options) {
        let head = |fault: &str, seen: &str, ssh: &str, reason: &str| {
            [
                &row.number.to_string(),
                row.when,
                fault,
                &row.expected(),
                seen,
                ssh,
                reason,
            ]
            .map(str::to_owned)
            .to_vec()
        };
        if let Some(why) = row.untested {
            matrix.row(head(row.fault, "-", "-", why));
        }
        for record in records.iter().filter(|record| record.row == row.number) {
            let seen = record.seen.map_or("LOST", End::name);
            let ssh = record
                .ssh
                .map_or_else(|| "-".to_owned(), |ssh| format!("{ssh:.0} s"));
            let reason = record.reason.as_deref().unwrap_or_default();
            matrix.row(head(
                &record.fault,
                seen,
                &ssh,
                reason.lines().next().unwrap_or_default(),
            ));
        }
    }
    matrix.text()
}

fn lines(options: &Options, records: &[Record]) -> Vec<String> {
    let line = |row: &Row| {
        let seen: Vec<&Record> = records
            .iter()
            .filter(|record| record.row == row.number)
            .collect();
        json!({
            "row": row.number,
            "fault": row.fault,
            "when": row.when,
            "expected": row.ends,
            "untested": row.untested,
            "seen": seen,
        })
        .to_string()
    };
    chosen(options).map(line).collect()
}
