//! The way of 2009: configuration files run here and on a node whose partitions are files.

mod ends;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use anyhow::{Context as _, Result, ensure};

use crate::bench::{Bench, Outcome};
use crate::hostile::{HOSTILE, is_harmless};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "jump2nr_runs_a_file_line_by_line_here_and_there",
        Need::SshdAndRoot,
        whole,
    ),
    (
        "jump2nr_goes_on_from_a_line_without_formatting_again",
        Need::SshdAndRoot,
        from_a_line,
    ),
    (
        "jump2nr_takes_no_partition_that_may_hold_something",
        Need::SshdAndRoot,
        refused,
    ),
    (
        "jump2nr_runs_nothing_when_it_is_dry",
        Need::Nothing,
        dry_run,
    ),
    (
        "jump2nr_tells_all_that_is_wrong_with_a_file_before_it_connects",
        Need::Nothing,
        wrong_file,
    ),
    ("jump2nr_is_a_name_of_the_program", Need::Nothing, old_name),
    (
        "jump2nr_shows_and_keeps_what_a_node_says_harmless_and_bounded",
        Need::SshdAndRoot,
        hostile,
    ),
    (
        "jump2nr_tells_programs_and_ends_with_4_where_one_of_two_fails",
        Need::SshdAndRoot,
        ends::two_hosts,
    ),
    (
        "jump2nr_takes_a_lost_connection_for_a_reboot_only_where_one_was_ordered_last",
        Need::SshdAndRoot,
        ends::lost_connection,
    ),
    (
        "jump2nr_is_interrupted_at_its_line",
        Need::Nothing,
        ends::interrupted,
    ),
];

/// A node as in 2009.
const NODE: &[(&str, &str)] = &[
    (
        "swaps",
        "Filename Type Size Used Priority\n/dev/sda2 partition 1951888 0 -1\n",
    ),
    ("mounts", "/dev/sda3 / ext3 rw 0 0\n"),
    (
        "partitions",
        "major minor #blocks name\n\n8 2 1951888 sda2\n8 3 6000000 sda3\n8 5 1951888 sda5\n",
    ),
    (
        "blkid",
        "/dev/sda2: TYPE=\"swap\"\n/dev/sda3: TYPE=\"ext3\"\n",
    ),
];

/// The programs that the node has of its own.
const PROGRAMS: [&str; 9] = [
    "cat",
    "blkid",
    "swapoff",
    "mkfs.ext3",
    "sfdisk",
    "mount",
    "umount",
    "reboot",
    "drop",
];

/// The node, ready.
fn node(bench: &Bench) -> Result<Node<'_>> {
    let node = Node::old(bench)?;
    for (name, text) in NODE {
        bench.write(name, text)?;
    }
    let directory = bench.path("").display().to_string();
    let login = include_str!("login.sh").replace("@DIR@", directory.trim_end_matches('/'));
    bench.write("wrapper", &login)?;
    let bin = bench.path("bin");
    fs::create_dir(&bin)?;
    fs::write(bin.join("program"), include_str!("program.sh"))?;
    fs::set_permissions(bin.join("program"), fs::Permissions::from_mode(0o755))?;
    for name in PROGRAMS {
        symlink("program", bin.join(name))?;
    }
    bench.write("changes", "")?;
    Ok(node)
}

/// Runs the file with these lines for node07.
fn run(bench: &Bench, lines: &str, more: &[&str]) -> Result<Outcome> {
    let lines = lines.replace(
        "@DIR@",
        bench.path("").to_string_lossy().trim_end_matches('/'),
    );
    bench.write("nextrel.cfg", &lines)?;
    let cfg = bench.path("nextrel.cfg").display().to_string();
    bench.run("jump2nr", &[&["-cfg", &cfg], more, &["node07"]].concat())
}

fn read(bench: &Bench, name: &str) -> Result<String> {
    fs::read_to_string(bench.path(name)).with_context(|| name.to_owned())
}

/// The text of the run's only log.
fn log(bench: &Bench) -> Result<String> {
    let mut logs = fs::read_dir(bench.path("state/jump2nr"))?;
    let log = logs.next().context("no log")??;
    ensure!(logs.next().is_none());
    ensure!(log.metadata()?.permissions().mode() & 0o777 == 0o600);
    Ok(fs::read_to_string(log.path())?)
}

const WHOLE: &str = "\
# as in 2009
TAR = /tars/jump.tgz
NAME=`basename %TAR%`
print It's %NAME% for %_HOST%
local echo \"here $((6 * 7))\"; echo aside >&2
remote echo there $D; echo %_HOST% >>$D/changes
jump(usepartition, swap)
remote (echo %_JUMPPARTITION% %_JUMPDEV% %_JUMPDEVICEID% %_MOUNTDIR%)
local grep -c here.4[2] %_LOGFILE%
Showvars()
remote reboot
";

