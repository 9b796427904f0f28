//! The SSH server's files: what of them the new system's sshd would not take as it was, and what
//! becomes of that. A node whose sshd does not start is out of reach.

use super::Input;
use crate::job::Joint;
use crate::node::sshd::{self, FileOwner, Refused, Version};
use crate::plan::PlannedSsh;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::relpath::RelPath;

/// Bits by which others than the owner may write. With them sshd does not believe an
/// `authorized_keys`, nor what is above it (sshd_config(5), `StrictModes`).
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Bits by which others than the owner may do anything with a file.
const OF_OTHERS: u32 = 0o077;

/// The planned files, and what to say of them.
pub(super) struct Ssh {
    pub(super) planned: PlannedSsh,
    pub(super) notes: Vec<String>,
}

/// What becomes of the SSH server's files.
pub(super) fn planned(input: &Input<'_>) -> Result<Ssh, Vec<Refusal>> {
    let (refused, mut notes) = refused_lines(input);
    let problems: Vec<Refusal> = refused.into_iter().chain(no_named_key(input)).collect();
    // The admin's own hook comes before sshd is asked, and may have mended it.
    if !input.job.has_hook(Joint::Restored) && !problems.is_empty() {
        return Err(problems);
    }
    let hook =
        |problem: &Refusal| format!("{problem}: a hook at the joint restored has to mend that");
    notes.extend(problems.iter().map(hook));
    let server = &input.facts.ssh_server;
    let owners = server
        .host_keys
        .iter()
        .map(root_alone)
        .chain(server.login.iter().map(not_writable))
        .filter(|(now, then)| is_saved(input, &now.path) && *now != then);
    let (changed, owners): (Vec<String>, Vec<FileOwner>) =
        owners.map(|(now, then)| (shown(now, &then), then)).unzip();
    if !changed.is_empty() {
        notes.push(format!(
            "sshd asks for other owners and modes: {}",
            changed.join(", ")
        ));
    }
    let config = server.config.iter().map(|file| file.path.clone());
    let config = config.filter(|path| is_saved(input, path)).collect();
    Ok(Ssh {
        planned: PlannedSsh { owners, config },
        notes,
    })
}

/// Whether the node's own host keys are carried over.
pub(super) fn carries_keys(input: &Input<'_>) -> bool {
    let mut keys = input.facts.ssh_server.host_keys.iter();
    keys.any(|key| is_saved(input, &key.path))
}

fn root_alone(key: &FileOwner) -> (&FileOwner, FileOwner) {
    let then = FileOwner {
        uid: 0,
        gid: 0,
        mode: match key.mode & OF_OTHERS {
            0 => key.mode,
            _ => sshd::KEY_MODE,
        },
        ..key.clone()
    };
    (key, then)
}

fn not_writable(file: &FileOwner) -> (&FileOwner, FileOwner) {
    let then = FileOwner {
        uid: 0,
        mode: file.mode & !WRITABLE_BY_OTHERS,
        ..file.clone()
    };
    (file, then)
}

fn shown(now: &FileOwner, then: &FileOwner) -> String {
    let owner = |file: &FileOwner| format!("{}:{} {:04o}", file.uid, file.gid, file.mode);
    format!(
        "{} {} instead of {}",
        now.path.absolute(),
        owner(then),
        owner(now)
    )
}

