//! Whether the node can be reached: its network, its SSH server, its admin host. Only looks.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use jumpspec::places;
use jumpspec::plan::PlannedNetwork;
use jumpspec::run::failure::Code;
use jumpspec::words::digest::Digest;

use crate::node::cause::Cause;
use crate::node::facts::read_network;
use crate::node::host_keys::addresses;
use crate::run::context::Context;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long sshd may take to greet.
const GREETING_LIMIT: Duration = Duration::from_secs(5);

/// The network is as captured, within the deadline.
pub(crate) fn network(cx: &mut Context) -> Result<()> {
    let limit = cx.left(cx.plan.wait.prove.0);
    wait_for_network(cx.plan.network.as_ref(), limit)
}

/// sshd answers.
pub(crate) fn sshd(cx: &mut Context) -> Result<()> {
    wait_for_sshd(cx.plan.ssh_port, cx.left(cx.plan.wait.prove.0))
}

/// The admin host has logged in, within the deadline.
pub(crate) fn admin(cx: &mut Context) -> Result<()> {
    admin_within(cx, cx.left(cx.plan.wait.prove.0))
}

/// Waits until every link that had addresses and routes has them again.
pub(crate) fn wait_for_network(planned: Option<&PlannedNetwork>, limit: Duration) -> Result<()> {
    let Some(planned) = planned else {
        return Ok(());
    };
    wait_until(Code::NoNetwork, limit, || {
        Ok(planned.demand().missing(&read_network()?))
    })
}

/// Looks until `what_is_missing` finds nothing; what is missing at the end is a failure of this code.
pub(crate) fn wait_until(
    code: Code,
    limit: Duration,
    what_is_missing: impl Fn() -> Result<Option<String>>,
) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let Some(missing) = what_is_missing()? else {
            return Ok(());
        };
        if Instant::now() > deadline {
            bail!(Cause::new(code, format!("{missing}, and its time is up")));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until sshd greets on an address of the node's own; it need not listen on all.
pub(crate) fn wait_for_sshd(port: u16, limit: Duration) -> Result<()> {
    wait_until(Code::NoSshd, limit, || {
        let addresses = addresses()?;
        if addresses
            .iter()
            .any(|ip| greets(SocketAddr::new(*ip, port)))
        {
            return Ok(None);
        }
        let tried: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        Ok(Some(match tried.as_slice() {
            [] => "the node has no address".to_owned(),
            tried => format!(
                "sshd does not answer on port {port} of {}",
                tried.join(", ")
            ),
        }))
    })
}

/// Whether an SSH server greets there (RFC 4253, section 4.2: `SSH-`).
fn greets(address: SocketAddr) -> bool {
    let greeting = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, GREETING_LIMIT)?;
        stream.set_read_timeout(Some(GREETING_LIMIT))?;
        let mut start = [0; 4];
        stream.read_exact(&mut start)?;
        Ok(&start == b"SSH-")
    };
    greeting().unwrap_or(false)
}

/// Waits until somebody has shown the admin host's secret (`jumpinit hello`) since this boot.
pub(crate) fn admin_within(cx: &Context, limit: Duration) -> Result<()> {
    wait_until(Code::NoLogin, limit, || {
        let shown = std::fs::read(Path::new("/").join(places::ADMIN)).unwrap_or_default();
        let known = Digest::of(&shown) == cx.plan.admin_mark;
        Ok((!known).then(|| "the admin host has not logged in".to_owned()))
    })
}