fn whole() -> Result<()> {
    let bench = Bench::new()?;
    let _node = node(&bench)?;
    let outcome = run(&bench, WHOLE, &[])?;
    outcome.ended(0, "warning: this is the way of 2009")?;
    outcome.ended(0, "hint: `jumpimg convert ")?;
    outcome.ended(
        0,
        "node07: the connection ended with it, as a reboot's does",
    )?;
    let directory = bench.path("").display().to_string();
    let said = outcome
        .stdout
        .replace(directory.trim_end_matches('/'), "DIR");
    let said: Vec<&str> = said.lines().collect();
    let wanted = [
        "It's jump.tgz for node07",
        "  here 42",
        "  aside",
        "  there DIR",
        "  /dev/sda2 /dev/sda hd0,1 /media/jump",
        "  1",
        "_HOST=node07",
    ];
    ensure!(said.starts_with(&wanted), "{outcome:#?}");
    let last = "_MOUNTDIR=/media/jump";
    ensure!(said.last() == Some(&last), "{outcome:#?}");
    let changes = "node07\nswapoff /dev/sda2\nmkfs.ext3 -q -F -I 128 -L jump2nr /dev/sda2\nsfdisk -q --no-reread --no-tell-kernel --part-type /dev/sda 2 83\nmount -t ext3 /dev/sda2 /media/jump\nreboot \n";
    ensure!(
        read(&bench, "changes")? == changes,
        "{}",
        read(&bench, "changes")?
    );
    let log = log(&bench)?;
    for line in [
        "   3 > NAME=`basename /tars/jump.tgz`",
        "   5 | aside",
        "  11 # done",
    ] {
        ensure!(log.contains(line), "no {line:?} in {log}");
    }
    Ok(())
}

const FROM: &str = "\
MADE=`echo made >>@DIR@/changes; echo %_HOST%`
remote echo before >>$D/changes
jump(usepartition, swap, /media/jump)
remote test -e $D/mended; echo it is; exit 7
remote echo %MADE% %_JUMPPARTITION% >>$D/changes
";

fn from_a_line() -> Result<()> {
    let bench = Bench::new()?;
    let _node = node(&bench)?;
    let outcome = run(&bench, FROM, &[])?;
    outcome.ended(1, "nextrel.cfg:4: `remote test -e $D/mended; echo it is; exit 7` ended with exit status 7 [line-failed]")?;
    outcome.ended(1, "hint: mend it, and go on with --from 4")?;
    outcome.ended(1, "node07  failed at line 4, ")?;
    ensure!(log(&bench)?.contains("   4 ! "));
    bench.write("changes", "")?;
    let outcome = run(&bench, &FROM.replace("exit 7", ""), &["--from", "4"])?;
    outcome.ended(0, "node07: /dev/sda2 is found again, and is not formatted")?;
    ensure!(outcome.stdout == "  it is\n", "{outcome:#?}");
    let changes = read(&bench, "changes")?;
    ensure!(changes == "made\nnode07 /dev/sda2\n", "{changes}");
    bench.write("blkid", "/dev/sda2: TYPE=\"swap\"\n")?;
    let outcome = run(&bench, FROM, &["--from", "4"])?;
    outcome.ended(
        1,
        "nextrel.cfg:3: the partition that this line has made is not on the node",
    )?;
    run(&bench, FROM, &["--from", "6"])?.ended(2, "has no line 6: it ends at line 5 [no-line]")
}

fn refused() -> Result<()> {
    let bench = Bench::new()?;
    let _node = node(&bench)?;
    let refused = |partition: &str, why: &str| {
        let lines =
            format!("print on\njump(usepartition, {partition})\nremote echo no >>$D/changes\n");
        let outcome = run(&bench, &lines, &[])?;
        outcome.ended(1, &format!("nextrel.cfg:2: {why}"))?;
        ensure!(read(&bench, "changes")?.is_empty(), "{outcome:#?}");
        Ok(())
    };
    refused("/dev/sda3", "/dev/sda3 is mounted at /")?;
    refused(
        "/dev/sda5",
        "/dev/sda5 is not swap: it holds nothing that blkid knows",
    )?;
    refused("/dev/sda9", "the node has no partition /dev/sda9")?;
    refused("sda2", "\"sda2\" is neither swap nor a device below /dev")?;
    bench.write(
        "blkid",
        "/dev/sda2: TYPE=\"swap\"\n/dev/sda5: TYPE=\"swap\"\n",
    )?;
    refused(
        "swap",
        "the node has several swap partitions: /dev/sda2, /dev/sda5",
    )
}

