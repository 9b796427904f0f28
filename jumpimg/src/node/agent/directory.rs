//! The private directory on a node in which the run's programs are: made where they may run and have
//! room. Only the script that does it, as text.

use jumpspec::places::{BASES, BASES_IN_MEMORY};
use jumpspec::run::bundle;
use jumpspec::run::exit::NodeExit;

use crate::node::ssh::quoted;

/// For the bundle and for what the file system itself takes.
const SPARE: u64 = 1 << 20;

/// A run that goes on finds its bundle again, however full that place is now. A directory that
/// somebody else made, or a link, is not used.
const SCRIPT: &str = r#"umask 077
export LC_ALL=C
mine() { [ -d "$dir" ] && [ -O "$dir" ] && [ ! -L "$dir" ]; }
for base in BASES; do
  dir=${base%/}/jump-RUN
  if mine && [ -f "$dir/BUNDLE" ]; then echo "$dir"; exit 0; fi
done
why=
for base in BASES; do
  dir=${base%/}/jump-RUN
  said=$(mkdir -m 700 "$dir" 2>&1) || mine || { why="$why; $base: ${said##*: }"; continue; }
  free=$(df -Pk "$dir" 2>/dev/null | { read -r head; read -r name size used free rest; echo "$free"; })
  case $free in ''|*[!0-9]*) free=NEED;; esac
  if [ "$free" -lt NEED ]; then
    reason="it is full ($free KiB are free, NEED are needed)"
  elif ! { printf '#!/bin/sh\nexit 0\n' >"$dir/probe" && chmod 700 "$dir/probe"; } 2>/dev/null; then
    reason='it cannot be written to'
  elif ! "$dir/probe" 2>/dev/null; then
    reason='programs may not run there (noexec)'
  else
    rm -f "$dir/probe"; echo "$dir"; exit 0
  fi
  rm -f "$dir/probe"; rmdir "$dir" 2>/dev/null
  why="$why; $base: $reason"
done
echo "no place for jump's programs: ${why#; }" >&2
exit NONE"#;

/// Nearly all places for the directory are gone with a reboot.
const GONE: &str = r#"[ -x PROGRAM ] || {
  if [ "$(cat /proc/sys/kernel/random/boot_id)" = BOOT ]; then
    echo 'what jump had put on the node is gone, and it was not rebooted: somebody has removed it' >&2
  else
    echo 'the node was rebooted in the meantime: what jump had put there to work with is gone' >&2
  fi
  exit STATUS
}
"#;

/// The script that makes the directory of `run`, with room for `bytes`, and prints its name.
pub(super) fn script(run: &str, bytes: u64) -> String {
    among(&BASES, run, bytes)
}

/// The directory of `run` that the script has printed: one of those that it may make, and nothing else
/// that a node may say.
pub(super) fn named(said: &str, run: &str) -> Option<String> {
    let mut may = BASES
        .iter()
        .map(|base| format!("{}/jump-{run}", base.trim_end_matches('/')));
    may.find(|directory| directory == said.trim_end())
}

/// What ends a script when `program` is there no more, and says whether that is because another boot than
/// `boot` runs. Both are quoted, or need it not.
pub(super) fn still_there(program: &str, boot: &str) -> String {
    GONE.replace("PROGRAM", program)
        .replace("BOOT", &quoted(boot))
        .replace("STATUS", &NodeExit::Gone.status().to_string())
}

fn among(bases: &[&str], run: &str, bytes: u64) -> String {
    SCRIPT
        .replace("BASES", &bases.join(" "))
        .replace("RUN", run)
        .replace("BUNDLE", bundle::FILE)
        .replace("NEED", &(bytes + SPARE).div_ceil(1024).to_string())
        .replace("NONE", &NodeExit::NoPlace.status().to_string())
}

/// What an admin should know of `directory`, who was told that a look writes to no disk.
pub(super) fn note(directory: &str) -> Option<String> {
    let base = |base: &&str| directory.starts_with(&format!("{base}/"));
    let in_memory = BASES_IN_MEMORY.iter().any(base);
    (!in_memory).then(|| {
        format!(
            "jump's programs are put into {directory}, which may be on a disk, until they are removed again: {} take none",
            BASES_IN_MEMORY.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::{among, named, note};

    const MIB: u64 = 1 << 20;

    #[expect(
        clippy::disallowed_macros,
        reason = "the summary of the tests reads it"
    )]
    fn skipped(why: &str) {
        println!("skipped: places for jump's programs: {why}");
    }

    /// Runs `setup` and the script in a mount namespace of its own, with bases a, b and c.
    fn made(setup: &str) -> Option<(String, String, Option<i32>)> {
        if !jumpsys::kernel::system::is_root() {
            skipped("not root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let bases = ["a", "b", "c"].map(|base| format!("{}/{base}", dir.path().display()));
        for base in &bases {
            std::fs::create_dir(base).unwrap();
        }
        let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
        let script = format!(
            "cd {}\n{setup}\n{}",
            dir.path().display(),
            among(&bases, "7", MIB)
        );
        let Output {
            stdout,
            stderr,
            status,
        } = Command::new("unshare")
            .args(["--mount", "/bin/sh", "-c", &script])
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            text.trim_end()
                .replace(&format!("{}/", dir.path().display()), "")
        };
        Some((text(stdout), text(stderr), status.code()))
    }

    fn mount(base: &str, options: &str) -> String {
        format!("mount -t tmpfs -o {options} tmpfs {base} || exit 99\n")
    }

    #[test]
    fn what_is_full_or_runs_no_programs_is_passed_by() {
        let setup = mount("a", "size=64k") + &mount("b", "noexec");
        let Some(made) = made(&setup) else { return };
        assert_eq!(made, ("c/jump-7".to_owned(), String::new(), Some(0)));
    }

    #[test]
    fn a_place_that_has_the_runs_bundle_is_taken_however_full() {
        let bundle = "mkdir -m 700 b/jump-7 && echo >b/jump-7/bundle.json\n";
        let setup = mount("b", "size=64k") + bundle;
        let Some(made) = made(&setup) else { return };
        assert_eq!(made.0, "b/jump-7");
    }

    #[test]
    fn where_there_is_no_place_each_is_named_with_its_reason() {
        let setup = mount("a", "size=64k") + &mount("b", "noexec") + &mount("c", "ro");
        let Some((stdout, stderr, status)) = made(&setup) else {
            return;
        };
        assert_eq!((stdout.as_str(), status), ("", Some(73)));
        assert_eq!(
            stderr,
            "no place for jump's programs: a: it is full (64 KiB are free, 2048 are needed); \
             b: programs may not run there (noexec); c: Read-only file system"
        );
    }

    #[test]
    fn a_node_names_one_of_our_places_and_no_other() {
        for place in ["/dev/shm/jump-7", "/jump-7", "/var/lib/jump-7"] {
            assert_eq!(named(&format!("{place}\n"), "7").as_deref(), Some(place));
        }
        for other in [
            "",
            "/etc",
            "/run/jump-8",
            "/run/jump-7/../../etc",
            "/run/jump-7\n/etc",
        ] {
            assert_eq!(named(other, "7"), None, "{other}");
        }
    }

    #[test]
    fn a_place_that_may_be_on_a_disk_is_told() {
        assert_eq!(note("/run/jump-7"), None);
        for place in ["/jump-7", "/tmp/jump-7", "/var/lib/jump-7"] {
            assert!(note(place).unwrap().contains(place));
        }
    }
}
