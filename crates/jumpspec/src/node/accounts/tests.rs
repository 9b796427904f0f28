use super::*;

mod chance;
mod kept_files;

const IMAGE: [&str; 4] = [
    "root:x:0:0:root:/root:/bin/bash\n\
     daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n\
     sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n\
     app:x:990:1002::/srv/app:/usr/sbin/nologin\n\
     debian:x:1000:1000::/home/debian:/bin/bash\n\
     nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
    "root:$y$imageroot:20000:0:99999:7:::\n\
     daemon:*:20000:0:99999:7:::\n\
     sshd:!:20000::::::\n\
     app:!:20000::::::\n\
     debian:$y$imagedebian:20000:0:99999:7:::\n\
     nobody:*:20000:0:99999:7:::\n",
    "root:x:0:\n\
     sudo:x:27:debian\n\
     users:x:100:\n\
     docker:x:998:\n\
     debian:x:1000:\n\
     app:x:1002:\n\
     nogroup:x:65534:\n",
    "root:*::\nsudo:*::debian\nusers:*::\ndocker:!::\ndebian:!::\napp:!::\nnogroup:*::\n",
];

fn files(texts: [&str; 4]) -> AccountFiles {
    let [passwd, shadow, group, gshadow] = texts.map(str::to_owned);
    AccountFiles {
        passwd,
        shadow,
        group,
        gshadow,
    }
}

fn old(people: [&str; 4]) -> AccountFiles {
    let [passwd, shadow, group, gshadow] = people;
    files([
        &format!("root:x:0:0:root:/root:/bin/zsh\n{passwd}"),
        &format!("root:$6$oldroot:19000:0:90:7:::\n{shadow}"),
        &format!("root:x:0:\nsudo:x:27:\n{group}"),
        gshadow,
    ])
}

/// A setting in which nothing stays, and the image has every shell.
fn everything() -> Setting<'static> {
    const NOBODY: &Owners = &Owners {
        users: Vec::new(),
        groups: Vec::new(),
    };
    Setting {
        owners: NOBODY,
        has_program: &|_| true,
    }
}

fn merged(people: [&str; 4]) -> (Merged, Vec<String>) {
    let merged = merge(&old(people), &files(IMAGE), everything()).unwrap();
    let said = merged.clashes.iter().map(Clash::to_string).collect();
    (merged, said)
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find(|line| line.split(':').next() == Some(name))
}

#[test]
fn root_has_the_old_password_and_the_images_shell() {
    let (merged, said) = merged([""; 4]);
    assert_eq!(
        line(&merged.files.passwd, "root"),
        Some("root:x:0:0:root:/root:/bin/bash")
    );
    assert_eq!(
        line(&merged.files.shadow, "root"),
        Some("root:$6$oldroot:19000:0:90:7:::")
    );
    assert_eq!((said.len(), merged.carried.len()), (0, 0));
    let same = AccountFiles {
        shadow: merged.files.shadow.clone(),
        ..files(IMAGE)
    };
    assert_eq!(merged.files, same);
}

#[test]
fn people_come_with_ids_password_and_memberships() {
    let (merged, said) = merged([
        "alice:x:1005:1005:Alice,,,:/home/alice:/bin/zsh\n",
        "alice:$6$alice:19500:1:90:7:30:21000:\n",
        "adm:x:4:alice\ndocker:x:1100:alice\nlab:x:1200:alice,www-data\nalice:x:1005:\n",
        "lab:$6$lab:alice,gone:alice\n",
    ]);
    assert_eq!(merged.carried, ["alice"]);
    let passwd = line(&merged.files.passwd, "alice");
    assert_eq!(
        passwd,
        Some("alice:x:1005:1005:Alice,,,:/home/alice:/bin/zsh")
    );
    let shadow = line(&merged.files.shadow, "alice");
    assert_eq!(shadow, Some("alice:$6$alice:19500:1:90:7:30:21000:"));
    assert_eq!(
        line(&merged.files.group, "docker"),
        Some("docker:x:998:alice")
    );
    assert_eq!(line(&merged.files.group, "lab"), Some("lab:x:1200:alice"));
    assert_eq!(
        line(&merged.files.gshadow, "lab"),
        Some("lab:$6$lab:alice:alice")
    );
    assert_eq!(line(&merged.files.group, "alice"), Some("alice:x:1005:"));
    assert_eq!(
        said,
        [
            "group docker has gid 998 now instead of 1100: it is a system group of the image",
            "account alice is no longer in group adm: the new system has no such group",
        ]
    );
}

