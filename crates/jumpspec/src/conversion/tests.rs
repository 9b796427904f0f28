use std::fmt::Write as _;

use super::*;
use crate::job::Job;

const CONFIG: &str = include_str!("../../../../tests/samples/nextrel.cfg");
const SCRIPT: &str = include_str!("../../../../tests/samples/jump2.sh");

fn converted_with(config: &str, script: Option<&str>, read: &dyn Fn(&str) -> Read) -> Conversion {
    let statements = Config::parse(config.as_bytes()).unwrap();
    let sources = Sources {
        config: Source {
            name: "nextrel.cfg",
            text: config,
        },
        statements: &statements,
        script: script.map(|text| Source {
            name: "jump2.sh",
            text,
        }),
        read,
        directory: "jobs/testsys",
    };
    Conversion::of(&sources).unwrap()
}

fn converted(config: &str, script: &str) -> Conversion {
    converted_with(config, Some(script), &|_| {
        Read::Text("#!/bin/sh\necho done\n".to_owned())
    })
}

fn text<'a>(conversion: &'a Conversion, path: &str) -> &'a str {
    let file = conversion.files.iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("{path}")).text
}

#[test]
fn the_sample_of_2009_becomes_a_job_and_a_list() {
    let made = converted_with(CONFIG, Some(SCRIPT), &|_| {
        Read::No("it is not there".to_owned())
    });
    insta::assert_snapshot!("job", text(&made, JOB));
    insta::assert_snapshot!("list", made.list());
    Job::parse(text(&made, JOB)).unwrap();
}

#[test]
fn only_files_that_are_not_there_need_a_person_in_the_sample() {
    let made = converted(CONFIG, SCRIPT);
    assert_eq!(made.for_a_person().next(), None);
    let paths: Vec<_> = made.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            JOB,
            "hooks/rc.local.client",
            "hooks/rc.local.reconfigure.client",
            LIST
        ]
    );
}

#[test]
fn every_line_has_an_entry_with_a_reason() {
    let made = converted(CONFIG, SCRIPT);
    for (file, text) in [(Origin::Config, CONFIG), (Origin::Script, SCRIPT)] {
        for (number, text) in (1..).zip(text.lines()) {
            let mut entries = made
                .lines
                .iter()
                .filter(|entry| entry.file == file && entry.line == number);
            let entry = entries
                .next()
                .unwrap_or_else(|| panic!("{file:?}:{number}: {text}"));
            let is_comment = text.trim().is_empty() || text.trim().starts_with('#');
            assert_eq!(entry.fate == Fate::Comment, is_comment, "{number}: {text}");
            assert_eq!(entry.why.is_empty(), is_comment, "{number}: {text}");
        }
    }
}

/// What became of a line of the script's branch.
fn of_script(branch: &str, line: &str) -> Entry {
    let (calls, mounts) = if branch == "restore" {
        (
            "if [ \"$1\" = \"save\" ]; then\n$me restore\nfi\n",
            "mount -t ext3 $TARGET_PARTITION /mnt || exit 1\n",
        )
    } else {
        ("", "")
    };
    let script = format!("{calls}if [ \"$1\" = \"{branch}\" ]; then\n{mounts}{line}\nfi\n");
    let made = converted(CONFIG, &script);
    let line = 2 + calls.lines().count() + mounts.lines().count();
    let mut entries = made.lines.into_iter();
    entries
        .find(|entry| entry.file == Origin::Script && entry.line == line)
        .unwrap()
}

