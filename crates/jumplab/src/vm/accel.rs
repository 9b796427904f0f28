//! Which accelerator QEMU gets. KVM only where a kernel really starts on it: a `/dev/kvm` that
//! opens proves nothing.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{run, workspace};

/// How long a kernel may take on KVM until it gives up for want of a root. It takes two seconds.
const LIMIT: Duration = Duration::from_secs(12);

/// How QEMU runs the guest's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor runs it.
    Kvm,
    /// QEMU translates it.
    Tcg,
}

impl Accelerator {
    /// Probes with `kernel`, once for each boot of this machine. `JUMP_ACCEL=kvm` or `tcg` decides
    /// without a probe.
    pub fn probe(kernel: &Path) -> Result<Self> {
        match std::env::var("JUMP_ACCEL").as_deref() {
            Ok("kvm") => return Ok(Self::Kvm),
            Ok("tcg") => return Ok(Self::Tcg),
            _ => {}
        }
        if !Path::new("/dev/kvm").exists() {
            return Ok(Self::Tcg);
        }
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let answer = workspace::target("vm").join("accelerator");
        let known = std::fs::read_to_string(&answer).unwrap_or_default();
        for accelerator in [Self::Kvm, Self::Tcg] {
            if known == format!("{} {boot}", accelerator.name()) {
                return Ok(accelerator);
            }
        }
        let found = if starts_on_kvm(kernel)? {
            Self::Kvm
        } else {
            Self::Tcg
        };
        eprintln!("vm: QEMU runs with {}", found.name());
        std::fs::write(&answer, format!("{} {boot}", found.name()))?;
        Ok(found)
    }

    /// The accelerator's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }

    /// QEMU's options for it.
    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["-accel", "kvm", "-cpu", "host"],
            // The least processor that x86-64 programs may count on: what runs on it runs on
            // every node. And the quickest: a boot takes a fifth less than with `max`.
            Self::Tcg => &["-accel", "tcg,thread=multi", "-cpu", "qemu64,-svm"],
        }
    }
}

/// Starts `kernel` with no root: it panics, reboots and, for `-no-reboot`, ends QEMU.
fn starts_on_kvm(kernel: &Path) -> Result<bool> {
    let log = workspace::target("vm").join("probe.log");
    let mut qemu = run::command("qemu-system-x86_64", Accelerator::Kvm.options());
    qemu.args([
        "-nodefaults",
        "-no-reboot",
        "-display",
        "none",
        "-m",
        "256",
        "-kernel",
    ])
    .arg(kernel)
    .args(["-append", "console=ttyS0 panic=-1", "-serial"])
    .arg(format!("file:{}", log.display()))
    .stdout(Stdio::null())
    .stderr(Stdio::null());
    let (mut child, started) = (qemu.spawn()?, Instant::now());
    let mut ended = child.try_wait()?;
    while ended.is_none() && started.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(100));
        ended = child.try_wait()?;
    }
    if ended.is_none() {
        child.kill()?;
        child.wait()?;
    }
    let said = std::fs::read(&log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    Ok(ended.is_some_and(|status| status.success()) && said.contains("Kernel panic"))
}
