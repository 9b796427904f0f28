//! What an ending is told as, and what to do about it.

use jumpspec::render;

use super::Following;
use super::follower::Ending;
use super::waiting::whereabouts;
use crate::error::{Exit, Trouble};

impl Following<'_, '_> {
    pub(super) fn trouble(&self, ending: Ending) -> Trouble {
        let failed = |code: &str, message: String| Trouble::new(Exit::Failed, code, message);
        let look = format!(
            "look again with `jumpimg status {}`; the node goes on by itself",
            self.run.node
        );
        if self.run.plan.landing.is_volatile() {
            return self.of_memory(ending);
        }
        match ending {
            Ending::Stuck(why) => {
                let told = format!("stays in the jump system: {}", render::coded(&why));
                failed("stuck-in-jump", told).because(why).hint(format!(
                    "`jumpimg resume {}` begins anew, with --job also with another image; or {}",
                    self.run.node,
                    self.login()
                ))
            }
            Ending::NoReboot => failed("no-reboot", "does not reboot".to_owned())
                .hint(format!(
                    "its arm has ended by itself; if it was going down all the time it may still jump: see `jumpimg status {0}`, and go on with `jumpimg resume {0}` or `jumpimg abort {0}`",
                    self.run.node
                )),
            Ending::TooSlow(what, failure) => {
                let told = format!("{what}, longer than the job's [wait] allows");
                let trouble = failed("too-slow", told).hint(look);
                match failure {
                    Some(failure) => trouble.because(failure),
                    None => trouble,
                }
            }
            Ending::Silent(why) => {
                let found = whereabouts(&self.run.plan).map_or(look.clone(), |found| {
                    format!("it may have come up under another address: {found}; then {look}")
                });
                failed("silent", format!("nothing answers any more: {why}")).hint(found)
            }
            Ending::Stranger(os) => failed(
                "stranger",
                format!(
                    "answers as {os}, which knows nothing of run {}",
                    self.run.plan.run
                ),
            )
            .hint("log in and see; the run may have been finished or taken back by hand"),
            Ending::Finished(_) => {
                failed("failed", "finished, but the connection is gone".to_owned()).hint(look)
            }
        }
    }

    /// Of a rehearsal in memory. Nothing was armed: whatever ends it is the old system.
    fn of_memory(&self, ending: Ending) -> Trouble {
        let node = self.run.node;
        let (code, told) = match ending {
            Ending::NoReboot => {
                let told = "does not shut its old system down";
                return Trouble::new(Exit::Failed, "no-reboot", told).hint(format!(
                    "something holds its shutdown up: log in and see (`systemctl list-jobs`); once it is down kexec starts the jump system, and that comes back; what was staged goes with `jumpimg abort {node}`"
                ));
            }
            Ending::Silent(why) => ("silent", format!("nothing answers any more: {why}")),
            Ending::TooSlow(..) | Ending::Stuck(_) | Ending::Stranger(_) | Ending::Finished(_) => {
                let told = "the jump system in memory is still there, longer than it may be";
                ("too-slow", told.to_owned())
            }
        };
        Trouble::new(Exit::Failed, code, told).hint(format!(
            "nothing was armed and nothing written: a reset boots its old system. A watchdog resets a kernel that hangs, 10 minutes after its last sign; without one turn its power off and on, then look with `jumpimg status {node}`"
        ))
    }

    /// How to log in to the jump system by hand.
    fn login(&self) -> String {
        let config = self
            .run
            .tools
            .ssh_config
            .as_ref()
            .map(|config| format!("-F {} ", config.display()))
            .unwrap_or_default();
        let file = self.run.dir.path().join("known_hosts");
        format!(
            "log in with `ssh {config}-o UserKnownHostsFile={} -o HostKeyAlias=jump-{} {}`",
            file.display(),
            self.run.plan.run,
            self.run.node
        )
    }
}
