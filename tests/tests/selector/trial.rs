//! The new system's own GRUB while it is on trial, under grub-emu.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use jumpspec::boot::trial;

use crate::Case;
use crate::programs::run_for;

/// Five seconds of menu, and a machine that is busy.
const LIMIT: Duration = Duration::from_secs(40);
/// `recordfail` as Debian and Ubuntu write it, set to wait for ever.
const CONFIG: &str = "\
set recordfail=1
if [ \"${recordfail}\" = 1 ] ; then
  set timeout=-1
fi
set pager=1
menuentry 'Debian' --id debian {
\tlinux\t(hd0)/vmlinuz root=UUID=abcd ro
\tinitrd\t(hd0)/initrd.img
}
";

pub(crate) fn cases() -> Vec<Case> {
    vec![Case {
        name: "trial::a_kernel_that_cannot_be_loaded_leads_to_a_reboot_and_no_menu".to_owned(),
        needs: &["grub-emu"],
        run: Box::new(a_kernel_that_cannot_be_loaded),
    }]
}

/// grub-emu has no `linux`; `cat` fails as well where there is no file. Its `reboot` ends it.
fn a_kernel_that_cannot_be_loaded() -> anyhow::Result<()> {
    let on_trial = trial::grub_config(CONFIG).replace("if linux", "if cat");
    ensure!(on_trial.contains("if cat"), "{on_trial}");
    let log = boot(&on_trial)?;
    ensure!(log.contains("Booting `Debian'"), "{log}");
    // The same without us waits, which shows that this test can fail.
    let waits = boot(&CONFIG.replace("linux", "cat"));
    let why = waits
        .err()
        .context("the distribution's own text does not wait")?;
    ensure!(why.to_string().contains("did not end"), "{why}");
    Ok(())
}

fn boot(config: &str) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::File::create(at("disk"))?.set_len(1 << 20)?;
    fs::write(at("map"), format!("(hd0) {}\n", at("disk").display()))?;
    fs::write(at("grub.cfg"), config)?;
    let mut command = Command::new("grub-emu");
    command.env("TERM", "dumb").arg("-m").arg(at("map"));
    command.arg("-d").arg(folder.path());
    run_for(LIMIT, &at("log"), &mut command)
}
