use std::fmt::Write as _;

use super::{
    Config, LineError, Piece, Statement, TEXT, Text, Variables, Wrong, may_end_the_connection,
    without_quotes,
};

fn parse(text: &str) -> Result<Config, Vec<LineError>> {
    Config::parse(text.as_bytes())
}

/// The statements of a text in which `a` and `b` are defined.
fn statements(text: &str) -> Vec<Statement> {
    let config = parse(&format!("a=1\nb=2\n{text}\n")).unwrap();
    let lines = config.lines()[2..].iter();
    lines.map(|line| line.statement.clone()).collect()
}

fn set(name: &str, value: &str) -> Statement {
    Statement::Set {
        name: name.to_owned(),
        value: Text::new(value),
    }
}

fn set_from(name: &str, command: &str) -> Statement {
    Statement::SetFromCommand {
        name: name.to_owned(),
        command: Text::new(command),
    }
}

fn take(partition: &str, mount: Option<&str>) -> Statement {
    Statement::UsePartition {
        partition: Text::new(partition),
        mount: mount.map(Text::new),
    }
}

#[test]
fn lines_are_read_as_the_text_of_2009_has_them() {
    let (print, local) = (
        |text: &str| Statement::Print(Text::new(text)),
        |text: &str| Statement::Local(Text::new(text)),
    );
    let cases = [
        ("k=v", set("k", "v")),
        ("k = v w ", set("k", "v w")),
        ("k=", set("k", "")),
        ("k=x=y", set("k", "x=y")),
        ("_k9='q'", set("_k9", "'q'")),
        ("k=not `it` all", set("k", "not `it` all")),
        ("k=`basename %a%`", set_from("k", "basename %a%")),
        ("k = ` ls -l `", set_from("k", "ls -l")),
        ("print", print("")),
        ("print it's 100%", print("it's 100%")),
        ("Print a", print("a")),
        ("PRINT = a", print("= a")),
        ("\tlocal  ls; ls", local("ls; ls")),
        ("local date +%Y-%m-%d\r", local("date +%Y-%m-%d")),
        (
            "remote (cd /etc; ls)",
            Statement::Remote(Text::new("(cd /etc; ls)")),
        ),
        ("jump(usepartition, swap)", take("swap", None)),
        ("jump (UsePartition,%a%,%b%)", take("%a%", Some("%b%"))),
        (
            "jump( usepartition , /dev/sda2 , /m )",
            take("/dev/sda2", Some("/m")),
        ),
        ("Showvars()", Statement::ShowVariables),
        ("showvars ( )", Statement::ShowVariables),
        ("printer=x", set("printer", "x")),
    ];
    for (line, wanted) in cases {
        assert_eq!(statements(line), [wanted], "{line:?}");
    }
    let none = statements("# x\n#print %nobody%\n\n  \t\n#");
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn what_is_no_statement_is_told_with_its_line_and_a_cure() {
    let cases = [
        ("echo hello", "\"echo\" does not begin a statement"),
        (" # indented", "\"#\" does not begin a statement"),
        ("`date`", "\"`date`\" does not begin a statement"),
        ("my-key=x", "\"my-key=x\" does not begin a statement"),
        ("9=x", "\"9\" is not a name"),
        ("=x", "\"\" is not a name"),
        ("local", "`local` has no command"),
        ("remote \t", "`remote` has no command"),
        (
            "local=x",
            "a variable cannot be called \"local\", which begins a statement",
        ),
        (
            "remote = x",
            "a variable cannot be called \"remote\", which begins a statement",
        ),
        (
            "Jump=x",
            "a variable cannot be called \"Jump\", which begins a statement",
        ),
        ("_HOST=x", "_HOST is set by jump2nr itself"),
        ("_MOUNTDIR = x", "_MOUNTDIR is set by jump2nr itself"),
        (
            "k=`date",
            "the value begins with ` and is not one command between two of them",
        ),
        (
            "k=``",
            "the value begins with ` and is not one command between two of them",
        ),
        (
            "k=`a` `b`",
            "the value begins with ` and is not one command between two of them",
        ),
        (
            "jump(usepartition, swap",
            "jump( has no ) at the end of its line",
        ),
        ("jump()", "jump has no function \"\""),
        ("jump(format, swap)", "jump has no function \"format\""),
        (
            "jump(usepartition)",
            "usepartition takes a partition and, if need be, where to mount it",
        ),
        (
            "jump(usepartition, )",
            "usepartition takes a partition and, if need be, where to mount it",
        ),
        (
            "jump(usepartition, a, )",
            "usepartition takes a partition and, if need be, where to mount it",
        ),
        (
            "jump(usepartition, a, b, c)",
            "usepartition takes a partition and, if need be, where to mount it",
        ),
        ("Showvars(a)", "Showvars takes nothing"),
        ("print %no%", "%no% is not defined above this line"),
        ("k=%k%", "%k% is not defined above this line"),
        ("local date +%Y%m%d", "%Y% is not defined above this line"),
        (
            "print %_JUMPDEV%",
            "%_JUMPDEV% is not defined before jump(usepartition, …)",
        ),
        (
            "jump(usepartition, %_JUMPDEV%)",
            "%_JUMPDEV% is not defined before jump(usepartition, …)",
        ),
        ("print \u{1b}[2J", "the line has control characters"),
    ];
    for (line, reason) in cases {
        let errors = parse(&format!("# one\n{line}\n")).unwrap_err();
        let [LineError { line: 2, wrong }] = errors.as_slice() else {
            panic!("{line:?}: {errors:?}");
        };
        assert_eq!(wrong.reason, reason, "{line:?}");
        assert!(!wrong.cure.is_empty());
    }
}

#[test]
fn all_wrong_lines_are_told_at_once_but_not_without_end() {
    let errors = parse("x\nk=1\ny\n").unwrap_err();
    assert_eq!(
        errors.iter().map(|error| error.line).collect::<Vec<_>>(),
        [1, 3]
    );
    assert_eq!(parse(&"x\n".repeat(1000)).unwrap_err().len(), 20);
}

#[test]
fn a_percent_sign_is_a_variable_or_itself() {
    let pieces = |text: &'static str| {
        Text::new(text)
            .pieces()
            .iter()
            .map(|piece| match piece {
                Piece::Plain(plain) => (*plain).to_owned(),
                Piece::Variable(name) => format!("<{name}>"),
            })
            .collect::<Vec<_>>()
            .join("|")
    };
    let cases = [
        ("%a%%b%", "<a>|<b>"),
        ("x%a%y", "x|<a>|y"),
        ("100%", "100%"),
        ("100% of %a%", "100% of |<a>"),
        ("100%%a%", "100%|<a>"),
        ("%%", "%%"),
        ("${f%%.tgz}", "${f%%.tgz}"),
        ("+%Y-%m-%d", "+%Y-%m-%d"),
        ("+%Y''%m''%d", "+%Y''%m''%d"),
        ("%1%", "%1%"),
        ("%a b%", "%a b%"),
        ("%é%", "%é%"),
        ("%a%a%", "<a>|a%"),
        ("", ""),
    ];
    for (text, wanted) in cases {
        assert_eq!(pieces(text), wanted, "{text}");
    }
}

