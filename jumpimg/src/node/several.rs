//! Several nodes, one after another, and what all of them come to.

use crate::error::{Exit, Trouble};
use crate::node::tell::Voice;
use crate::terminal::screen::Screen;

/// Does the same with all nodes, one after another; a node that fails does not stop the next, Ctrl-C
/// does. `json`: what happens is told to programs.
pub(crate) fn each(
    json: bool,
    nodes: &[String],
    mut act: impl FnMut(&str, &mut Voice) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let screen = Screen::new();
    let mut exits = Vec::new();
    for node in nodes {
        let mut voice = Voice::new(node, json, &screen);
        let done = act(node, &mut voice).and_then(|()| voice.end());
        let exit = done.map_err(|trouble| voice.trouble(&trouble));
        exits.push(exit);
        if exit == Err(Exit::Interrupted) {
            break;
        }
    }
    sum(&exits)
}

/// What several nodes come to: the one's own exit code, 3 when all were refused, 4 when
/// only some are done.
fn sum(exits: &[Result<(), Exit>]) -> Result<(), Trouble> {
    let Some(first) = exits.iter().find_map(|exit| exit.err()) else {
        return Ok(());
    };
    let all = |wanted: Exit| exits.iter().all(|exit| *exit == Err(wanted));
    let exit = match exits {
        _ if exits.contains(&Err(Exit::Interrupted)) => Exit::Interrupted,
        [_] => first,
        _ if all(Exit::Refused) => Exit::Refused,
        _ => Exit::SomeNodes,
    };
    Err(Trouble::told(exit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refused_of_two_is_a_run_that_some_did_not_finish() {
        let exit = |exits: &[Result<(), Exit>]| sum(exits).map_err(|trouble| trouble.exit);
        assert_eq!(exit(&[Ok(()), Err(Exit::Refused)]), Err(Exit::SomeNodes));
        assert_eq!(
            exit(&[Err(Exit::Refused), Err(Exit::Refused)]),
            Err(Exit::Refused)
        );
        assert_eq!(exit(&[Err(Exit::Failed)]), Err(Exit::Failed));
        assert_eq!(exit(&[Ok(()), Ok(())]), Ok(()));
    }
}
