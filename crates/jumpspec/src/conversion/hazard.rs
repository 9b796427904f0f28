//! What a statement relies on that a hook does not have.

use super::copying::copying;
use super::entry::Verdict;
use super::hook_file::ASIDE;
use super::variables::Given;
use super::words::{mentions, uses};
use crate::job::Joint;

/// Why a statement does not become part of a hook of that joint, if it does not.
pub(super) fn hazard(at: Joint, text: &str, given: &Given) -> Option<Verdict> {
    if uses_arguments(text) {
        return Some(Verdict::person(
            "it uses the script's arguments, and hooks have none",
            "write it with what the environment has: docs/job.md, Hooks",
        ));
    }
    if uses(text, "TARGET_DIR") || uses(text, "TARGET_TAR") || uses_finished(text) {
        return Some(Verdict::person(
            "it uses a file that was copied to the node, and no hook finds it there",
            "put the file into the target image, or the text of it into the hook",
        ));
    }
    if let Some(place) = given.places().find(|place| mentions(text, place)) {
        return Some(Verdict::person(
            format!("{place} does not exist for hooks"),
            format!("in a hook at `saved` it is $JUMP_SAVED{ASIDE}, in one at `restored` {ASIDE}"),
        ));
    }
    if let Some(verdict) = copying(at, text) {
        return Some(verdict);
    }
    match at {
        Joint::Saved => jump_mount(text),
        Joint::Committed if uses(text, "JUMP_DIR") => Some(Verdict::person(
            "what was saved is put back later: before the image is unpacked no hook finds it",
            "write it into a hook at `restored`, or put the file into the jump image",
        )),
        Joint::Restored => restored_already(text, given),
        _ => None,
    }
}

/// `$1`, `$*`, `$#`, `$0`, outside of single quotes, where they could be awk's.
fn uses_arguments(text: &str) -> bool {
    let outside: String = text.split('\'').step_by(2).collect();
    let mut bytes = outside.as_bytes().windows(2);
    bytes.any(|pair| pair[0] == b'$' && (pair[1].is_ascii_digit() || b"@*#".contains(&pair[1])))
}

fn uses_finished(text: &str) -> bool {
    text.contains("$NEW_TARGET_RC") || text.contains("${NEW_TARGET_RC")
}

/// The jump system's files are the image's: only what is put aside is kept of what is written there.
fn jump_mount(text: &str) -> Option<Verdict> {
    let aside = ["$JUMP_MNT/$JUMP_DIR", "$JUMP_MNT$JUMP_DIR"];
    let rest = aside
        .iter()
        .fold(text.to_owned(), |rest, aside| rest.replace(aside, ""));
    uses(&rest, "JUMP_MNT").then(|| {
        Verdict::person(
            "it changes the jump system's own files, and those are the jump image's, checked byte by byte",
            "change the jump image, or see [jump] in docs/job.md",
        )
    })
}

fn restored_already(text: &str, given: &Given) -> Option<Verdict> {
    let mut after = ["$JUMP_DIR/", "${JUMP_DIR}/"]
        .into_iter()
        .flat_map(|it| text.split(it).skip(1));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let found = after.find_map(|rest| {
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        given
            .saved
            .iter()
            .find(|path| path.rsplit('/').next() == Some(&rest[..end]))
    })?;
    Some(Verdict::person(
        format!(
            "it uses the copy of {found}, and there is none: jump has put that back, or merged it"
        ),
        format!("if {found} as it is in the new root will do, use that in a hook at `restored`"),
    ))
}

/// The statement with the new root at `/`, if it names `/mnt`.
pub(super) fn in_new_root(text: &str) -> Option<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let (mut inside, mut rest, mut found) = (String::new(), text, false);
    while let Some(at) = rest.find("/mnt") {
        let (before, after) = (&rest[..at], &rest[at + 4..]);
        inside += before;
        let is_whole =
            !(before.ends_with(is_path) || before.is_empty() && inside.ends_with(is_path));
        match after.chars().next() {
            Some('/') if is_whole => found = true,
            Some(next) if !is_whole || is_path(next) => inside += "/mnt",
            _ if !is_whole => inside += "/mnt",
            _ => {
                inside.push('/');
                found = true;
            }
        }
        rest = after;
    }
    inside += rest;
    found.then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hook_does_not_have_is_handed_to_a_person() {
        let given = Given {
            target_dir: Some("/jumpfiles".to_owned()),
            saved: vec!["/etc/hosts".to_owned()],
            ..Given::default()
        };
        let cases = [
            (Joint::Prep, "echo \"$1\"", true),
            (Joint::Prep, "awk '{print $1}' /etc/x", false),
            (Joint::Prep, "cp $TARGET_DIR/x /y", true),
            (Joint::Saved, "cp /etc/resolv.conf $JUMP_MNT/etc", true),
            (Joint::Saved, "cp /etc/x $JUMP_MNT/$JUMP_DIR/", false),
            (Joint::Saved, "cp /etc/x .", false),
            (Joint::Restored, "cp $JUMP_DIR/x etc/", false),
            (Joint::Restored, "cat $JUMP_DIR/hosts >>etc/hosts", true),
            (Joint::Restored, "cat /jumpfiles/x", true),
            (Joint::Committed, "cat $JUMP_DIR/x", true),
            (Joint::Restored, "cp $JUMP_DIR/$NEW_TARGET_RC1 etc", true),
        ];
        for (at, text, wanted) in cases {
            assert_eq!(hazard(at, text, &given).is_some(), wanted, "{text}");
        }
    }

    #[test]
    fn the_new_root_is_the_root() {
        let cases = [
            ("echo a >/mnt/etc/x", Some("echo a >/etc/x")),
            ("chroot /mnt ldconfig", Some("chroot / ldconfig")),
            ("cp /mnt/a \"/mnt/b\"", Some("cp /a \"/b\"")),
            ("cd /mnt", Some("cd /")),
            ("ls /mnt2 /srv/mnt/x", None),
            ("ls etc", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(in_new_root(text).as_deref(), wanted, "{text}");
        }
    }
}
