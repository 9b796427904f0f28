//! Entries by chance, and no entries at all.

use proptest::prelude::*;

use super::*;

/// Entries that collide often.
fn lines(fields: &'static str) -> impl Strategy<Value = String> {
    let name = "[ab+]|root|sudo|debian|app|users";
    let id = "0|27|100|990|1000|1001|1002|65534|x";
    let line = (name, id, id).prop_map(move |(name, one, two)| {
        fields
            .replace('N', &name)
            .replace('1', &one)
            .replace('2', &two)
    });
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn what_comes_out_is_well_formed(
        passwd in lines("N:x:1:2::/h:/s"),
        shadow in lines("N:h1:2::::::"),
        group in lines("N:x:1:a,b,debian,root"),
        gshadow in lines("N:!:a:b"),
    ) {
        let old = AccountFiles { passwd, shadow, group, gshadow };
        let merged = merge(&old, &files(IMAGE), everything()).unwrap();
        let again = merge(&AccountFiles::default(), &merged.files, everything()).unwrap();
        prop_assert_eq!(&again.files, &merged.files);
        prop_assert_eq!(again.clashes, [Clash::RootUnknown]);
        let count = |text: &str| text.lines().count();
        prop_assert_eq!(count(&merged.files.passwd), count(&merged.files.shadow));
        prop_assert_eq!(count(&merged.files.group), count(&merged.files.gshadow));
        prop_assert!(merged.files.passwd.starts_with("root:x:0:0:"));
        for name in ["daemon", "sshd", "nobody"] {
            prop_assert_eq!(line(&merged.files.passwd, name), line(IMAGE[0], name));
        }
        // Each number belongs to one system group or to people who share it on purpose.
        for gid in ["0", "27", "100", "998"] {
            let same = |line: &&str| line.split(':').nth(2) == Some(gid);
            prop_assert_eq!(merged.files.group.lines().filter(same).count(), 1);
        }
    }

    #[test]
    fn no_text_is_too_odd(passwd in any::<String>(), shadow in any::<String>(), group in "[a-z:,0-9\n]*") {
        let old = AccountFiles { passwd, shadow, group, gshadow: String::new() };
        prop_assert!(merge(&old, &files(IMAGE), everything()).is_ok());
    }
}
