use super::*;
use crate::node::accounts::Account;
use crate::node::facts::RemoteMount;

/// A node whose people live on a file server.
fn with_homes_elsewhere() -> Facts {
    let mut facts = facts();
    facts.fstab += "nas:/export/home /home nfs4 rw,hard,_netdev 0 0\n";
    facts.accounts.push(Account {
        name: "bob".to_owned(),
        uid: 1100,
        gid: 1100,
        home: "/home/bob".to_owned(),
        shell: "/bin/bash".to_owned(),
    });
    facts
}

fn names_bob(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains("/home/bob"))
}

#[test]
fn homes_on_a_file_server_are_not_told_as_destroyed() {
    let plan = planned(&with_homes_elsewhere(), &job()).unwrap();
    assert!(!names_bob(&plan.destroyed), "{:?}", plan.destroyed);
    let mut mounted_only = with_homes_elsewhere();
    mounted_only.fstab = facts().fstab;
    let plan = planned(&mounted_only, &job()).unwrap();
    assert!(names_bob(&plan.destroyed), "the root's are");
    mounted_only.remote_mounts = vec![RemoteMount {
        target: "/home/bob".to_owned(),
        fs: "nfs".to_owned(),
    }];
    let plan = planned(&mounted_only, &job()).unwrap();
    assert!(!names_bob(&plan.destroyed), "{:?}", plan.destroyed);
}

#[test]
fn a_file_server_is_not_copied_into_the_new_system() {
    let mut job = job();
    job.save.extra = vec!["home/bob".parse().unwrap()];
    let plan = planned(&with_homes_elsewhere(), &job).unwrap();
    assert!(names_bob(&plan.notes), "{:?}", plan.notes);
    let saves_bob = |step: &Step| match step {
        Step::SaveFiles { paths } => paths.iter().any(|path| path.as_str() == "home/bob"),
        _ => false,
    };
    assert!(!plan.steps.old.iter().any(saves_bob));
}
