//! Login shells that the new system does not have: whoever has one could not log in.

use super::names::Names;
use super::record::Passwd;
use super::{Clash, is_human};

/// What stands in for a shell that is not there, the first that is.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];
/// The same for one that lets nobody in.
const CLOSED: [&str; 4] = [
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/usr/bin/false",
    "/bin/false",
];

/// Whether a shell only turns people away (nologin(8), false(1)).
fn is_closed(shell: &str) -> bool {
    matches!(shell.rsplit('/').next(), Some("nologin" | "false"))
}

/// Gives the carried accounts a shell that is there.
pub(super) fn settle(
    passwd: &mut [Passwd],
    carried: &Names,
    has: &dyn Fn(&str) -> bool,
    clashes: &mut Vec<Clash>,
) {
    let missing = passwd.iter_mut().filter(|user| {
        // An empty one is /bin/sh (passwd(5)).
        carried.contains(&user.name) && !user.shell.is_empty() && !has(&user.shell)
    });
    for user in missing {
        let stand_ins: &[&'static str] = if is_closed(&user.shell) || !is_human(user.uid) {
            &CLOSED
        } else {
            &SHELLS
        };
        let last = stand_ins[stand_ins.len() - 1];
        let fallback = stand_ins.iter().find(|shell| has(shell)).unwrap_or(&last);
        clashes.push(Clash::Shell {
            name: user.name.clone(),
            shell: std::mem::replace(&mut user.shell, (*fallback).to_owned()),
            fallback,
        });
    }
}