#[test]
fn an_account_of_both_is_the_old_one_with_its_own_rights() {
    let (merged, said) = merged([
        "debian:x:1500:1500::/home/d:/bin/sh\n",
        "debian:$6$old:19500::::::\n",
        "debian:x:1500:\n",
        "",
    ]);
    assert_eq!(
        line(&merged.files.passwd, "debian"),
        Some("debian:x:1500:1500::/home/d:/bin/sh")
    );
    assert_eq!(line(&merged.files.group, "debian"), Some("debian:x:1500:"));
    assert_eq!(line(&merged.files.group, "sudo"), Some("sudo:x:27:"));
    assert_eq!(
        said[0],
        "account debian keeps uid 1500; in the image it had 1000"
    );
    assert_eq!(
        said[1],
        "group debian keeps gid 1500; in the image it had 1000"
    );
    assert!(!merged.files.shadow.contains("imagedebian"));
}

#[test]
fn a_taken_uid_removes_the_images_person() {
    let (merged, said) = merged([
        "alice:x:1000:1000::/home/alice:/bin/sh\n",
        "alice:$6$alice:19500::::::\n",
        "alice:x:1000:\n",
        "",
    ]);
    assert_eq!(line(&merged.files.passwd, "debian"), None);
    assert_eq!(line(&merged.files.group, "debian"), None);
    assert_eq!(line(&merged.files.gshadow, "sudo"), Some("sudo:*::"));
    assert_eq!(
        said,
        ["account debian of the image was removed: uid 1000 belongs to alice"]
    );
}

#[test]
fn a_gid_of_a_system_account_stays_with_it() {
    let (merged, said) = merged([
        "bob:x:1002:1002::/home/bob:/bin/sh\n",
        "bob:$6$bob:19500::::::\n",
        "bob:x:1002:\n",
        "",
    ]);
    assert_eq!(line(&merged.files.group, "app"), Some("app:x:1002:"));
    assert_eq!(
        line(&merged.files.passwd, "bob"),
        Some("bob:x:1002:1001::/home/bob:/bin/sh")
    );
    assert_eq!(line(&merged.files.group, "bob"), Some("bob:x:1001:"));
    assert_eq!(
        said,
        ["group bob has gid 1001 now: 1002 belongs to group app"]
    );
}

#[test]
fn a_gid_of_the_images_people_is_moved() {
    let (merged, said) = merged(["", "", "lab:x:1000:\n", ""]);
    assert_eq!(line(&merged.files.group, "lab"), Some("lab:x:1000:"));
    assert_eq!(line(&merged.files.group, "debian"), Some("debian:x:1001:"));
    assert!(
        line(&merged.files.passwd, "debian")
            .unwrap()
            .starts_with("debian:x:1000:1001:")
    );
    assert_eq!(
        said,
        ["group debian has gid 1001 now: 1000 belongs to group lab"]
    );
}

#[test]
fn primary_groups_of_the_system_go_by_name_or_are_replaced() {
    let (merged, said) = merged([
        "carol:x:1010:500::/home/carol:/bin/sh\ndave:x:1011:77::/home/dave:/bin/sh\n",
        "carol:!:19500::::::\ndave:!:19500::::::\n",
        "users:x:500:\nodd:x:77:\n",
        "",
    ]);
    assert!(
        line(&merged.files.passwd, "carol")
            .unwrap()
            .starts_with("carol:x:1010:100:")
    );
    assert!(
        line(&merged.files.passwd, "dave")
            .unwrap()
            .starts_with("dave:x:1011:1011:")
    );
    assert_eq!(line(&merged.files.group, "dave"), Some("dave:x:1011:"));
    assert_eq!(
        said,
        ["account dave has the primary gid 1011 now: the new system lacks its group 77"]
    );
}

#[test]
fn system_accounts_are_the_images() {
    let (merged, said) = merged([
        "daemon:x:2:2::/:/bin/sh\nmysql:x:110:110::/:/bin/false\ntoor:x:0:0::/root:/bin/sh\n\
         app:x:1300:1300::/home/app:/bin/sh\n",
        "toor:$6$toor:1::::::\n",
        "",
        "",
    ]);
    assert_eq!(merged.carried.len(), 0);
    assert!(
        line(&merged.files.passwd, "daemon")
            .unwrap()
            .starts_with("daemon:x:1:1:")
    );
    assert_eq!(
        said,
        [
            "system account mysql is not in the image and was left behind",
            "system account toor is not in the image and was left behind",
            "account app was left behind: the image has a system account of that name",
        ]
    );
}

#[test]
fn a_missing_password_locks_and_one_in_passwd_counts() {
    let (merged, said) = merged([
        "alice:x:1005:100::/:/bin/sh\nbob:oldhash:1006:100::/:/bin/sh\n",
        "alice:broken\n",
        "users:x:100:\n",
        "",
    ]);
    assert_eq!(line(&merged.files.shadow, "alice"), Some("alice:!*:::::::"));
    assert_eq!(
        line(&merged.files.shadow, "bob"),
        Some("bob:oldhash:::::::")
    );
    assert!(
        line(&merged.files.passwd, "bob")
            .unwrap()
            .starts_with("bob:x:")
    );
    assert_eq!(
        said,
        [
            "line 2 of the old system's shadow is not an entry and was left out",
            "account alice had no password entry and is locked",
        ]
    );
}

