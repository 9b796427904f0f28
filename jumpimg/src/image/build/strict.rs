//! `--strict`: an image that is not quite what the tree was is no image.

use std::path::Path;

use jumparchive::Report;

use crate::error::{Cause, Exit, Trouble};

/// How many paths are named.
const NAMED: usize = 3;

/// Refuses what packing could not keep, one cause for each kind.
pub(super) fn refuse_losses(root: &Path, report: &Report) -> Result<(), Trouble> {
    let causes = [sockets(root, report.sockets), unstable(root, report)];
    let causes: Vec<_> = causes.into_iter().flatten().collect();
    if causes.is_empty() {
        return Ok(());
    }
    Err(Trouble {
        exit: Exit::Refused,
        causes,
    })
}

fn sockets(root: &Path, sockets: u64) -> Option<Cause> {
    (sockets > 0).then(|| Cause {
        code: "sockets".to_owned(),
        message: format!(
            "{}: no archive can hold sockets, of which it has {sockets}",
            root.display()
        ),
        hint: Some("stop what listens there and remove them, or --exclude them".to_owned()),
        failure: None,
    })
}

fn unstable(root: &Path, report: &Report) -> Option<Cause> {
    let paths: Vec<_> = report.changed.iter().chain(&report.vanished).collect();
    if paths.is_empty() {
        return None;
    }
    let named = paths.iter().take(NAMED).map(|path| format!("/{path}"));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match paths.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(Cause {
        code: "not-stable".to_owned(),
        message: format!(
            "{}: changed while it was read: {named}{more}",
            root.display()
        ),
        hint: Some("stop what writes there, or build from a snapshot".to_owned()),
        failure: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(report: &Report) -> Vec<String> {
        let result = refuse_losses(Path::new("/srv/golden"), report);
        let causes = result.err().map(|trouble| trouble.causes);
        causes
            .into_iter()
            .flatten()
            .map(|cause| cause.code)
            .collect()
    }

    #[test]
    fn each_kind_of_loss_is_a_cause() {
        let mut report = Report::default();
        assert!(codes(&report).is_empty());
        report.vanished.push("var/spool/x".to_owned());
        assert_eq!(codes(&report), ["not-stable"]);
        report.sockets = 2;
        assert_eq!(codes(&report), ["sockets", "not-stable"]);
    }

    #[test]
    fn some_paths_are_named_and_the_rest_counted() {
        let report = Report {
            changed: ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec(),
            ..Report::default()
        };
        let message = unstable(Path::new("/"), &report).unwrap().message;
        assert!(message.ends_with("/a, /b, /c and 2 more"), "{message}");
    }
}