/// The sample of 2009 itself.
fn dry_run() -> Result<()> {
    let bench = Bench::new()?;
    let sample = include_str!("../../../samples/nextrel.cfg");
    let outcome = run(&bench, sample, &["--dry-run", "--from", "59"])?;
    outcome.ended(0, "warning: this is the way of 2009")?;
    let first = "  59  print Run target setup processing on node07\n  60  remote /jumpfiles/jump2.sh save /dev/sda1 /media/jump /jumpfiles /jumpfiles %NEW_TARGET_TAR%\n";
    ensure!(outcome.stdout.starts_with(first), "{outcome:#?}");
    ensure!(
        outcome.stdout.ends_with("  73  remote reboot\n"),
        "{outcome:#?}"
    );
    ensure!(
        outcome.stdout.contains("s:hd0,0:%_JUMPDEVICEID%:"),
        "{outcome:#?}"
    );
    let lines =
        "V=`touch @DIR@/run`\nlocal touch @DIR@/run\nremote true\njump(usepartition, %V%)\n";
    let outcome = run(&bench, lines, &["--dry-run", "--json"])?;
    ensure!(
        outcome.code == Some(0) && outcome.json()?.len() == 4,
        "{outcome:#?}"
    );
    ensure!(!bench.path("run").exists() && !bench.path("state").exists());
    run(&bench, "jump(usepartition, sda2)\n", &["--dry-run"])?.ended(1, "neither swap nor a device")
}

fn wrong_file() -> Result<()> {
    let bench = Bench::new()?;
    let outcome = run(&bench, "local touch @DIR@/run\nlocl ls\nprint %A%\n", &[])?;
    outcome.ended(
        2,
        "nextrel.cfg:2: \"locl\" does not begin a statement [cfg-line]",
    )?;
    outcome.ended(
        2,
        "nextrel.cfg:3: %A% is not defined above this line [cfg-line]",
    )?;
    ensure!(!bench.path("run").exists());
    // The node is not there: nothing is begun here either.
    let outcome = run(&bench, "local touch @DIR@/run\nremote true\n", &[])?;
    outcome.ended(1, "Connection refused [unreachable]")?;
    ensure!(!bench.path("run").exists());
    let missing = bench.run("jump2nr", &["-cfg", "/nonexistent.cfg", "node07"])?;
    missing.ended(2, "cannot read /nonexistent.cfg: No such file or directory")?;
    bench
        .run("jump2nr", &["-cfg", "x", "root@node07"])?
        .ended(2, "leave out the account")
}

fn old_name() -> Result<()> {
    let bench = Bench::new()?;
    bench.write("nextrel.cfg", "print Hello, %_HOST%\n")?;
    for name in ["jump2nr", "jump2nr.pl"] {
        let link = bench.path(name);
        symlink(jump_tests::bin("jumpimg"), &link)?;
        let output = std::process::Command::new(&link)
            .args(["-cfg", "nextrel.cfg", "testsys"])
            .current_dir(bench.path(""))
            .env("XDG_STATE_HOME", bench.path("xdg"))
            .output()?;
        let outcome = Outcome::from(output);
        outcome.ended(0, "testsys  done, ")?;
        ensure!(outcome.stdout == "Hello, testsys\n", "{outcome:#?}");
    }
    Ok(())
}

fn hostile() -> Result<()> {
    let bench = Bench::new()?;
    let _node = node(&bench)?;
    bench.write("said", &format!("{HOSTILE}\n\u{1b}]0;x\u{7}\n"))?;
    let outcome = run(
        &bench,
        "remote cat $D/said; cat $D/said >&2; exit 3\n",
        &["--color", "always"],
    )?;
    outcome.ended(1, "ended with exit status 3")?;
    is_harmless(&outcome)?;
    let log = log(&bench)?;
    ensure!(
        !log.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
        "{log}"
    );
    let outcome = run(&bench, "remote head -c 3000000 /dev/zero\n", &[])?;
    ensure!(outcome.code == Some(0), "{}", outcome.stderr);
    ensure!(outcome.stdout.len() < 100_000, "{}", outcome.stdout.len());
    let outcome = run(&bench, "remote exec cat /dev/zero\n", &[])?;
    outcome.ended(1, "it says more than 16 MiB at once")?;
    ensure!(outcome.stdout.len() < 100_000, "{}", outcome.stdout.len());
    Ok(())
}
