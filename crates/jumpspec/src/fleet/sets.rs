//! The nodes of a fleet by what has become of them.

use super::course::State;

/// Which nodes are where, by their numbers; each is in one of the first four.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// They are their new system.
    pub ok: Vec<usize>,
    /// They are not, for a reason that was told.
    pub ko: Vec<usize>,
    /// Their old system has run all the time.
    pub untouched: Vec<usize>,
    /// They were told to reboot, and nobody knows yet how it ends.
    pub inflight: Vec<usize>,
    /// Those of the untouched that wait in their old system for their jump.
    pub staged: Vec<usize>,
}

impl Sets {
    /// Of nodes in these states.
    pub fn of(states: &[State]) -> Self {
        let mut sets = Self::default();
        for (node, state) in states.iter().enumerate() {
            match state {
                State::Ok => sets.ok.push(node),
                State::Ko => sets.ko.push(node),
                State::Down => sets.inflight.push(node),
                State::Planned | State::Staging => sets.untouched.push(node),
                State::Staged => {
                    sets.untouched.push(node);
                    sets.staged.push(node);
                }
            }
        }
        sets
    }

    /// Each with its name.
    pub fn named(&self) -> [(&'static str, &[usize]); 5] {
        [
            ("ok", &self.ok),
            ("ko", &self.ko),
            ("untouched", &self.untouched),
            ("inflight", &self.inflight),
            ("staged", &self.staged),
        ]
    }
}
