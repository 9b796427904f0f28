//! The variables of a configuration file: those of the sample, which say what the job says elsewhere,
//! and the admin's own.

use std::collections::BTreeMap;

use super::entry::{Fate, Verdict};
use super::known::Known;
use crate::job::LandingChoice;
use crate::job::variables::doubt;

/// What a configuration file says by the names of the sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) target_dir: Option<String>,
    pub(super) jump_dir: Option<String>,
    pub(super) jump_mount: Option<String>,
    pub(super) grub_menu: Option<String>,
    pub(super) setup: Option<String>,
    pub(super) target_partition: Option<String>,
    pub(super) target_tar: Option<String>,
    pub(super) jump_tar: Option<String>,
    pub(super) landing: Option<LandingChoice>,
    /// `NEW_TARGET_RC1` and its like, with their values.
    pub(super) finished: Vec<(String, String)>,
    /// The admin's own, by the names that hooks know them by.
    pub(super) own: BTreeMap<String, String>,
    /// What `remote` lines run.
    pub(super) remote: Vec<String>,
    /// What the script saves, by whole paths: known once it is read.
    pub(super) saved: Vec<String>,
}

impl Given {
    /// Directories and files of 2009 that nothing of a job has.
    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        let places = [
            &self.target_dir,
            &self.jump_dir,
            &self.jump_mount,
            &self.grub_menu,
        ];
        let named = places.into_iter().filter_map(|place| place.as_deref());
        named.filter(|place| place.len() > 1)
    }

    /// Files that the sample copies to the node.
    pub(super) fn brought(&self) -> impl Iterator<Item = &str> {
        let files = [&self.target_tar, &self.jump_tar, &self.setup];
        let files = files.into_iter().filter_map(|file| file.as_deref());
        files.chain(self.finished.iter().map(|(_, file)| file.as_str()))
    }

    /// Takes a variable, and says what becomes of its line. `has_script`: whether the script is read too.
    pub(super) fn take(&mut self, name: &str, value: &str, has_script: bool) -> Verdict {
        let slot = match name {
            "TARGET_DIR" => &mut self.target_dir,
            "JUMP_DIR" => &mut self.jump_dir,
            "JUMP_MNT" => &mut self.jump_mount,
            "GRUBMENU" => &mut self.grub_menu,
            "TARGET_SETUP" => &mut self.setup,
            "TARGET_PARTITION" => &mut self.target_partition,
            "TARGET_TAR" => &mut self.target_tar,
            "JUMP_TAR" => &mut self.jump_tar,
            "JUMP_PARTITION" => return self.land(value, "the partition that jump borrows"),
            "NEW_TARGET_TAR" => return Verdict::dropped(Known::Upload.why()),
            _ if name.starts_with("NEW_TARGET_RC") => {
                self.finished.retain(|(known, _)| known != name);
                self.finished.push((name.to_owned(), value.to_owned()));
                return Verdict::new(Fate::Job("[[hook]]"), "");
            }
            _ => return self.own(name, value),
        };
        *slot = Some(value.to_owned());
        of_sample(name, has_script)
    }

    /// Takes the partition that is borrowed, and says `why` it is a wish of the job's.
    pub(super) fn land(&mut self, partition: &str, why: &str) -> Verdict {
        match partition.parse() {
            Ok(choice) => {
                self.landing = Some(choice);
                Verdict::new(Fate::Job("[landing]"), why)
            }
            Err(error) => Verdict::person(
                error.to_string(),
                "write the partition that jump is to borrow under [landing] in job.toml",
            ),
        }
    }

    fn own(&mut self, name: &str, value: &str) -> Verdict {
        if value.contains('%') && value.split('%').any(|it| it == "_HOST") {
            return Verdict::person(
                "its value has the host's name in it",
                format!(
                    "give each node its own: [node.\"HOST\"] {name} = \"…\" in job.toml, or a table of `hostvars`"
                ),
            );
        }
        let own = name.to_ascii_uppercase();
        let is_other = self.own.contains_key(&own) && own != name;
        if is_other || doubt(&own, value).is_some() {
            return Verdict::person(
                format!(
                    "the environment of hooks cannot have {own} with this value, or has another by that name"
                ),
                "set it by another name under [variables] in job.toml, if hooks need it",
            );
        }
        self.own.insert(own.clone(), value.to_owned());
        let verdict = Verdict::new(
            Fate::Job("[variables]"),
            "hooks have it in their environment",
        );
        if own == name {
            return verdict;
        }
        verdict.with(format!("it is called {own} there"))
    }
}

/// What becomes of a variable of the sample.
fn of_sample(name: &str, has_script: bool) -> Verdict {
    match name {
        "TARGET_PARTITION" => Verdict::new(
            Fate::Job("[[layout.partition]]"),
            "it is formatted and mounted at /; the script's ext3 becomes ext4",
        ),
        "TARGET_TAR" => Verdict::new(
            Fate::Command,
            "`jumpimg adopt` makes the target image of it",
        ),
        "JUMP_TAR" => Verdict::new(
            Fate::Command,
            "`jumpimg adopt --kind jump` makes the jump image of it",
        ),
        "TARGET_SETUP" if has_script => Verdict::dropped(Known::Call.why()),
        "TARGET_SETUP" => Verdict::person(
            "the script was not read",
            "convert again with --script and this file",
        ),
        "JUMP_MNT" => Verdict::dropped(Known::JumpImage.why()),
        "GRUBMENU" => Verdict::dropped(Known::Selector.why()),
        _ => Verdict::dropped(Known::Upload.why()),
    }
}
