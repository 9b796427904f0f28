//! The accounts of the new system: its own, with the old system's people.

use anyhow::{Context as _, Result, ensure};
use jumpspec::node::accounts::{self, AccountFiles, Setting};
use jumpspec::places;
use jumpspec::words::relpath::RelPath;
use jumpsys::files::root::{Owner, Root};

use crate::run::context::Context;
use crate::run::new_root;
use crate::steps::seal;

/// The four account files, below a root.
pub(crate) const ACCOUNTS: [&str; 4] = ["etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"];
/// Ranges of subordinate ids, by account.
pub(crate) const SUBIDS: [&str; 2] = ["etc/subuid", "etc/subgid"];
/// Larger account files than any real one are refused.
const ACCOUNTS_CAP: u64 = 64 << 20;
/// Gid of `shadow` on Debian (base-passwd), for images that lack the file.
const SHADOW_GROUP: u32 = 42;

/// Merges the old system's human accounts and root's password into the new system's.
pub(crate) fn merge(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    let archive = seal::open(cx, places::SAVED)?;
    let saved = |path: &str| {
        let path: RelPath = path.parse()?;
        let bytes = jumparchive::read_file(&archive, &path, ACCOUNTS_CAP)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let old = account_files(saved)?;
    ensure!(
        !old.passwd.is_empty(),
        "the saved files have no /etc/passwd"
    );
    if old.shadow.is_empty() {
        cx.reporter
            .note("no /etc/shadow was saved: accounts are carried over without their passwords");
    }
    let new = account_files(|path| Ok(root.read_text(path)?))?;
    let setting = Setting {
        owners: &cx.plan.owners,
        has_program: &|path| root.exists(path),
    };
    let merged = accounts::merge(&old, &new, setting).context("cannot merge the accounts")?;
    for (path, text) in ACCOUNTS.iter().zip(texts(&merged.files)) {
        let secret = path.ends_with("shadow");
        let otherwise = if secret {
            Owner {
                uid: 0,
                gid: SHADOW_GROUP,
                mode: 0o640,
            }
        } else {
            Owner::root(0o644)
        };
        root.rewrite(path, text.as_bytes(), otherwise)?;
    }
    for path in SUBIDS {
        let (old, new) = (saved(path)?, root.read_text(path)?);
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let text = accounts::merge_subids(&old, &new, &merged.carried);
        root.rewrite(path, text.as_bytes(), Owner::root(0o644))?;
    }
    if !merged.carried.is_empty() {
        cx.reporter.note(format!(
            "accounts carried over: {}",
            merged.carried.join(", ")
        ));
    }
    for clash in &merged.clashes {
        cx.reporter.note(format!("accounts: {clash}"));
    }
    make_homes(cx, &root, &merged.files, &merged.carried);
    Ok(())
}

fn account_files(read: impl Fn(&str) -> Result<Option<String>>) -> Result<AccountFiles> {
    let [passwd, shadow, group, gshadow] =
        ACCOUNTS.map(|path| read(path).map(Option::unwrap_or_default));
    Ok(AccountFiles {
        passwd: passwd?,
        shadow: shadow?,
        group: group?,
        gshadow: gshadow?,
    })
}

fn texts(files: &AccountFiles) -> [&str; 4] {
    [&files.passwd, &files.shadow, &files.group, &files.gshadow]
}

/// Gives carried accounts an empty home where they have none and no kept file system
/// holds it.
fn make_homes(cx: &mut Context, root: &Root, files: &AccountFiles, carried: &[String]) {
    for account in accounts::humans(files)
        .into_iter()
        .filter(|account| carried.contains(&account.name))
    {
        let home: Result<RelPath, _> = account.home.parse();
        let Ok(home) = home else { continue };
        if new_root::is_on_kept(cx, &account.home) || root.exists(home.as_str()) {
            continue;
        }
        let owner = Owner {
            uid: account.uid,
            gid: account.gid,
            mode: 0o700,
        };
        // A missing home is no reason to stop half way: nobody needs it to log in.
        let made = root.create_dir_all(home.as_str(), owner);
        cx.reporter.note(match made {
            Ok(()) => format!("{} has a new, empty home {}", account.name, account.home),
            Err(error) => format!("{} has no home {}: {error}", account.name, account.home),
        });
    }
}