#[test]
fn values_are_what_they_were_when_their_line_was_reached() {
    let mut variables = Variables::new("node07", "/log");
    let text = Text::new("%_HOST%:%a%");
    assert_eq!(
        variables.expand(&text).unwrap_err().reason,
        "%a% is not defined above this line"
    );
    variables.set("a", "%_HOST%".to_owned()).unwrap();
    assert_eq!(variables.expand(&text).unwrap(), "node07:%_HOST%");
    variables.set("a", "it's".to_owned()).unwrap();
    assert_eq!(variables.expand(&text).unwrap(), "node07:it's");
    assert_eq!(variables.command(&text).unwrap(), "node07:its");
    let all: Vec<_> = variables.all().collect();
    assert_eq!(
        all,
        [("_HOST", "node07"), ("_LOGFILE", "/log"), ("a", "it's")]
    );
    assert_eq!(without_quotes("date +%Y''%m\\\"%d"), "date +%Y%m\\%d");
}

#[test]
fn values_that_double_end_in_an_error() {
    let mut variables = Variables::new("n", "/l");
    variables.set("b", "x".repeat(9)).unwrap();
    let double = Text::new("%b%%b%");
    let end = (0..64).find_map(|_| {
        let doubled = variables
            .expand(&double)
            .and_then(|value| variables.set("b", value));
        doubled.err()
    });
    assert_eq!(
        end.map(|Wrong { reason, .. }| reason).as_deref(),
        Some("the line becomes longer than 16 KiB")
    );
    assert!(variables.get("b").unwrap().len() <= TEXT);
}

#[test]
fn sizes_are_bounded() {
    let reason = |text: &[u8]| Config::parse(text).unwrap_err()[0].wrong.reason.clone();
    assert_eq!(
        reason(&vec![b'#'; (1 << 20) + 1]),
        "the file is longer than 1024 KiB"
    );
    let long = format!("k={}", "x".repeat(TEXT));
    assert_eq!(reason(long.as_bytes()), "the line is longer than 16 KiB");
    assert_eq!(reason(b"print \xff"), "the line is not UTF-8");
    let mut variables = Variables::default();
    let set = (0..=1000).map(|number| variables.set(&format!("v{number}"), String::new()));
    assert_eq!(set.filter_map(Result::err).count(), 1);
}

/// The sample of 2009, as it stands in `tests/samples`.
const SAMPLE: &str = include_str!("../../../../tests/samples/nextrel.cfg");

#[test]
fn the_sample_of_2009_is_read_and_becomes_the_commands_that_it_means() {
    let config = parse(SAMPLE).unwrap();
    let mut variables = Variables::new("testsys", "/log");
    let jump = ["/dev/sda2", "/dev/sda", "hd0,1", "/media/jump"];
    let mut told = String::new();
    for line in config.lines() {
        let said = line.with_values(&variables).unwrap();
        writeln!(told, "{:3} {said}", line.number).unwrap();
        match &line.statement {
            Statement::Set { name, value } => {
                let value = variables.expand(value).unwrap();
                variables.set(name, value).unwrap();
            }
            Statement::SetFromCommand { name, .. } => {
                let value = "target.pe1950.system.tgz".to_owned();
                variables.set(name, value).unwrap();
            }
            Statement::UsePartition { .. } => {
                for (name, value) in super::JUMP_SETS.iter().zip(jump) {
                    variables.set(name, value.to_owned()).unwrap();
                }
            }
            _ => {}
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_reboot_is_known_by_its_command() {
    for command in [
        "reboot",
        "/sbin/reboot -f",
        "(sync; shutdown -r now)",
        "nohup sh -c sleep 1;reboot &",
        "telinit 6",
        "systemctl reboot",
        "echo b >/proc/sysrq-trigger",
    ] {
        assert!(may_end_the_connection(command), "{command}");
    }
    for command in [
        "grub-install /dev/sda",
        "/etc/init.d/x stop",
        "echo reboots",
        "",
    ] {
        assert!(!may_end_the_connection(command), "{command}");
    }
}
