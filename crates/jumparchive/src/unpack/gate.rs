//! A gate at which threads wait until the way is clear.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Closed at first.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open,
    Abandoned,
}

impl Gate {
    /// Lets all through.
    pub(crate) fn open(&self) {
        self.set(State::Open);
    }

    /// Sends all away.
    pub(crate) fn abandon(&self) {
        self.set(State::Abandoned);
    }

    /// Waits; says whether the gate was opened.
    pub(crate) fn wait(&self) -> bool {
        let waits = |state: &mut State| *state == State::Closed;
        let state = self.changed.wait_while(self.state(), waits);
        *state.unwrap_or_else(PoisonError::into_inner) == State::Open
    }

    fn set(&self, state: State) {
        *self.state() = state;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
