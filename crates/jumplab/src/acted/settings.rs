//! What a world of acted nodes is like: how long their work takes, and what goes wrong on which of
//! them. Drawn by seed, so that the same world comes again.

use std::collections::BTreeMap;

use jumpspec::run::failure::Code;
use jumpspec::words::digest::Digest;
use serde::{Deserialize, Serialize};

/// What a world is like.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Draws times and faults.
    pub seed: u64,
    /// How long things take.
    pub times: Times,
    /// Times are drawn up to so many percent around what is given.
    pub spread: u64,
    /// How often what goes wrong.
    pub rates: Vec<Rate>,
    /// What goes wrong on these nodes, whatever the rates are.
    pub exact: BTreeMap<String, Option<Fault>>,
}

/// How long things take, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Times {
    /// To log in.
    pub login: u64,
    /// Until ssh gives up where nothing answers.
    pub silence: u64,
    /// The old system's steps, without what is sent.
    pub stage: u64,
    /// From one system's end to the next one's sshd.
    pub reboot: u64,
    /// The jump system's proof, the admin's login aside.
    pub prove: u64,
    /// The replacement.
    pub replace: u64,
    /// Until the new system is sound.
    pub confirm: u64,
}

/// How often something goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rate {
    /// What.
    pub fault: Fault,
    /// On so many of a thousand nodes.
    pub permille: u64,
}

/// What goes wrong on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Everything takes five times as long.
    Slow,
    /// Nothing ever answers.
    Dead,
    /// Its swap is too small for any jump system.
    Refused,
    /// Its connections break once, while the target image is sent.
    BreaksInStaging,
    /// A step of the staging fails.
    FailsInStaging(Code),
    /// It goes down for its reboot, and is never heard of again.
    Lost,
    /// The jump system cannot prove itself and boots the old system again.
    BackAsOld(Code),
    /// The jump system gives up replacing, and stays up.
    Stuck(Code),
}

impl Default for Times {
    /// A quarter of what machines take, nearly, but for their staging.
    fn default() -> Self {
        Self {
            login: 20,
            silence: 2000,
            stage: 2000,
            reboot: 25_000,
            prove: 5000,
            replace: 40_000,
            confirm: 5000,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            times: Times::default(),
            spread: 10,
            rates: Vec::new(),
            exact: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// What goes wrong on the node, if anything.
    pub fn fault(&self, node: &str) -> Option<&Fault> {
        if let Some(exact) = self.exact.get(node) {
            return exact.as_ref();
        }
        let mut drawn = self.draw(node, "fault") % 1000;
        self.rates.iter().find_map(|rate| {
            if drawn < rate.permille {
                return Some(&rate.fault);
            }
            drawn -= rate.permille;
            None
        })
    }

    /// How long things take on the node.
    pub(super) fn times(&self, node: &str) -> Times {
        let slow = if self.fault(node) == Some(&Fault::Slow) {
            5
        } else {
            1
        };
        let about = |name: &str, time: u64| {
            let percent = 100 + self.draw(node, name) % (2 * self.spread + 1);
            time * slow * percent.saturating_sub(self.spread) / 100
        };
        let times = &self.times;
        Times {
            login: about("login", times.login),
            silence: times.silence,
            stage: about("stage", times.stage),
            reboot: about("reboot", times.reboot),
            prove: about("prove", times.prove),
            replace: about("replace", times.replace),
            confirm: about("confirm", times.confirm),
        }
    }

    /// Whether the node's network says at once that nobody is there while it is down, or nothing at all.
    pub(super) fn refuses(&self, node: &str) -> bool {
        self.draw(node, "refuses").is_multiple_of(2)
    }

    /// A number that belongs to the node and `what`.
    pub(super) fn draw(&self, node: &str, what: &str) -> u64 {
        let digest = Digest::of(format!("{} {node} {what}", self.seed).as_bytes());
        let (bytes, _) = digest.as_bytes().split_at(8);
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_comes_again_by_its_seed_and_faults_are_as_often_as_said() {
        let settings = Settings {
            rates: vec![
                Rate {
                    fault: Fault::Slow,
                    permille: 100,
                },
                Rate {
                    fault: Fault::Dead,
                    permille: 50,
                },
            ],
            exact: [
                ("n7".to_owned(), Some(Fault::Lost)),
                ("n8".to_owned(), None),
            ]
            .into(),
            ..Settings::default()
        };
        let count = |fault: &Fault| {
            let nodes =
                (10..1010).filter(|node| settings.fault(&format!("n{node}")) == Some(fault));
            nodes.count()
        };
        assert!((70..130).contains(&count(&Fault::Slow)));
        assert!((30..70).contains(&count(&Fault::Dead)));
        assert_eq!(settings.fault("n7"), Some(&Fault::Lost));
        assert_eq!(settings.fault("n8"), None);
        let other = Settings {
            seed: 2,
            ..settings.clone()
        };
        assert_ne!(settings.draw("n1", "stage"), other.draw("n1", "stage"));
    }
}
