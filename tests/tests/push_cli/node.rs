//! A node that is an sshd on loopback and a directory. It "boots" other systems by
//! another host key, boot id and set of files.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::bench::{Bench, wait_for};
use crate::sample::{self, FIRST_BOOT};

pub(crate) const SSHD: &str = "/usr/sbin/sshd";

/// How long the node is down between two systems.
const DOWN: Duration = Duration::from_millis(500);

/// The node.
pub(crate) struct Node<'a> {
    bench: &'a Bench,
    port: u16,
    sshd: Option<Child>,
    login: Login<'a>,
}

/// What a login to the node comes to.
#[derive(Clone, Copy)]
pub(crate) enum Login<'a> {
    /// The account's own shell runs what it is told, on this machine.
    Machine,
    /// The same, in the node's directory.
    Node,
    /// The same, with this shell.
    Shell(&'a str),
    /// This command and nothing else.
    Forced(&'a str),
}

impl<'a> Node<'a> {
    /// A node whose old system runs; `ssh node07` with the bench's ssh_config leads there.
    pub(crate) fn old(bench: &'a Bench) -> Result<Self> {
        Self::with_login(bench, Login::Node)
    }

    /// The same, where a login comes to something else.
    pub(crate) fn with_login(bench: &'a Bench, login: Login<'a>) -> Result<Self> {
        let mut node = Self {
            bench,
            port: 0,
            sshd: None,
            login,
        };
        fs::create_dir(bench.path("new-log"))?;
        for (name, text) in [
            ("jumpinit", include_str!("fake.sh")),
            ("wrapper", include_str!("wrapper.sh")),
        ] {
            let directory = bench.path("");
            let directory = directory.to_string_lossy();
            bench.write(
                name,
                &text.replace("@DIR@", directory.trim_end_matches('/')),
            )?;
            fs::set_permissions(bench.path(name), fs::Permissions::from_mode(0o755))?;
        }
        fs::copy(bench.path("jumpinit"), bench.path("rc.local"))?;
        bench.write("facts.json", &sample::facts().to_string())?;
        bench.write("boot_id", FIRST_BOOT)?;
        bench.write("status.json", &sample::status("none").to_string())?;
        node.install()?;
        Ok(node)
    }

    /// This machine itself, with nothing in between.
    pub(crate) fn this_machine(bench: &'a Bench) -> Result<Self> {
        let mut node = Self {
            bench,
            port: 0,
            sshd: None,
            login: Login::Machine,
        };
        node.install()?;
        Ok(node)
    }

    fn install(&mut self) -> Result<()> {
        for key in ["id", "host_old"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(self.bench.path(key))
                .status()?;
            ensure!(made.success(), "ssh-keygen failed");
        }
        fs::copy(
            self.bench.path("id.pub"),
            self.bench.path("authorized_keys"),
        )?;
        // Free now, and not given to anybody else so soon.
        self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let key = fs::read_to_string(self.bench.path("host_old.pub"))?;
        let port = self.port;
        self.bench
            .write("known_hosts", &format!("[127.0.0.1]:{port} {key}"))?;
        let directory = self.bench.path("");
        let directory = directory.display();
        self.bench.write(
            "ssh_config",
            &format!("Host node07\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {directory}id\n  IdentitiesOnly yes\n  StrictHostKeyChecking yes\n  UserKnownHostsFile {directory}known_hosts\n"),
        )?;
        self.boot("host_old")
    }

    /// Starts sshd with the host key of that name.
    fn boot(&mut self, key: &str) -> Result<()> {
        if jump_tests::is_root() {
            // sshd(8) wants its empty directory; package openssh-server makes it at boot.
            fs::create_dir_all("/run/sshd")?;
        }
        let directory = self.bench.path("");
        let directory = directory.display();
        let force = match self.login {
            Login::Machine => String::new(),
            Login::Node | Login::Shell(_) => format!("ForceCommand {directory}wrapper\n"),
            Login::Forced(command) => format!("ForceCommand {command}\n"),
        };
        self.bench.write(
            "sshd_config",
            &format!("ListenAddress 127.0.0.1:{}\nHostKey {directory}{key}\nAuthorizedKeysFile {directory}authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n# Start-up files are the bench's and not those of the account that runs the tests.\nSetEnv HOME={directory}\n{force}", self.port),
        )?;
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.bench.path("sshd.log"))?;
        let mut program = match self.login {
            Login::Shell(shell) => self.with_shell(shell)?,
            _ => Command::new(SSHD),
        };
        let sshd = program
            .args(["-D", "-e", "-f"])
            .arg(self.bench.path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.sshd = Some(sshd);
        for _ in 0..100 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!(
            "sshd does not start: {}",
            fs::read_to_string(self.bench.path("sshd.log"))?
        )
    }

    /// sshd where root has that login shell, for it alone.
    fn with_shell(&self, shell: &str) -> Result<Command> {
        let passwd = fs::read_to_string("/etc/passwd")?;
        let line = |line: &str| match line.rsplit_once(':') {
            Some((before, _)) if line.starts_with("root:") => format!("{before}:{shell}\n"),
            _ => format!("{line}\n"),
        };
        let passwd: String = passwd.lines().map(line).collect();
        self.bench.write("passwd", &passwd)?;
        let mut unshare = Command::new("unshare");
        let script = format!("mount --bind \"$0\" /etc/passwd && exec {SSHD} \"$@\"");
        unshare.args(["--mount", "/bin/sh", "-c", &script]);
        unshare.arg(self.bench.path("passwd"));
        Ok(unshare)
    }

    /// Ends sshd's connections, and sshd itself if `all`.
    fn cut(&mut self, all: bool) -> Result<()> {
        let Some(sshd) = &mut self.sshd else {
            return Ok(());
        };
        let mut ended = descendants(sshd.id())?;
        if all {
            ended.push(sshd.id());
        }
        let ended: Vec<String> = ended.iter().map(u32::to_string).collect();
        // Some may have ended by themselves meanwhile.
        Command::new("kill")
            .arg("-9")
            .args(&ended)
            .stderr(Stdio::null())
            .status()?;
        if all {
            sshd.wait()?;
            self.sshd = None;
        }
        Ok(())
    }

    /// A node that a push has armed, and that push gone.
    pub(crate) fn armed(bench: &'a Bench) -> Result<Self> {
        let node = Self::old(bench)?;
        let mut push = bench.command("push", &["--yes", "node07"]).spawn()?;
        node.wait_for("reboot")?;
        push.kill()?;
        push.wait()?;
        node.stand_at("armed")?;
        Ok(node)
    }

    /// Waits for the marker that the fake jumpinit leaves, and removes it.
    pub(crate) fn wait_for(&self, marker: &str) -> Result<()> {
        let marker = self.path(marker);
        wait_for(&marker)?;
        fs::remove_file(marker)?;
        Ok(())
    }

    /// Cuts all connections.
    pub(crate) fn break_connections(&mut self) -> Result<()> {
        self.cut(false)
    }

    /// Reboots the jump system into itself; its log goes on.
    pub(crate) fn reboot_jump(&mut self, stage: &str, boot: &str) -> Result<()> {
        self.cut(true)?;
        std::thread::sleep(DOWN);
        self.set_status("jump", stage, None)?;
        self.change_status(|status| status["boot_id"] = json!(boot))?;
        self.boot("host_jump")
    }

    /// Reboots into the jump system, whose host key is the bundle's.
    pub(crate) fn boot_jump(&mut self, stage: &str, failure: Option<&str>) -> Result<()> {
        self.cut(true)?;
        std::thread::sleep(DOWN);
        let bundle = self.bundle()?;
        self.bench.write(
            "host_jump",
            bundle["host_key"].as_str().context("no host key")?,
        )?;
        fs::set_permissions(self.path("host_jump"), fs::Permissions::from_mode(0o600))?;
        self.set_status("jump", stage, failure)?;
        self.bench.write("boot_id", "jump-boot")?;
        self.bench.write("jump-events", "")?;
        self.boot("host_jump")
    }

    /// Reboots into the old or the new system, which have the old host key.
    pub(crate) fn boot_other(
        &mut self,
        system: &str,
        stage: &str,
        failure: Option<&str>,
    ) -> Result<()> {
        self.cut(true)?;
        std::thread::sleep(DOWN);
        self.set_status(system, stage, failure)?;
        self.bench.write("boot_id", &format!("{system}-boot"))?;
        self.boot("host_old")
    }

    fn set_status(&self, system: &str, stage: &str, failure: Option<&str>) -> Result<()> {
        let run = self.run_id()?;
        let (code, step) = match stage {
            "prove" => ("no-network", "prove-network"),
            _ => ("no-room", "extract"),
        };
        let failure = failure.map(|error| json!({"code": code, "step": step, "error": error}));
        let mut status = sample::status(system);
        status["run"] = json!(run);
        status["journal"] = json!({
            "run": run, "disk": [], "stage": stage, "step": 0, "done": false, "tries": 1,
            "failure": failure,
        });
        status["failure"] = json!(failure);
        status["gave_up"] = json!(stage == "stuck");
        self.bench.write("status.json", &status.to_string())?;
        let mut kept = self.bundle()?;
        kept["can_stage"] = json!(system == "old");
        self.bench.write("kept.json", &kept.to_string())
    }

    /// Changes what the node says of itself.
    pub(crate) fn change_status(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let path = self.path("status.json");
        let mut status = serde_json::from_str(&fs::read_to_string(&path)?)?;
        change(&mut status);
        Ok(fs::write(path, status.to_string())?)
    }

    /// The old system runs, at that stage of the run that was pushed.
    pub(crate) fn stand_at(&self, stage: &str) -> Result<()> {
        self.set_status("old", stage, None)
    }

    /// What was handed over when the run began.
    pub(crate) fn bundle(&self) -> Result<Value> {
        Ok(serde_json::from_str(&fs::read_to_string(
            self.path("bundle.json"),
        )?)?)
    }

    /// The run's id, from what was handed over.
    pub(crate) fn run_id(&self) -> Result<String> {
        Ok(self.bundle()?["plan"]["run"]
            .as_str()
            .context("no run")?
            .to_owned())
    }

    /// Appends an event to the jump system's log.
    pub(crate) fn tell(&self, uptime_ms: u64, stage: &str, what: Value) -> Result<()> {
        let mut event = json!({"uptime_ms": uptime_ms, "stage": stage});
        if let (Some(event), Value::Object(what)) = (event.as_object_mut(), what) {
            event.extend(what);
        }
        let path = self.path("jump-events");
        let told = fs::read_to_string(&path)?;
        fs::write(path, format!("{told}{event}\n"))?;
        Ok(())
    }

    /// Finishes the new system: its log and report.
    pub(crate) fn finish(&self) -> Result<()> {
        fs::rename(self.path("jump-events"), self.path("new-log/events.jsonl"))?;
        let report = json!({"run": self.run_id()?, "hostname": "node07", "os": "Debian GNU/Linux 13 (trixie)", "kernel": "6.12", "boot_id": "new-boot", "notes": []});
        self.bench.write("new-log/report.json", &report.to_string())
    }

    /// A path in the node's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.bench.path(name)
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.cut(true) {
            eprintln!("sshd may be left: {error:#}");
        }
        // The private directory that the fake jumpinit ran from.
        if let Ok(work) = fs::read_to_string(self.path("work"))
            && work.contains("/jump-")
        {
            fs::remove_dir_all(work.trim()).ok();
        }
    }
}

/// Processes below `top`, from their parents in /proc/*/stat (proc(5)).
fn descendants(top: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
            continue;
        };
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (id, parent)));
    }
    let mut found = vec![top];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            parents
                .iter()
                .filter(|(_, its)| *its == parent)
                .map(|(id, _)| *id),
        );
        next += 1;
    }
    Ok(found.split_off(1))
}
