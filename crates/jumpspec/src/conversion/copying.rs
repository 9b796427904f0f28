//! Statements that copy a tree from one partition to another, which a job does by `[[copy]]`.

use super::entry::Verdict;
use super::words::names;
use crate::job::Joint;

/// Programs that copy trees whatever their options are.
const COPIERS: [&str; 5] = ["rsync", "cpio", "dump", "xfsdump", "xfs_copy"];

/// Why a statement is not for a hook of that joint, if it copies a tree between partitions.
pub(super) fn copying(at: Joint, text: &str) -> Option<Verdict> {
    let reaches = match at {
        Joint::Committed => true,
        Joint::Restored => leaves_the_new_root(text),
        _ => return None,
    };
    (reaches && copies(text) && !is_from_afar(text)).then(|| {
        Verdict::person(
            "it copies a tree from one partition to another, and a hook has none of them mounted: at `committed` they only lie bare, at `restored` it sees the new root alone",
            "say it as a [[copy]] in job.toml, which is planned, read back, and done before its source is formatted: docs/job.md, Copies",
        )
    })
}

fn copies(text: &str) -> bool {
    let count = |known: &str| names(text).filter(|name| *name == known).count();
    let is_recursive = |word: &str| {
        ["--archive", "--recursive"].contains(&word)
            || word.starts_with('-') && !word.starts_with("--") && word.contains(['a', 'r', 'R'])
    };
    names(text).any(|name| COPIERS.contains(&name))
        || count("tar") > 1
        || count("cp") > 0 && text.split_whitespace().any(is_recursive)
}

/// Whether it names a path that is not below `/mnt`, where the new root was.
fn leaves_the_new_root(text: &str) -> bool {
    let apart = |c: char| c.is_whitespace() || ";&|()`\"'<>=".contains(c);
    let mut words = text.split(apart);
    words.any(|word| {
        let is_below = word == "/mnt" || word.starts_with("/mnt/");
        word.starts_with('/') && !is_below && !word.starts_with("/dev/")
    })
}

/// Whether it has another host in it, which no copy of a job can reach.
fn is_from_afar(text: &str) -> bool {
    text.contains(":/") || text.contains("ssh ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_goes_to_another_partition_is_a_copy_of_the_job() {
        let cases = [
            (Joint::Committed, "cp -a /old/home /new/", true),
            (Joint::Committed, "rsync -a /old/home/ /new/home", true),
            (
                Joint::Committed,
                "(cd /old; tar cf - home) | (cd /new; tar xf -)",
                true,
            ),
            (Joint::Committed, "rsync -a store:/srv/x /new/x", false),
            (Joint::Committed, "cp /etc/x /etc/y", false),
            (Joint::Restored, "cp -rp /old/home /mnt/home", true),
            (Joint::Restored, "cp -rp $JUMP_DIR/munge /mnt/etc", false),
            (Joint::Restored, "cp -r etc/a etc/b 2>/dev/null", false),
            (Joint::Prep, "cp -a /home /srv/", false),
        ];
        for (at, text, wanted) in cases {
            assert_eq!(copying(at, text).is_some(), wanted, "{text}");
        }
    }
}
