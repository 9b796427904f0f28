//! Looks at nodes by several threads, and hands on what they found in the nodes' order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::Scope;

use crate::error::{Exit, Trouble};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::screen::Screen;

/// So many nodes are looked at at once: each takes two ssh processes.
const AT_ONCE: usize = 32;

/// What was found ahead of who asks for it.
pub(super) struct Ahead<T> {
    found: Receiver<(usize, Result<T, Trouble>)>,
    early: BTreeMap<usize, Result<T, Trouble>>,
    next: usize,
    count: usize,
}

impl<T: Send> Ahead<T> {
    /// Begins to look at `nodes`, by threads of `scope` that end with Ctrl-C or with this value.
    pub(super) fn begin<'s, 'e, 'n: 's>(
        scope: &'s Scope<'s, 'e>,
        nodes: &'n [String],
        look: &'e (impl Fn(&'n str) -> Result<T, Trouble> + Sync),
        interrupt: &'e Interrupt,
    ) -> Self
    where
        T: 's,
    {
        let (send, found) = mpsc::channel();
        let taken = std::sync::Arc::new(AtomicUsize::new(0));
        for _ in 0..nodes.len().min(AT_ONCE) {
            let (send, taken) = (send.clone(), taken.clone());
            scope.spawn(move || {
                while !interrupt.caught() {
                    let at = taken.fetch_add(1, Ordering::Relaxed);
                    let Some(node) = nodes.get(at) else { break };
                    if send.send((at, look(node))).is_err() {
                        break;
                    }
                }
            });
        }
        Self {
            found,
            early: BTreeMap::new(),
            next: 0,
            count: nodes.len(),
        }
    }

    /// What was found of the next node, waited for with a sign of life on `screen`.
    pub(super) fn next(&mut self, screen: &Screen) -> Result<T, Trouble> {
        let mut bar = None;
        let found = loop {
            if let Some(found) = self.early.remove(&self.next) {
                break found;
            }
            let bar = bar.get_or_insert_with(|| screen.spinner("look at the nodes"));
            let seen = self.next + self.early.len();
            bar.set_message(format!("look at the nodes: {seen} of {}", self.count));
            match self.found.recv() {
                Ok((at, found)) => self.early.insert(at, found),
                // Nobody looks any more.
                Err(_) => break Err(interrupted()),
            };
        };
        if let Some(bar) = &bar {
            screen.clear(bar);
        }
        self.next += 1;
        found
    }
}

fn interrupted() -> Trouble {
    let why = "interrupted; it was not looked at";
    Trouble::new(Exit::Interrupted, "interrupted", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_handed_on_in_order_and_all_threads_end_with_ctrl_c() {
        let nodes: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let (screen, interrupt) = (Screen::new(), Interrupt::listen().unwrap());
        let look = |node: &str| Ok(node.to_owned());
        std::thread::scope(|scope| {
            let mut ahead = Ahead::begin(scope, &nodes, &look, &interrupt);
            for node in &nodes {
                assert_eq!(ahead.next(&screen).as_ref(), Ok(node));
            }
            let over = ahead.next(&screen).unwrap_err();
            assert_eq!(over.exit, Exit::Interrupted);
        });
    }
}
