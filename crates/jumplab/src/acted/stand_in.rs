//! The `ssh` of a world: one process a call. A master listens on its socket for as long as what it is
//! fed from is open; who goes through it ends when it does, as with OpenSSH.

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::exit;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::answer::answer;
use super::connection::{Call, Connection, is_broken};
use super::log::Change;
use super::script::{Command, Script};
use super::world::{ENVIRONMENT, World};

/// ssh ends with this when it is ssh that failed (ssh(1)).
const SSH_FAILED: i32 = 255;
/// How often a master looks whether its node is still there.
const LOOK: Duration = Duration::from_millis(250);

/// Where the running program was called as a world's `ssh`, acts it, and does not return.
pub fn act_if_called() {
    let Some(world) = std::env::var_os(ENVIRONMENT) else {
        return;
    };
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    if Path::new(&program)
        .file_name()
        .is_none_or(|name| name != "ssh")
    {
        return;
    }
    let acted = act(Path::new(&world), arguments);
    exit(acted.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        1
    }));
}

fn act(world: &Path, arguments: impl Iterator<Item = String>) -> Result<i32> {
    let world = World::open(world)?;
    let call = Call::read(arguments)?;
    world.tell_call('+')?;
    let status = talk(&world, &call);
    world.tell_call('-')?;
    status
}

fn talk(world: &World, call: &Call) -> Result<i32> {
    // ssh connects anew where nobody listens at the socket, unless it is told to go another way.
    let master = UnixStream::connect(&call.socket).ok();
    if master.is_none() && !call.is_master && call.is_led_away {
        eprintln!("kex_exchange_identification: Connection closed by remote host");
        return Ok(SSH_FAILED);
    }
    let connection = if call.is_master || master.is_none() {
        match Connection::open(world, call)? {
            Ok(connection) => connection,
            Err(why) => {
                eprintln!("{why}");
                return Ok(SSH_FAILED);
            }
        }
    } else {
        Connection::shared(world, &call.host)?
    };
    if let Some(master) = master {
        thread::spawn(move || end_with(master));
    }
    let command = Command::read(&call.command);
    let script = command.as_ref().and_then(|it| Script::read(&it.script));
    let Some((command, script)) = command.as_ref().zip(script) else {
        let text = command.map_or(call.command.clone(), |command| command.script);
        world.change(&call.host, |held| {
            held.tell(held.now, Change::Unknown, &text);
            Ok(())
        })?;
        eprintln!("sh: what is acted here does not know this script: {text}");
        return Ok(127);
    };
    let told = format!("\n{}\n", command.mark);
    if call.is_master && script == Script::Hold {
        // It is there before anybody hears that the login has gone well.
        let listener =
            UnixListener::bind(&call.socket).context("cannot make the control socket")?;
        say(&told);
        return hold(&connection, listener);
    }
    say(&told);
    answer(&connection, &script)
}

/// Prints; whoever listens may be gone.
fn say(text: &str) {
    let mut stdout = std::io::stdout();
    if stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .is_err()
    {
        exit(SSH_FAILED);
    }
}

/// Ends this process when its master does.
fn end_with(mut master: UnixStream) {
    // It says nothing until its end.
    std::io::copy(&mut master, &mut std::io::sink()).ok();
    exit(SSH_FAILED);
}

/// Holds a connection until its reader has heard all, or it breaks.
fn hold(connection: &Connection<'_>, listener: UnixListener) -> Result<i32> {
    // Whoever comes is kept, so that the end of this process is the end of theirs.
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            kept.extend(stream.ok());
        }
    });
    let world = connection.world.clone();
    thread::spawn(move || {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        world.tell_call('-').ok();
        exit(0);
    });
    while !is_broken(connection)? {
        thread::sleep(LOOK);
    }
    eprintln!("client_loop: send disconnect: Broken pipe");
    Ok(SSH_FAILED)
}
