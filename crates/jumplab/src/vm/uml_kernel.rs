//! Which user-mode Linux runs the guests: one that really starts a program on this processor.
//!
//! Debian 12's (6.1) and 13's (6.12) kill every init on processors with AMX, and boot half as fast as
//! 7.2: so the newer one is taken, from the mirror that apt is set up with, and this machine's own
//! where that has none. A program of a newer Debian needs a newer libc: it gets that beside it.
//!
//! The newer one also runs programs without ptrace, by seccomp, where the host lets it: a system call
//! and a page fault cost half of what they cost else.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{mirror, packages, run, workspace};

/// The release of Debian that has 7.2.
const SUITE: &str = "forky";
/// The kernel, and the libc that it is linked against.
const PACKAGES: &[&str] = &["user-mode-linux", "libc6"];
/// The kernel in its package.
const PROGRAM: &str = "usr/bin/linux.uml";
/// Its modules there, below a folder for its release.
const MODULES: &str = "usr/lib/uml/modules";
/// libc and loader in theirs, as Debian lays them out since 13.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
const LOADER: &str = "ld-linux-x86-64.so.2";
/// Where Debian's own packages are installed.
const SYSTEM: &str = "/";
/// What names the libc in the program, and the probe's init.
const TOOLS: &[&str] = &["patchelf", "busybox-static"];
/// Has the kernel run programs by seccomp; 6.1 and 6.12 take no notice of it.
const BY_SECCOMP: &str = "seccomp=on";
/// How long the probe may take. It takes one second.
const LIMIT: Duration = Duration::from_secs(30);
/// How often its end is looked for.
const INTERVAL: Duration = Duration::from_millis(50);
/// The probe's init says so.
const ALIVE: &str = "probe: alive";
/// Switches the machine off once it has said it. A shell forks for its command: the processor's
/// registers are saved and restored for two processes.
const INIT: &str = "#!/busybox sh\n/busybox echo probe: alive\nexec /busybox poweroff -f\n";

/// A kernel that was seen to run a program here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UmlKernel {
    /// The program.
    pub program: PathBuf,
    /// As `uname -r` would say.
    pub release: String,
    /// The folder that is its `/lib/modules/RELEASE`.
    pub modules: PathBuf,
    /// What its command line begins with.
    pub arguments: Vec<String>,
}

/// What was found on which boot of this machine: `target/` may be carried to another processor.
#[derive(Serialize, Deserialize)]
struct Answer {
    boot: String,
    kernel: UmlKernel,
}

impl UmlKernel {
    /// Finds the kernel, once for each boot of this machine, and says which it is.
    pub fn choose() -> Result<&'static Self> {
        static CHOSEN: OnceLock<UmlKernel> = OnceLock::new();
        if let Some(kernel) = CHOSEN.get() {
            return Ok(kernel);
        }
        let folder = workspace::target("vm").join("uml");
        std::fs::create_dir_all(&folder)?;
        // One at a time: tests run in several processes.
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let answer = folder.join("kernel.json");
        let kernel = match known(&answer, &boot) {
            Some(kernel) => kernel,
            None => search(&folder)?,
        };
        let text = serde_json::to_vec(&Answer {
            boot,
            kernel: kernel.clone(),
        })?;
        std::fs::write(&answer, text)?;
        Ok(CHOSEN.get_or_init(|| kernel))
    }

    /// The one whose package is unpacked below `root`.
    fn below(root: &Path) -> Result<Self> {
        let program = root.join(PROGRAM);
        let release = run::capture(&mut run::command(&program, ["--version"]))?;
        let release = release.trim().to_owned();
        Ok(Self {
            modules: root.join(MODULES).join(&release),
            program,
            release,
            arguments: Vec::new(),
        })
    }

    /// The same, with programs by seccomp.
    fn by_seccomp(&self) -> Self {
        Self {
            arguments: vec![BY_SECCOMP.to_owned()],
            ..self.clone()
        }
    }

    /// Boots it with an init that switches off at once.
    fn probe(&self, folder: &Path) -> Result<()> {
        let root = folder.join("probe");
        probe_root(&root)?;
        let log = folder.join("probe.log");
        let said = File::create(&log)?;
        let mut kernel = run::command(&self.program, &self.arguments);
        kernel
            .args(["mem=64M", "root=/dev/root", "rw"])
            .args(["rootfstype=hostfs", "init=/init", "panic=1"])
            .arg(format!("rootflags={}", root.display()))
            .args(["con=null", "con0=null,fd:1"])
            .stdout(said.try_clone()?)
            .stderr(said);
        let (mut child, started) = (kernel.spawn()?, Instant::now());
        while child.try_wait()?.is_none() {
            if started.elapsed() > LIMIT {
                child.kill()?;
                child.wait()?;
            }
            std::thread::sleep(INTERVAL);
        }
        let said = std::fs::read(&log)?;
        if String::from_utf8_lossy(&said)
            .lines()
            .any(|line| line.trim() == ALIVE)
        {
            return Ok(());
        }
        let (release, log) = (&self.release, workspace::shown(&log));
        bail!("user-mode Linux {release} runs no program on this processor; see {log}")
    }
}

