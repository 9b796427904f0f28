//! The variables of a run, and what texts become by them.
//!
//! A value is what its line came to when it was reached: it is not looked through for variables again.

use super::TEXT;
use super::text::{Piece, Text};
use super::wrong::Wrong;

/// Variables that a file may have, more than any has lines for in earnest.
const VARIABLES: usize = 1000;

/// The node, as it was named on the command line.
pub const HOST: &str = "_HOST";
/// The run's log on this host.
pub const LOG_FILE: &str = "_LOGFILE";
/// What `jump(usepartition, …)` sets, in the order of [`super::Landing::values`]: `/dev/sda2`, `/dev/sda`,
/// `hd0,1` as GRUB legacy counts, and where it is mounted.
pub const JUMP_SETS: [&str; 4] = ["_JUMPPARTITION", "_JUMPDEV", "_JUMPDEVICEID", "_MOUNTDIR"];

/// Whether no line may set it.
pub(super) fn is_internal(name: &str) -> bool {
    name == HOST || name == LOG_FILE || JUMP_SETS.contains(&name)
}

/// Names with their values, in the order in which they were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(Vec<(String, String)>);

impl Variables {
    /// What there is before the first line.
    pub fn new(host: &str, log_file: &str) -> Self {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self(vec![pair(HOST, host), pair(LOG_FILE, log_file)])
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// There are too many, or the value is too long.
    pub fn set(&mut self, name: &str, value: String) -> Result<(), Wrong> {
        if value.len() > TEXT {
            return Err(too_long(&format!("the value of {name}")));
        }
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| known == name) {
            *known = value;
        } else if self.0.len() == VARIABLES {
            return Err(Wrong::new(
                format!("more than {VARIABLES} variables"),
                "put what needs as many into a script",
            ));
        } else {
            self.0.push((name.to_owned(), value));
        }
        Ok(())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A text with the values of its variables.
    ///
    /// # Errors
    /// A variable is not defined, or it becomes too long.
    pub fn expand(&self, text: &Text) -> Result<String, Wrong> {
        let mut expanded = String::new();
        for piece in text.pieces() {
            expanded += match piece {
                Piece::Plain(plain) => plain,
                Piece::Variable(name) => self.get(name).ok_or_else(|| undefined(name))?,
            };
            if expanded.len() > TEXT {
                return Err(too_long("the line"));
            }
        }
        Ok(expanded)
    }

    /// A command: the text with the values of its variables, then without quote characters.
    ///
    /// # Errors
    /// As [`Variables::expand`].
    pub fn command(&self, text: &Text) -> Result<String, Wrong> {
        Ok(without_quotes(&self.expand(text)?))
    }
}

/// "Note that quote characters ARE REMOVED from cmd": `'` and `"`, wherever they stand.
pub fn without_quotes(command: &str) -> String {
    command.replace(['\'', '"'], "")
}

/// That no line above sets it.
pub(super) fn undefined(name: &str) -> Wrong {
    let reason = if JUMP_SETS.contains(&name) {
        format!("%{name}% is not defined before jump(usepartition, …)")
    } else {
        format!("%{name}% is not defined above this line")
    };
    let cure = format!(
        "define it above; percent signs that are no variable's are kept apart by a pair of quotes, which is taken out of commands: %{name}''%"
    );
    Wrong::new(reason, cure)
}

fn too_long(what: &str) -> Wrong {
    Wrong::new(
        format!("{what} becomes longer than {} KiB", TEXT >> 10),
        "put what is long into a file or a script",
    )
}
