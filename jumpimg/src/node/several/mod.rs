//! Several nodes, one after another or many at once, and what all of them come to.

mod ahead;
pub(crate) mod sum;

use crate::error::{Exit, Trouble};
use crate::node::tell::Voice;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::screen::Screen;
use ahead::Ahead;
use sum::Sum;

/// Does the same with all nodes, one after another; a node that fails does not stop the next, Ctrl-C
/// does. `json`: what happens is told to programs.
pub(crate) fn each(
    json: bool,
    nodes: &[String],
    act: impl FnMut(&str, &mut Voice) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    one_by_one(json, nodes, &Screen::new(), act)
}

/// Looks at many nodes at once, which must change nothing on them, and shows what was found in the
/// nodes' order.
pub(crate) fn all<T: Send>(
    json: bool,
    interrupt: &Interrupt,
    nodes: &[String],
    look: impl Fn(&str) -> Result<T, Trouble> + Sync,
    mut show: impl FnMut(T, &mut Voice) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let screen = Screen::new();
    std::thread::scope(|scope| {
        let mut found = Ahead::begin(scope, nodes, &look, interrupt);
        one_by_one(json, nodes, &screen, |_, voice| {
            show(found.next(&screen)?, voice)
        })
    })
}

/// Looks at many nodes at once, which must change nothing on them; what was found of each, in the nodes'
/// order.
pub(crate) fn found<'n, T: Send>(
    interrupt: &Interrupt,
    screen: &Screen,
    nodes: &'n [String],
    look: impl Fn(&'n str) -> Result<T, Trouble> + Sync,
) -> Vec<Result<T, Trouble>> {
    std::thread::scope(|scope| {
        let mut found = Ahead::begin(scope, nodes, &look, interrupt);
        nodes.iter().map(|_| found.next(screen)).collect()
    })
}

fn one_by_one(
    json: bool,
    nodes: &[String],
    screen: &Screen,
    mut act: impl FnMut(&str, &mut Voice) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut sum = Sum::of(nodes);
    for node in nodes {
        let mut voice = Voice::new(node, json, screen);
        let done = act(node, &mut voice).and_then(|()| voice.end());
        if let Err(trouble) = &done {
            voice.trouble(trouble);
        }
        let exit = done.as_ref().err().map(|trouble| trouble.exit);
        sum.add(node, done);
        if exit == Some(Exit::Interrupted) {
            break;
        }
    }
    sum.tell(json, screen)?;
    sum.exit()
}
