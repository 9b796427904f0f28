//! How `jumpinit` ends, and the scripts that `jumpimg` has run on a node: what the admin's host acts
//! upon, for the words on stderr are for people.

/// An exit status. From 64 on they are those of sysexits(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NodeExit {
    /// It is done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line is wrong (clap's own).
    Usage = 2,
    /// `extract`: the archive is not to be followed, or damaged.
    Refused = 3,
    /// There is nothing of a run on the node: `EX_NOINPUT`.
    NoRun = 66,
    /// What `jumpimg` had put on the node is there no more: it was rebooted, or somebody has removed it.
    /// `EX_UNAVAILABLE`.
    Gone = 69,
    /// None of [`crate::places::BASES`] will do for `jumpimg`'s directory: `EX_CANTCREAT`.
    NoPlace = 73,
    /// Another process of the same run still holds the node, e.g. one whose connection broke a moment
    /// ago: call again soon. `EX_TEMPFAIL`.
    Busy = 75,
    /// The order was for one run, and the node belongs to another: `EX_PROTOCOL`.
    OtherRun = 76,
    /// The run's stage forbids the order, e.g. to take back what has begun to be replaced:
    /// `EX_NOPERM`.
    WrongStage = 77,
}

impl NodeExit {
    const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::NoRun,
        Self::Gone,
        Self::NoPlace,
        Self::Busy,
        Self::OtherRun,
        Self::WrongStage,
    ];

    /// The one of this status, if it is one of ours: a shell may end with others.
    pub fn of(status: i32) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|exit| i32::from(exit.status()) == status)
    }

    /// Its status.
    pub fn status(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_again_and_a_shells_own_is_none() {
        for exit in NodeExit::ALL {
            assert_eq!(NodeExit::of(i32::from(exit.status())), Some(exit));
        }
        assert_eq!(NodeExit::of(127), None);
    }
}
