//! Login shells and start-up files of every kind: what they say is no answer, and where they run
//! nothing that is told as such.

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::node::{Login, Node};
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    ("words_of_start_up_files_are_no_answers", Need::Sshd, words),
    (
        "a_tcsh_is_a_login_shell_as_any",
        Need::SshdRootAndTcsh,
        tcsh,
    ),
    ("a_nologin_account_is_told", Need::SshdAndRoot, nologin),
    ("an_exit_in_start_up_files_is_told", Need::Sshd, exit),
    ("a_forced_command_is_told", Need::Sshd, forced),
    (
        "start_up_files_that_print_for_ever_are_told",
        Need::Sshd,
        endless,
    ),
    (
        "a_shell_that_another_one_took_the_place_of_is_told",
        Need::Sshd,
        another,
    ),
];

pub(crate) const TCSH: &str = "/usr/bin/tcsh";

/// A JSON object, a line that looks like ours, and one without an end.
const NOISE: &str = "echo '{\"system\": \"old\"}'; echo 'boot 7'; printf 'Welcome! '\n";

/// What a node with quiet start-up files answers, whatever `login` is.
fn answers(bench: &Bench) -> Result<()> {
    let check = bench.run("check", &["node07"])?;
    ensure!(check.code == Some(0), "{check:#?}");
    let status = bench.run("status", &["node07"])?;
    ensure!(status.code == Some(0), "{status:#?}");
    ensure!(status.stdout.contains("the none OS"), "{status:#?}");
    Ok(())
}

/// Every command says that the login shell ran nothing, and `words`.
fn is_told(bench: &Bench, words: &str) -> Result<()> {
    for command in ["check", "status", "abort"] {
        let outcome = bench.run(command, &["node07"])?;
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        ensure!(outcome.code == Some(1), "{outcome:#?}");
        for wanted in ["the login shell", words] {
            ensure!(said.contains(wanted), "no {wanted:?} in {outcome:#?}");
        }
        ensure!(
            command == "status" || said.contains("[login-shell]"),
            "{outcome:#?}"
        );
    }
    Ok(())
}

fn words() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(".bashrc", NOISE)?;
    let _node = Node::old(&bench)?;
    answers(&bench)
}

fn tcsh() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(
        ".tcshrc",
        "set echo\nset backslash_quote\necho 'boot 7'\necho -n Welcome\n",
    )?;
    let _node = Node::with_login(&bench, Login::Shell(TCSH))?;
    answers(&bench)
}

fn nologin() -> Result<()> {
    let bench = Bench::new()?;
    let _node = Node::with_login(&bench, Login::Shell("/usr/sbin/nologin"))?;
    is_told(&bench, "This account is currently not available.")
}

fn exit() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(".bashrc", "echo 'not here'; exit 0\n")?;
    let _node = Node::old(&bench)?;
    is_told(
        &bench,
        "(exit status 0) and not run what it was told to; it said: not here",
    )
}

/// As cloud-init sets root's key up, down to the status, which looks like a signal's.
fn forced() -> Result<()> {
    let bench = Bench::new()?;
    let command =
        "echo 'Please login as the user \"admin\" rather than the user \"root\".'; exit 142";
    let _node = Node::with_login(&bench, Login::Forced(command))?;
    is_told(
        &bench,
        "(exit status 142) and not run what it was told to; it said: Please login as",
    )
}

fn endless() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(".bashrc", "yes 'no end'\n")?;
    let _node = Node::old(&bench)?;
    is_told(&bench, "prints without an end")
}

/// It waits for commands on its stdin, which stays open.
fn another() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(".bashrc", "exec /bin/sh\n")?;
    let _node = Node::old(&bench)?;
    let outcome = bench.run("check", &["node07"])?;
    outcome.ended(
        1,
        "the login shell has not run what it was told to within a minute",
    )?;
    outcome.ended(1, "[login-shell]")
}