/// What an earlier process found, while that still holds.
fn known(answer: &Path, boot: &str) -> Option<UmlKernel> {
    let text = std::fs::read(answer).ok()?;
    let answer: Answer = serde_json::from_slice(&text).ok()?;
    (answer.boot == boot && answer.kernel.program.exists()).then_some(answer.kernel)
}

fn search(folder: &Path) -> Result<UmlKernel> {
    let newer = newer(folder).and_then(|kernel| {
        let fast = kernel.by_seccomp();
        if fast.probe(folder).is_ok() {
            return Ok(fast);
        }
        kernel.probe(folder).map(|()| kernel)
    });
    let kernel = newer.or_else(|why| {
        eprintln!("vm: {SUITE}'s user-mode Linux is not to be had: {why:#}");
        packages::ensure(&["user-mode-linux"])?;
        let own = UmlKernel::below(Path::new(SYSTEM))?;
        own.probe(folder).map(|()| own)
    })?;
    let (release, program) = (&kernel.release, workspace::shown(&kernel.program));
    let arguments = kernel.arguments.join(" ");
    eprintln!("vm: guests run user-mode Linux {release}, {program} {arguments}");
    Ok(kernel)
}

/// That of [`SUITE`], fetched once.
fn newer(folder: &Path) -> Result<UmlKernel> {
    let root = folder.join(SUITE);
    // A moved target/ leaves a program that names a loader elsewhere.
    if let Ok(kernel) = UmlKernel::below(&root) {
        return Ok(kernel);
    }
    packages::ensure(TOOLS)?;
    eprintln!("vm: fetching user-mode Linux of {SUITE}");
    let new = folder.join("new");
    for folder in [&new, &root] {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
    }
    std::fs::create_dir_all(&new)?;
    mirror::unpack(SUITE, PACKAGES, &new)?;
    // It starts itself again by its own name, so that it has to find its libc by itself.
    let libraries = root.join(LIBRARIES);
    let mut patchelf = run::command("patchelf", ["--set-interpreter"]);
    patchelf.arg(libraries.join(LOADER)).arg("--set-rpath");
    run::quiet(patchelf.arg(&libraries).arg(new.join(PROGRAM)))?;
    std::fs::rename(&new, &root)?;
    UmlKernel::below(&root)
}

/// A root of one static program and the init.
fn probe_root(root: &Path) -> Result<()> {
    packages::ensure(TOOLS)?;
    std::fs::create_dir_all(root.join("dev"))?;
    std::fs::copy("/bin/busybox", root.join("busybox")).context("cannot copy busybox")?;
    let init = root.join("init");
    std::fs::write(&init, INIT)?;
    Ok(std::fs::set_permissions(
        init,
        Permissions::from_mode(0o755),
    )?)
}
