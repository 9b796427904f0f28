//! The admin's own variables: names and values that an environment can have, and none that would change
//! what a program is rather than what it is told.

use std::collections::BTreeMap;

use super::Input;
use super::refusal::{Refusal, RefusalCode};
use crate::job::variables::{Doubt, LONGEST_VALUE, doubt};

/// The most variables of a job.
const MOST: usize = 128;

/// What stands against the job's variables.
pub(super) fn refusals(input: &Input<'_>) -> Vec<Refusal> {
    let variables = &values(input);
    let too_many = (variables.len() > MOST).then(|| {
        refusal(
            format!(
                "{} has {} variables; {MOST} are the most",
                input.host,
                variables.len()
            ),
            "put them into a file, and save that with [save] extra",
        )
    });
    let wrong = variables
        .iter()
        .filter_map(|(name, value)| of(&place(input, name), name, value));
    let rowless = rowless(input).into_iter();
    rowless.chain(too_many).chain(wrong).collect()
}

/// The variables that hooks and templates of this node have.
pub(super) fn values(input: &Input<'_>) -> BTreeMap<String, String> {
    input.job.variables_of(input.host, row(input))
}

fn row<'a>(input: &Input<'a>) -> Option<&'a BTreeMap<String, String>> {
    input.hostvars?.row(input.host)
}

/// A node that the table of all nodes has forgotten.
fn rowless(input: &Input<'_>) -> Option<Refusal> {
    (input.hostvars.is_some() && row(input).is_none()).then(|| {
        Refusal::new(
            RefusalCode::NoHostValues,
            format!("the table of hostvars has no row for {}", input.host),
            "give it one: the first column has the name as on the command line, without an account",
        )
    })
}

/// Where the value of a variable stands.
fn place(input: &Input<'_>, name: &str) -> String {
    let host = input.host;
    let own = input
        .job
        .node
        .get(host)
        .is_some_and(|own| own.contains_key(name));
    if own {
        return format!("[node.{host:?}]");
    }
    if row(input).is_some_and(|row| row.contains_key(name)) {
        return format!("hostvars, {host}");
    }
    "[variables]".to_owned()
}

fn refusal(message: String, hint: &str) -> Refusal {
    Refusal::new(RefusalCode::VariableInvalid, message, hint)
}

fn of(place: &str, name: &str, value: &str) -> Option<Refusal> {
    let (message, hint) = match doubt(name, value)? {
        Doubt::Name => (
            format!("{place}: {name:?} is no name of a variable"),
            "write it of A-Z, 0-9 and _, for example LICENCE_SERVER, in 64 bytes at most",
        ),
        Doubt::Taken => (
            format!("{place}: {name} means something to programs or to us already"),
            "give it a name of your own, for example with the name of your site in front",
        ),
        Doubt::Value => (
            format!("{place} {name}: its value is not one line of at most {LONGEST_VALUE} bytes"),
            "leave control characters and line breaks out, or put it into a file and save that with [save] extra",
        ),
    };
    Some(refusal(message, hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::HostTable;
    use crate::planner::sample::{Sample, facts, job, planned};

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
    fn a_nodes_own_values_go_over_its_row_and_that_over_the_jobs() {
        let mut job = job();
        for name in ["A", "B", "C"] {
            job.variables.insert(name.to_owned(), "all".to_owned());
        }
        let own = BTreeMap::from([("C".to_owned(), "own".to_owned())]);
        job.node.insert("node07".to_owned(), own.clone());
        job.node.insert("node99".to_owned(), own);
        let mut sample = Sample::of(&facts(), &job);
        let table = "host,B,C\nnode07,row,row\nnode08,x,x\n";
        sample.hostvars = Some(HostTable::parse(table).unwrap());
        let plan = sample.planned().unwrap();
        let values: Vec<_> = plan.variables.values().map(String::as_str).collect();
        assert_eq!(values, ["all", "row", "own"]);
    }

    #[test]
    fn refuses_a_node_that_the_table_has_forgotten() {
        let mut sample = Sample::of(&facts(), &job());
        sample.hostvars = Some(HostTable::parse("host,A\nnode08,1\n").unwrap());
        let refusals = sample.planned().unwrap_err();
        assert_eq!(refusals[0].code, RefusalCode::NoHostValues);
        insta::assert_snapshot!(refusals[0].message, @"the table of hostvars has no row for node07");
    }

    #[test]
    fn refuses_a_nodes_own_value_where_it_stands() {
        let mut job = job();
        let own = BTreeMap::from([("PATH".to_owned(), "/x".to_owned())]);
        job.node.insert("node07".to_owned(), own);
        let refusals = planned(&facts(), &job).unwrap_err();
        insta::assert_snapshot!(refusals[0].message, @r#"[node."node07"]: PATH means something to programs or to us already"#);
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