/// Whether `path` is among what is carried over.
fn is_saved(input: &Input<'_>, path: &RelPath) -> bool {
    let covers = |saved: &RelPath| {
        let rest = path.as_str().strip_prefix(saved.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    input.job.save.all_paths().iter().any(covers)
}

/// The lines that the new sshd is known to refuse: as refusals where they say who may log in, else
/// as notes.
fn refused_lines(input: &Input<'_>) -> (Vec<Refusal>, Vec<String>) {
    let manifest = &input.target.manifest;
    let Some(text) = &manifest.openssh else {
        return (Vec::new(), Vec::new());
    };
    let Some(version) = Version::parse(text) else {
        return (Vec::new(), Vec::new());
    };
    let config = input.facts.ssh_server.config.iter();
    let (left_out, guards): (Vec<Refused>, Vec<Refused>) = config
        .filter(|file| is_saved(input, &file.path))
        .flat_map(|file| sshd::refused(file, version, &manifest.os.id))
        .partition(|refused| refused.may_go);
    let named = |refused: &Refused| {
        let (file, line, text) = (refused.file.absolute(), refused.line, &refused.text);
        format!("{file} line {line} ({text:?})")
    };
    let refusals = guards.iter().map(|refused| {
        Refusal::new(
            RefusalCode::SshdConfigRefused,
            format!("OpenSSH {text} of the image refuses {}", named(refused)),
            "change that line on the node, or mend it with a hook at the joint restored",
        )
    });
    let notes = left_out.iter().map(|refused| {
        let named = named(refused);
        format!("{named} is left out: OpenSSH {text} of the image refuses it")
    });
    (refusals.collect(), notes.collect())
}

/// That a restored configuration would use none of the keys that are there.
fn no_named_key(input: &Input<'_>) -> Option<Refusal> {
    let server = &input.facts.ssh_server;
    let config: Vec<_> = server
        .config
        .iter()
        .filter(|file| is_saved(input, &file.path))
        .cloned()
        .collect();
    let named = sshd::named_host_keys(&config);
    let there = |named: &String| {
        let key = named.parse::<RelPath>();
        key.is_ok_and(|key| is_saved(input, &key))
    };
    if named.is_empty() || named.iter().any(there) {
        return None;
    }
    Some(Refusal::new(
        RefusalCode::HostKeysNotSaved,
        format!(
            "the node's sshd_config is carried over, and none of its host keys is: {}",
            named.join(", ")
        ),
        format!("add one: [save] extra = [{:?}]", named[0]),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::node::facts::Facts;
    use crate::planner::sample::{Sample, facts, job};
    use crate::step::Step;

    fn planned_for(facts: &Facts, job: &Job) -> Result<Ssh, Vec<Refusal>> {
        planned(&Sample::of(facts, job).input())
    }

    fn with_config(text: &str) -> Facts {
        let mut facts = facts();
        facts.ssh_server.config[0].text = text.to_owned();
        facts
    }

    #[test]
    fn a_host_key_that_a_group_may_read_becomes_roots_alone() {
        let mut facts = facts();
        let key = &mut facts.ssh_server.host_keys[0];
        (key.gid, key.mode) = (998, 0o640);
        let ssh = planned_for(&facts, &job()).unwrap();
        let owner = &ssh.planned.owners[0];
        assert_eq!((owner.uid, owner.gid, owner.mode), (0, 0, 0o600));
        assert!(
            ssh.notes[0].contains("0:0 0600 instead of 0:998 0640"),
            "{:?}",
            ssh.notes
        );
    }

    #[test]
    fn what_sshd_takes_stays_as_it_is() {
        let ssh = planned_for(&facts(), &job()).unwrap();
        assert!(ssh.planned.owners.is_empty() && ssh.notes.is_empty());
    }

    #[test]
    fn roots_keys_are_not_writable_by_others() {
        let mut facts = facts();
        facts.ssh_server.host_keys[0].mode = 0o400;
        facts.ssh_server.login[0].mode = 0o664;
        let ssh = planned_for(&facts, &job()).unwrap();
        assert_eq!(ssh.planned.owners[0].mode, 0o644);
    }

    #[test]
    fn a_key_that_is_not_carried_over_is_left_alone() {
        let (mut facts, mut job) = (facts(), job());
        facts.ssh_server.host_keys[0].mode = 0o640;
        job.save.paths = vec!["etc/hosts".parse().unwrap()];
        let ssh = planned_for(&facts, &job).unwrap();
        assert_eq!(ssh.planned, PlannedSsh::default());
    }

    #[test]
    fn check_names_the_lines_that_the_new_sshd_refuses() {
        let facts = with_config("Port 22\nCiphers arcfour\nHostKeyAlgorithms +ssh-dss\n");
        let ssh = planned_for(&facts, &job()).unwrap();
        assert_eq!(ssh.notes.len(), 2);
        assert!(
            ssh.notes[1].contains("line 3 (\"HostKeyAlgorithms +ssh-dss\") is left out")
                && ssh.notes[1].contains("10.0p2"),
            "{:?}",
            ssh.notes
        );
    }

    #[test]
    fn a_refused_line_that_says_who_may_log_in_refuses_the_node_unless_a_hook_mends_it() {
        let facts = with_config("RequiredAuthentications2 publickey\n");
        let refusals = planned_for(&facts, &job()).err().unwrap();
        assert_eq!(refusals[0].code, RefusalCode::SshdConfigRefused);
        let mut job = job();
        job.hooks.restored = Some("mend".to_owned());
        let ssh = planned_for(&facts, &job).unwrap();
        assert!(ssh.notes[0].contains("hook"), "{:?}", ssh.notes);
    }

    #[test]
    fn host_keys_elsewhere_have_to_be_saved() {
        let facts = with_config("HostKey /etc/pki/host_key\n");
        let refusals = planned_for(&facts, &job()).err().unwrap();
        assert_eq!(refusals[0].code, RefusalCode::HostKeysNotSaved);
        let mut job = job();
        job.save.extra = vec!["etc/pki/host_key".parse().unwrap()];
        assert!(planned_for(&facts, &job).is_ok());
    }

    #[test]
    fn the_new_sshd_is_asked_after_the_admins_hook_and_before_the_tries() {
        let mut job = job();
        job.hooks.restored = Some("mend".to_owned());
        let plan = Sample::of(&facts(), &job).planned().unwrap();
        let steps = plan.steps.replace;
        let at = |step: Step| steps.iter().position(|other| *other == step).unwrap();
        let hook = |step: &Step| matches!(step, Step::Hook(_));
        assert!(steps.iter().position(hook).unwrap() < at(Step::CheckSshd));
        assert!(at(Step::CheckSshd) < at(Step::Try));
    }
}