#[test]
fn what_a_script_does_besides_becomes_a_hook_where_that_is_safe() {
    let hook = |path: &str| Fate::Hook(path.to_owned());
    let cases = [
        (
            "prep",
            "/etc/init.d/slurm stop || exit 1",
            hook("hooks/prep"),
        ),
        (
            "prep",
            "for u in a b; do\npkill -u $u\ndone",
            hook("hooks/prep"),
        ),
        ("save", "cp -p /etc/munge.key .", hook("hooks/saved")),
        (
            "save",
            "cp -p /etc/munge.key $JUMP_MNT/$JUMP_DIR/",
            hook("hooks/saved"),
        ),
        ("save", "cp /etc/resolv.conf $JUMP_MNT/etc/", Fate::Person),
        ("save", "cp $TARGET_DIR/site.tgz .", Fate::Person),
        (
            "restore",
            "cp -p $JUMP_DIR/munge.key etc/munge/",
            hook("hooks/restored"),
        ),
        (
            "restore",
            "echo `date` >/mnt/etc/jumped",
            hook("hooks/restored"),
        ),
        (
            "restore",
            "cat $JUMP_DIR/hosts >>etc/hosts",
            hook("hooks/restored"),
        ),
        ("restore", "mkfs.ext3 /dev/sda3", Fate::Person),
        ("restore", "mount /dev/sda3 /mnt/home", Fate::Person),
        ("restore", "grub-install --recheck /dev/sda", Fate::Dropped),
        (
            "restore",
            "if true; then\ngrub-install /dev/sda\nfi",
            Fate::Person,
        ),
        ("restore", "cp -a /mnt2/home /mnt/home", Fate::Person),
        ("restore", "reboot", Fate::Dropped),
        ("restore", "cp /jumpfiles/x etc/", Fate::Person),
        ("restore", "exit 1\necho never", Fate::Person),
    ];
    for (branch, line, wanted) in cases {
        let entry = of_script(branch, line);
        assert_eq!(entry.fate, wanted, "{line}: {}", entry.why);
        assert!(!entry.needs_person() || entry.cure.is_some(), "{line}");
    }
}

/// What became of a line of the configuration file that stands before `jump(…)`, or after all.
fn of_config(line: &str, is_last: bool) -> Entry {
    let mut lines: Vec<&str> = CONFIG.lines().collect();
    let place = if is_last { lines.len() - 1 } else { 42 };
    lines.insert(place, line);
    let made = converted(&lines.join("\n"), SCRIPT);
    let mut entries = made.lines.into_iter();
    entries.find(|entry| entry.text == line).unwrap()
}

#[test]
fn what_a_configuration_file_says_besides_is_a_variable_a_hook_or_for_a_person() {
    let hook = |path: &str| Fate::Hook(path.to_owned());
    let cases = [
        ("SITE=north", false, Fate::Job("[variables]")),
        ("site=north", false, Fate::Job("[variables]")),
        ("JUMP_SPEED=9", false, Fate::Person),
        ("JUMP_PARTITION=/dev/sda2", false, Fate::Job("[landing]")),
        ("JUMP_PARTITION=swap1 /j", false, Fate::Person),
        ("CONF=/srv/%_HOST%.conf", false, Fate::Person),
        ("NOW=`date`", false, Fate::Person),
        ("BASE=`basename /a/b`", false, Fate::Job("[variables]")),
        (
            "remote wall going down on %_HOST%",
            false,
            hook("hooks/remote-43"),
        ),
        ("remote sync", true, hook("hooks/remote-73")),
        ("remote cp /etc/x %JUMP_MNT%/etc/x", false, Fate::Person),
        ("remote echo %_JUMPDEV%", true, Fate::Person),
        ("remote echo %_LOGFILE%", false, Fate::Person),
        ("remote parted -s /dev/sda print", false, Fate::Person),
        ("remote update-grub", true, Fate::Dropped),
        ("remote /sbin/shutdown -r now", true, Fate::Dropped),
        (
            "remote %TARGET_DIR%/%TARGET_SETUP% check",
            true,
            Fate::Person,
        ),
        (
            "local scp %JUMP_TAR% root@%_HOST%:%TARGET_DIR%/",
            false,
            Fate::Dropped,
        ),
        (
            "local scp %JUMP_TAR% keys.tgz root@%_HOST%:%TARGET_DIR%",
            false,
            Fate::Person,
        ),
        ("local date", false, Fate::Person),
        ("print 100%", false, Fate::Dropped),
        ("Showvars()", true, Fate::Dropped),
    ];
    for (line, is_last, wanted) in cases {
        let entry = of_config(line, is_last);
        assert_eq!(entry.fate, wanted, "{line}: {}", entry.why);
        assert!(!entry.needs_person() || entry.cure.is_some(), "{line}");
    }
}

#[test]
fn own_lines_run_in_their_order_with_what_they_had() {
    let config = CONFIG
        .replace(
            "print Run target setup on",
            "remote wall 'to %SITE% on' %_HOST%\nprint Run target setup on",
        )
        .replace("# Define a script", "SITE=north\n# Define a script");
    let script = SCRIPT
        .replacen(
            "    exit 0\nfi\n\n####",
            "    # users\n    pkill -u users\n    exit 0\nfi\n\n####",
            1,
        )
        .replace(
            "NEW_TARGET_RC1=",
            "KEYS=/etc/munge\ntell() {\n  logger \"$me: $KEYS\"\n}\nNEW_TARGET_RC1=",
        )
        .replace(
            "    # Create rc.local",
            "    cp -rp $KEYS .\n    # Create rc.local",
        )
        .replace(
            "    # Last hook",
            "    tell\n    cp -rp $JUMP_DIR/munge /mnt/etc\n    # Last hook",
        );
    let made = converted(&config, &script);
    assert_eq!(made.for_a_person().next(), None);
    let mut hooks = String::new();
    for file in made.files.iter().filter(|file| file.is_program) {
        write!(hooks, "--- {}\n{}", file.path, file.text).unwrap();
    }
    insta::assert_snapshot!("hooks", hooks);
    insta::assert_snapshot!("job_with_hooks", text(&made, JOB));
}

