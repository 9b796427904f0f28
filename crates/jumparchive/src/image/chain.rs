//! A digest of content that several threads have pieces of.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use jumpspec::words::digest::{Digest, Hasher};

/// Takes pieces in order, whichever order they are offered in.
#[derive(Default)]
pub(crate) struct Chain {
    state: Mutex<State>,
    turn: Condvar,
}

#[derive(Default)]
struct State {
    hasher: Hasher,
    next: usize,
    broken: bool,
}

/// One piece's duty to the chain: unless it is done, those after it need not wait.
pub(crate) struct Link<'a> {
    chain: &'a Chain,
    done: bool,
}

impl Chain {
    /// Takes the duty for a piece.
    pub(crate) fn link(&self) -> Link<'_> {
        Link {
            chain: self,
            done: false,
        }
    }

    /// Lets all go that wait: a piece will not come.
    pub(crate) fn abandon(&self) {
        self.state().broken = true;
        self.turn.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link<'_> {
    /// Waits for the pieces before number `number` and adds it. Gives the digest of all
    /// so far, or nothing if a piece before it failed.
    pub(crate) fn add(mut self, number: usize, piece: &[u8]) -> Option<Digest> {
        let waits = |state: &mut State| state.next != number && !state.broken;
        let mut state = self
            .chain
            .turn
            .wait_while(self.chain.state(), waits)
            .unwrap_or_else(PoisonError::into_inner);
        if state.broken {
            return None;
        }
        state.hasher.update(piece);
        state.next += 1;
        let digest = state.hasher.clone().finish();
        self.done = true;
        drop(state);
        self.chain.turn.notify_all();
        Some(digest)
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.chain.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_pieces_in_order_from_any_thread() {
        let chain = Chain::default();
        let digest = std::thread::scope(|scope| {
            let last = scope.spawn(|| chain.link().add(1, b"def"));
            chain.link().add(0, b"abc");
            last.join().unwrap()
        });
        assert_eq!(digest, Some(Digest::of(b"abcdef")));
    }

    #[test]
    fn nobody_waits_for_a_piece_that_failed() {
        let chain = Chain::default();
        drop(chain.link());
        assert_eq!(chain.link().add(1, b"def"), None);
    }
}
