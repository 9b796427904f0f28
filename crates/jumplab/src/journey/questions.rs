//! Several questions to a guest by one connection: a translated machine takes seconds for each that is
//! made.

use anyhow::{Result, anyhow};

use crate::vm::Guest;

/// Between two answers.
const NEXT: &str = "\n-- next --\n";

/// What the guest answers to each of some shell commands, all asked by one connection; fails with the
/// first whose last command does.
pub(super) fn answers<const N: usize>(
    guest: &dyn Guest,
    questions: [&str; N],
) -> Result<[String; N]> {
    let next = format!("; printf %s '{NEXT}'; ");
    let script = questions
        .map(|question| format!("( set +e; {question} )"))
        .join(&next);
    let said = guest.ssh(&format!("set -e; {script}"))?;
    let answers: Vec<String> = said
        .split(NEXT)
        .map(|said| said.trim().to_owned())
        .collect();
    let found = answers.len();
    let answers = answers.try_into();
    answers.map_err(|_| anyhow!("{found} answers to {N} questions: {said}"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::answers;
    use crate::run;
    use crate::vm::Guest;

    /// This machine's shell.
    struct Here;

    impl Guest for Here {
        fn ssh(&self, script: &str) -> anyhow::Result<String> {
            run::capture(Command::new("sh").args(["-c", script]))
        }
    }

    #[test]
    fn one_connection_answers_every_question_in_its_order() {
        let said = answers(&Here, ["cd / && pwd", "true", "false; echo a; echo b"]).unwrap();
        assert_eq!(said, ["/", "", "a\nb"]);
    }

    #[test]
    fn a_question_without_an_answer_is_an_error() {
        assert!(answers(&Here, ["echo a", "false", "echo b"]).is_err());
    }
}