#[test]
fn a_branch_that_nothing_calls_is_told_and_is_no_hook() {
    let config = CONFIG.replace("%TARGET_SETUP% prep", "%TARGET_SETUP% check");
    let script = SCRIPT.replacen("    exit 0\n", "    pkill -u users\n    exit 0\n", 1);
    let made = converted(&config, &script);
    assert!(made.files.iter().all(|file| file.path != "hooks/prep"));
    let told = |text: &str| {
        let entry = made.lines.iter().find(|entry| entry.text.contains(text));
        entry.map(|entry| (&entry.fate, entry.why.as_str()))
    };
    let why = "no line calls jump2.sh with prep: this branch was never run";
    assert_eq!(told("= \"prep\""), Some((&Fate::Person, why)));
    assert_eq!(told("pkill -u users"), Some((&Fate::Dropped, why)));
}

#[test]
fn a_program_of_the_new_system_that_does_what_jump_does_is_for_a_person() {
    let made = converted_with(CONFIG, Some(SCRIPT), &|file| {
        Read::Text(match file {
            "rc.local.client" => "# swap\nmkswap /dev/sda2 && swapon -a\n".to_owned(),
            _ => "uname -n\n".to_owned(),
        })
    });
    let left: Vec<_> = made.for_a_person().map(|entry| entry.line).collect();
    assert_eq!(left, [15]);
    let why = &made.for_a_person().next().unwrap().why;
    assert!(why.starts_with("its line 2 is nothing for a hook"), "{why}");
    assert!(text(&made, "hooks/rc.local.client").starts_with("#!/bin/sh\n# swap"));
}

#[test]
fn code_put_between_the_samples_lines_is_for_a_person() {
    let own = "grep ^alice: $JUMP_DIR/passwd >>etc/passwd";
    let script = SCRIPT.replacen(
        "echo \"$f requires special handling, cannot just blast a new one in. Replace this code.\"",
        own,
        1,
    );
    let made = converted(CONFIG, &script);
    let left: Vec<_> = made
        .for_a_person()
        .map(|entry| entry.text.as_str())
        .collect();
    assert_eq!(left, [own]);
    assert!(
        made.files
            .iter()
            .all(|file| !file.text.contains("alice") || file.path == LIST)
    );
}

#[test]
fn a_script_that_cannot_be_told_apart_is_for_a_person_as_a_whole() {
    let made = converted(CONFIG, "case $1 in\n prep) stop;;\n");
    let left: Vec<_> = made.for_a_person().map(|entry| entry.line).collect();
    assert_eq!(left, [1, 2]);
}

#[test]
fn without_the_script_its_calls_are_for_a_person() {
    let made = converted_with(CONFIG, None, &|_| Read::Text("#!/bin/sh\n".to_owned()));
    let left: Vec<_> = made.for_a_person().map(|entry| entry.line).collect();
    assert_eq!(left, [5, 45, 60]);
}

#[test]
fn nothing_says_where_the_new_system_goes() {
    let statements = Config::parse(b"A=b\n").unwrap();
    let sources = Sources {
        config: Source {
            name: "x",
            text: "A=b\n",
        },
        statements: &statements,
        script: None,
        read: &|_| Read::No(String::new()),
        directory: "d",
    };
    let wrong = Conversion::of(&sources).unwrap_err();
    assert!(
        wrong.reason.starts_with("TARGET_PARTITION is not set"),
        "{}",
        wrong.reason
    );
}

#[test]
fn what_a_file_says_does_nothing_to_the_list() {
    let config = format!("{CONFIG}print a `|` b <b>*\n");
    let made = converted(&config, "echo '\u{1b}[2J' | `x`\n");
    assert!(!made.list().contains('\u{1b}'));
    let rows = made.list().lines().filter(|line| line.starts_with('|'));
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
}
