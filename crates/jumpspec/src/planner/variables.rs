//! The admin's own variables: names and values that an environment can have, and none that would change
//! what a program is rather than what it is told.

use super::Input;
use super::refusal::{Refusal, RefusalCode};
use crate::run::environment::PREFIX;

/// The most variables of a job.
const MOST: usize = 128;
/// Bytes of the longest name.
const LONGEST_NAME: usize = 64;
/// Bytes of the longest value.
const LONGEST_VALUE: usize = 4096;

/// What programs, their loader (ld.so(8)), shells and languages take for an order.
const TAKEN: [&str; 21] = [
    "BASH_ENV",
    "BASHOPTS",
    "CDPATH",
    "ENV",
    "GCONV_PATH",
    "GLOBIGNORE",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "LANG",
    "LANGUAGE",
    "LOCPATH",
    "LOGNAME",
    "OLDPWD",
    "PATH",
    "PS4",
    "PWD",
    "SHELL",
    "SHELLOPTS",
    "TMPDIR",
    "USER",
];
/// What begins the names of more of these.
const TAKEN_PREFIXES: [&str; 9] = [
    PREFIX, "LC_", "LD_", "MALLOC_", "NLSPATH", "PERL", "PYTHON", "RUBY", "SYSTEMD_",
];

/// What stands against the job's variables.
pub(super) fn refusals(input: &Input<'_>) -> Vec<Refusal> {
    let variables = &input.job.variables;
    let too_many = (variables.len() > MOST).then(|| {
        refusal(
            format!(
                "the job has {} variables; {MOST} are the most",
                variables.len()
            ),
            "put them into a file, and save that with [save] extra",
        )
    });
    let wrong = variables
        .iter()
        .filter_map(|(name, value)| of_name(name).or_else(|| of_value(name, value)));
    too_many.into_iter().chain(wrong).collect()
}

fn refusal(message: String, hint: &str) -> Refusal {
    Refusal::new(RefusalCode::VariableInvalid, message, hint)
}

fn of_name(name: &str) -> Option<Refusal> {
    let sound = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_name = name.chars().all(sound) && name.starts_with(|c: char| !c.is_ascii_digit());
    if !is_name || name.len() > LONGEST_NAME {
        return Some(refusal(
            format!("[variables]: {name:?} is no name of a variable"),
            "write it of A-Z, 0-9 and _, for example LICENCE_SERVER, in 64 bytes at most",
        ));
    }
    let taken = TAKEN.contains(&name) || TAKEN_PREFIXES.iter().any(|it| name.starts_with(it));
    taken.then(|| {
        refusal(
            format!("[variables]: {name} means something to programs or to us already"),
            "give it a name of your own, for example with the name of your site in front",
        )
    })
}

fn of_value(name: &str, value: &str) -> Option<Refusal> {
    let broken = value.len() > LONGEST_VALUE || value.chars().any(char::is_control);
    broken.then(|| {
        refusal(
            format!("[variables] {name}: its value is not one line of at most {LONGEST_VALUE} bytes"),
            "leave control characters and line breaks out, or put it into a file and save that with [save] extra",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::sample::{facts, job, planned};

    fn refused(name: &str, value: &str) -> Vec<RefusalCode> {
        let mut job = job();
        job.variables.insert(name.to_owned(), value.to_owned());
        let refusals = planned(&facts(), &job).err().unwrap_or_default();
        refusals.iter().map(|it| it.code).collect()
    }

    #[test]
    fn refuses_variables_that_no_environment_has_or_that_change_what_programs_are() {
        for name in [
            "",
            "a",
            "1A",
            "A-B",
            "A=B",
            "Ä",
            "PATH",
            "LD_PRELOAD",
            "JUMP_TRY",
            "IFS",
            "BASH_ENV",
        ] {
            assert_eq!(
                refused(name, "x"),
                [RefusalCode::VariableInvalid],
                "{name:?}"
            );
        }
        for value in ["a\nb", "a\0b", "\u{1b}[31m", &"x".repeat(5000)] {
            assert_eq!(
                refused("A", value),
                [RefusalCode::VariableInvalid],
                "{value:?}"
            );
        }
        assert_eq!(
            refused(&"A".repeat(65), "x"),
            [RefusalCode::VariableInvalid]
        );
    }

    #[test]
    fn what_an_admin_wants_to_tell_is_in_the_plan() {
        let mut job = job();
        for (name, value) in [("LICENCE_SERVER", "lic01 'a' $b"), ("_X1", "")] {
            job.variables.insert(name.to_owned(), value.to_owned());
        }
        let plan = planned(&facts(), &job).unwrap();
        assert_eq!(plan.variables, job.variables);
    }

    #[test]
    fn refuses_more_variables_than_an_environment_should_have() {
        let mut job = job();
        job.variables = (0..200)
            .map(|number| (format!("V{number}"), String::new()))
            .collect();
        let refusals = planned(&facts(), &job).unwrap_err();
        assert_eq!(refusals[0].code, RefusalCode::VariableInvalid);
    }
}
