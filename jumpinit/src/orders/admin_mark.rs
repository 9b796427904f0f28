//! The admin host logs in and shows the secret that only it has: what the steps before the two
//! commits may wait for.

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jumpspec::places;
use jumpspec::words::digest::Digest;
use jumpsys::files::atomic::write_atomic;

use crate::node::bundle::read_plan;
use crate::orders::stdin::Feed;

/// More than any secret has.
const LIMIT: u64 = 4096;

/// Takes the secret from standard input, which may fall silent: an argument could be read by everybody
/// (`/proc`).
pub(crate) fn run() -> Result<()> {
    greet(Path::new("/"), &mut Feed::stdin())
}

/// Notes a right secret below `root` until the next boot; a wrong one changes nothing.
fn greet(root: &Path, secret: &mut impl Read) -> Result<()> {
    let plan = [places::PLAN, places::NEW_PLAN]
        .map(|place| root.join(place))
        .into_iter()
        .find(|path| path.exists())
        .context("there is no plan here: neither the jump system nor an unfinished new one")?;
    let plan = read_plan(&plan)?;
    let mut shown = Vec::new();
    secret
        .take(LIMIT)
        .read_to_end(&mut shown)
        .context("cannot read standard input")?;
    ensure!(
        Digest::of(&shown) == plan.admin_mark,
        "that is not the secret of run {}",
        plan.run
    );
    write_atomic(&root.join(places::ADMIN), &shown, 0o600)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;

    /// The planner's own sample, which keeps up with the plan's format.
    const PLAN: &str = include_str!(
        "../../../crates/jumpspec/src/planner/snapshots/jumpspec__planner__tests__the_demos_node_gets_the_plan_of_the_journey-2.snap"
    );

    /// A system with a plan at `place`, for the secret `open sesame`.
    fn system(place: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let json = &PLAN[PLAN.find("\n{").unwrap()..];
        let mut plan: serde_json::Value = serde_json::from_str(json).unwrap();
        plan["admin_mark"] = serde_json::json!(Digest::of(b"open sesame"));
        for folder in [Path::new(place).parent().unwrap(), Path::new("run")] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        std::fs::write(root.path().join(place), plan.to_string()).unwrap();
        root
    }

    #[test]
    fn the_secret_is_noted_in_the_jump_and_the_new_system_for_root_only() {
        for place in [places::PLAN, places::NEW_PLAN] {
            let root = system(place);
            greet(root.path(), &mut b"open sesame".as_slice()).unwrap();
            let noted = root.path().join(places::ADMIN);
            assert_eq!(std::fs::read(&noted).unwrap(), b"open sesame");
            let mode = noted.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn fault_40_a_wrong_secret_is_refused_and_leaves_nothing() {
        for wrong in ["", "open barley", "open sesame\n"] {
            let root = system(places::PLAN);
            assert!(
                greet(root.path(), &mut wrong.as_bytes()).is_err(),
                "{wrong:?}"
            );
            let left: Vec<_> = std::fs::read_dir(root.path().join("run"))
                .unwrap()
                .collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    #[test]
    fn an_admin_host_that_says_nothing_is_given_up_and_leaves_nothing() {
        let root = system(places::PLAN);
        let (here, there) = UnixStream::pair().unwrap();
        let mut silent = Feed::of(there, Duration::from_millis(100));
        let error = greet(root.path(), &mut silent).unwrap_err();
        assert!(
            format!("{error:#}").contains("cannot read standard input"),
            "{error:#}"
        );
        assert!(!root.path().join(places::ADMIN).exists());
        drop(here);
    }

    #[test]
    fn a_system_without_a_plan_takes_no_secret() {
        let root = tempfile::tempdir().unwrap();
        assert!(greet(root.path(), &mut b"open sesame".as_slice()).is_err());
    }
}
