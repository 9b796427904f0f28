//! Accounts whose files are on kept file systems, and shells.

use super::*;

/// slurm, whose files are on a kept file system.
const SLURM: [&str; 4] = [
    "slurm:x:991:991::/var/lib/slurm:/bin/bash\nmysql:x:101:27::/var/lib/mysql:/sbin/nologin\n",
    "slurm:!!:19000::::::\n",
    "slurm:x:991:\nstorage:x:27:\n",
    "",
];

fn merged_owners(people: [&str; 4], uids: &[u32], gids: &[u32]) -> (Merged, Vec<String>) {
    let old = old(people);
    let setting = Setting {
        owners: &owners(&old, uids, gids),
        ..everything()
    };
    let merged = merge(&old, &files(IMAGE), setting).unwrap();
    let said = merged.clashes.iter().map(Clash::to_string).collect();
    (merged, said)
}

#[test]
fn a_system_account_whose_files_stay_keeps_its_id_where_it_is_free() {
    let (merged, said) = merged_owners(SLURM, &[0, 991], &[991]);
    assert_eq!(
        line(&merged.files.passwd, "slurm"),
        Some("slurm:x:991:991::/var/lib/slurm:/bin/bash")
    );
    assert_eq!(line(&merged.files.group, "slurm"), Some("slurm:x:991:"));
    assert_eq!(
        line(&merged.files.shadow, "slurm"),
        Some("slurm:!!:19000::::::")
    );
    let left = "system account mysql is not in the image and was left behind";
    assert_eq!(said, [left]);
}

#[test]
fn files_that_become_anothers_are_told() {
    let (merged, said) = merged_owners(SLURM, &[101], &[27]);
    assert_eq!(line(&merged.files.passwd, "mysql"), None);
    assert!(
        said.contains(&"files of mysql on kept file systems belong to sshd now: uid 101 is sshd's in the image".to_owned()),
        "{said:?}"
    );
    assert!(
        said.contains(&"files of group storage on kept file systems belong to group sudo now: gid 27 is sudo's in the image".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_system_account_of_another_id_is_the_images_and_its_files_are_told() {
    let people = ["sshd:x:74:74::/:/sbin/nologin\n", "", "sshd:x:74:\n", ""];
    let (merged, said) = merged_owners(people, &[74], &[]);
    assert!(
        line(&merged.files.passwd, "sshd")
            .unwrap()
            .contains(":101:")
    );
    assert_eq!(
        said[0],
        "files of sshd on kept file systems have its old uid 74; in the image it has 101"
    );
}

#[test]
fn a_shell_that_the_image_lacks_is_replaced_and_told() {
    let people = [
        "alice:x:1007:1007::/home/alice:/bin/zsh\nbob:x:1008:1007::/home/bob:/opt/nologin\n",
        "",
        "alice:x:1007:\n",
        "",
    ];
    let setting = Setting {
        has_program: &|path| matches!(path, "/bin/sh" | "/usr/sbin/nologin"),
        ..everything()
    };
    let merged = merge(&old(people), &files(IMAGE), setting).unwrap();
    let shell = |name: &str| line(&merged.files.passwd, name).unwrap().rsplit(':').next();
    assert_eq!(shell("alice"), Some("/bin/sh"));
    assert_eq!(shell("bob"), Some("/usr/sbin/nologin"));
    let said: Vec<String> = merged.clashes.iter().map(Clash::to_string).collect();
    let wanted = "account alice has the shell /bin/sh now: the image has no /bin/zsh";
    assert!(said.contains(&wanted.to_owned()), "{said:?}");
}