#[test]
fn lines_of_nis_and_repetitions_are_told_and_left_out() {
    let (merged, said) = merged([
        "+@admins::::::\nalice:x:1005:100::/:/bin/sh\nalice:x:0:0::/:/bin/sh\nx:y\n",
        "alice:!:::::::\n",
        "users:x:100:\n+:::\n",
        "",
    ]);
    assert_eq!(merged.carried, ["alice"]);
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(!merged.files.passwd.contains('+') && !merged.files.group.contains('+'));
}

#[test]
fn an_image_without_root_is_refused() {
    let image = AccountFiles {
        passwd: "root:x:5:5::/:/bin/sh\n".to_owned(),
        ..files(IMAGE)
    };
    assert_eq!(
        merge(&old([""; 4]), &image, everything()),
        Err(AccountsError::NoRoot)
    );
}

#[test]
fn without_old_files_the_image_is_as_it_was() {
    let merged = merge(&AccountFiles::default(), &files(IMAGE), everything()).unwrap();
    assert_eq!(merged.files, files(IMAGE));
    assert_eq!(merged.clashes, [Clash::RootUnknown]);
}

#[test]
fn nothing_printed_holds_a_password() {
    let (merged, _) = merged([
        "alice:$6$inpasswd:1000:1000::/:/bin/sh\n",
        "alice:$6$broken\n",
        "alice:$6$ingroup:1000:\n",
        "alice:$6$gshadow:\n",
    ]);
    let printed = format!("{merged:?} {:?}", files(IMAGE));
    assert!(!printed.contains('$'), "{printed}");
}

#[test]
fn people_are_listed_with_their_homes() {
    let people = humans(&files(IMAGE));
    assert_eq!(people.len(), 1);
    assert_eq!(
        (people[0].name.as_str(), people[0].home.as_str()),
        ("debian", "/home/debian")
    );
}

#[test]
fn subordinate_ids_follow_their_accounts() {
    let carried = ["alice".to_owned()];
    let old = "alice:100000:65536\nbob:165536:65536\nbroken\n";
    let new = "debian:100000:65536\nalice:231072:65536\napp:300000:10\n";
    assert_eq!(
        merge_subids(old, new, &carried),
        "app:300000:10\nalice:100000:65536\n"
    );
}

#[test]
fn lines_of_nis_are_told_as_that() {
    let (_, said) = merged(["+@admins::::::\n+::::::\n", "", "+:::\n", ""]);
    assert_eq!(said.len(), 3);
    assert!(
        said[0].contains("line 2 of the old system's passwd is one of NIS"),
        "{said:?}"
    );
}

#[test]
fn public_accounts_hold_no_password_and_all_else() {
    let passwd = "alice:$6$secret:1000:1000:Alice:/home/alice:/bin/sh\n+::::::\nbroken\n";
    let public = PublicAccounts::of(passwd, "users:secret:100:alice\n");
    assert!(!format!("{public:?}").contains("secret"));
    assert_eq!(
        public.passwd.lines().next(),
        Some("alice:x:1000:1000:Alice:/home/alice:/bin/sh")
    );
    assert_eq!(public.group, "users:x:100:alice\n");
}

/// Nanoseconds that this thread has had of a processor, whatever else the machine does
/// (the kernel's documentation, scheduler/sched-stats).
#[expect(clippy::disallowed_methods, reason = "it is the work that is tested")]
fn worked() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// What merging so many people takes of a processor.
fn merging(count: u32) -> u64 {
    let people = 1000..1000 + count;
    let lines = |line: &dyn Fn(u32) -> String| -> String { people.clone().map(line).collect() };
    let everybody = lines(&|id| format!("p{id},"));
    let all = AccountFiles {
        passwd: lines(&|id| format!("p{id}:x:{id}:{id}::/home/p{id}:/bin/sh\n")),
        shadow: lines(&|id| format!("p{id}:*:20000:0:99999:7:::\n")),
        group: lines(&|id| format!("p{id}:x:{id}:\n"))
            + &format!("all:x:50000:{}\n", everybody.trim_end_matches(',')),
        gshadow: String::new(),
    };
    let setting = Setting {
        owners: &Owners::default(),
        has_program: &|_| true,
    };
    let begun = worked();
    let merged = merge(&all, &files(IMAGE), setting).unwrap();
    assert_eq!(merged.carried.len(), people.len());
    worked() - begun
}

/// What grows with the square of people takes sixteen times as much for four times as many, and minutes.
#[test]
fn tens_of_thousands_of_people_are_merged_at_once() {
    let few = (0..3).map(|_| merging(10_000)).min().unwrap();
    let many = merging(40_000);
    assert!(
        many < few * 9,
        "{many} ns for four times as many as in {few} ns"
    );
}
