//! The job's hooks: programs of the admin's own at the joints of the journey, and the variables that
//! they all have.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Job, Wait};

/// The longest that a hook may take at a joint whose stage has no wait of its own.
pub const LONGEST_HOOK: Duration = Duration::from_hours(1);
/// The most hooks of a job.
pub const MOST_HOOKS: usize = 32;
/// Bytes of the longest script.
pub const LARGEST_HOOK: u64 = 256 << 10;

/// A joint of the journey, in the order in which a node comes to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joint {
    /// On the old system, before anything is changed.
    Prep,
    /// On the old system, once what makes the node itself is saved.
    Saved,
    /// On the jump system, after the commit and before the partition table is written: every
    /// partition but the landing partition is free.
    Committed,
    /// In the new root, by chroot from the jump system, before its loader is installed.
    Restored,
    /// On the new system, in each of its boots until it is confirmed, before its health is looked at.
    Firstboot,
    /// On the new system, once it is the default.
    Finished,
}

impl Joint {
    /// As the job names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prep => "prep",
            Self::Saved => "saved",
            Self::Committed => "committed",
            Self::Restored => "restored",
            Self::Firstboot => "firstboot",
            Self::Finished => "finished",
        }
    }

    /// What may follow from a failure there; the first is the rule.
    pub fn consequences(self) -> &'static [OnFailure] {
        match self {
            Self::Prep | Self::Saved => &[OnFailure::Old],
            Self::Committed | Self::Restored => &[OnFailure::Jump],
            Self::Firstboot => &[OnFailure::Jump, OnFailure::Tell],
            Self::Finished => &[OnFailure::Tell],
        }
    }
}

impl fmt::Display for Joint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What follows from a hook's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The run ends in the old system.
    Old,
    /// The node stays in the jump system, or goes back to it.
    Jump,
    /// It is told, and the run goes on.
    Tell,
}

impl OnFailure {
    /// As the job names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Jump => "jump",
            Self::Tell => "tell",
        }
    }
}

/// A hook as the job has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookWish {
    /// Where it is run.
    pub at: Joint,
    /// The file on the admin host, relative to the job file.
    pub run: String,
    /// How long it may take.
    #[serde(default = "HookWish::ten_minutes")]
    pub timeout: Wait,
    /// What follows from its failure, where there is a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
}

impl HookWish {
    fn ten_minutes() -> Wait {
        Wait(Duration::from_mins(10))
    }

    /// What follows from its failure.
    pub fn consequence(&self) -> OnFailure {
        let rule = self.at.consequences()[0];
        self.on_failure.unwrap_or(rule)
    }
}

/// The three hooks of jobs that were written before there were joints, each of which may take an hour, or
/// what its stage has; and what a fleet has beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// At [`Joint::Prep`].
    pub before: Option<String>,
    /// At [`Joint::Restored`].
    pub restored: Option<String>,
    /// At [`Joint::Finished`].
    pub finished: Option<String>,
    /// A program of the admin host that hears what has become of a fleet.
    pub fleet_done: Option<String>,
}

impl Job {
    /// All hooks in the order in which they run: by their joints, and at one joint those of `[hooks]`
    /// first, then as the job names them.
    pub fn all_hooks(&self) -> Vec<HookWish> {
        let named = [
            (Joint::Prep, &self.hooks.before),
            (Joint::Restored, &self.hooks.restored),
            (Joint::Finished, &self.hooks.finished),
        ];
        let named = named.into_iter().filter_map(|(at, run)| {
            Some(HookWish {
                at,
                run: run.clone()?,
                timeout: Wait(self.longest_hook(at).min(LONGEST_HOOK)),
                on_failure: None,
            })
        });
        let mut hooks: Vec<_> = named.chain(self.hook.iter().cloned()).collect();
        hooks.sort_by_key(|hook| hook.at);
        hooks
    }

    /// Whether there is a hook at that joint.
    pub fn has_hook(&self, joint: Joint) -> bool {
        self.all_hooks().iter().any(|hook| hook.at == joint)
    }

    /// The longest that a hook may take there: what its stage has, where that has a wait.
    pub fn longest_hook(&self, joint: Joint) -> Duration {
        match joint {
            Joint::Prep | Joint::Saved | Joint::Finished => LONGEST_HOOK,
            Joint::Committed | Joint::Restored => self.wait.replace.0,
            Joint::Firstboot => self.wait.health.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(text: &str) -> Job {
        let small = "[images]\njump = 'j'\ntarget = 't'\n[[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n";
        Job::parse(&format!("{small}{text}")).unwrap()
    }

    #[test]
    fn hooks_run_by_their_joints_and_at_one_joint_in_the_jobs_order() {
        let job = job("[hooks]\nfinished = 'f'\nbefore = 'b'\n\
             [[hook]]\nat = 'finished'\nrun = 'g'\n\
             [[hook]]\nat = 'committed'\nrun = 'z'\n\
             [[hook]]\nat = 'committed'\nrun = 'a'\ntimeout = '90s'\n\
             [[hook]]\nat = 'prep'\nrun = 'c'\n");
        let hooks = job.all_hooks();
        let names: Vec<_> = hooks
            .iter()
            .map(|it| (it.at.name(), it.run.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("prep", "b"),
                ("prep", "c"),
                ("committed", "z"),
                ("committed", "a"),
                ("finished", "f"),
                ("finished", "g"),
            ]
        );
        assert_eq!(hooks[0].timeout.0, LONGEST_HOOK);
        assert_eq!(hooks[1].timeout.0, Duration::from_mins(10));
        assert_eq!(hooks[3].timeout.0, Duration::from_secs(90));
    }

    #[test]
    fn an_old_name_takes_no_longer_than_its_stage() {
        let job = job("[hooks]\nrestored = 'r'\n[wait]\nreplace = '20min'\n");
        assert_eq!(job.all_hooks()[0].timeout.0, Duration::from_mins(20));
    }

    #[test]
    fn a_failure_leads_where_the_joint_says_unless_the_job_says_otherwise() {
        let job = job("[[hook]]\nat = 'firstboot'\nrun = 'a'\n\
             [[hook]]\nat = 'firstboot'\nrun = 'b'\non_failure = 'tell'\n");
        let follows: Vec<_> = job.all_hooks().iter().map(HookWish::consequence).collect();
        assert_eq!(follows, [OnFailure::Jump, OnFailure::Tell]);
    }
}
