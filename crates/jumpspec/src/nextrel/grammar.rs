//! The grammar of a line.
//!
//! The words `print`, `local`, `remote`, `jump` and `showvars` are read in any case: the sample of 2009
//! has `print` and, commented out, `Print`. Names of variables are not.

use super::TEXT;
use super::statement::Statement;
use super::text::{Text, is_name};
use super::variables::is_internal;
use super::wrong::Wrong;

/// Words that no variable may be called.
const WORDS: [&str; 5] = ["print", "local", "remote", "jump", "showvars"];

const FORMS: &str = "a line is one of: key=value, key=`cmd`, print string, local cmd, remote cmd, jump(usepartition, swap), Showvars(), or a comment, whose # stands in column one";

/// The statement of a line and its text, if it has one: blank lines and comments have none.
pub(super) fn statement(bytes: &[u8]) -> Result<Option<(String, Statement)>, Wrong> {
    if bytes.starts_with(b"#") {
        return Ok(None);
    }
    let line = sound(bytes)?.trim();
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some((line.to_owned(), read(line)?)))
}

/// The line as text, if it is one.
fn sound(bytes: &[u8]) -> Result<&str, Wrong> {
    if bytes.len() > TEXT {
        return Err(Wrong::new(
            format!("the line is longer than {} KiB", TEXT >> 10),
            "put what is long into a script, and let the line call it",
        ));
    }
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let line = std::str::from_utf8(bytes).map_err(|_| {
        Wrong::new(
            "the line is not UTF-8",
            "convert the file, e.g. with `iconv -f latin1 -t utf8`",
        )
    })?;
    let control = |character: char| character.is_control() && character != '\t';
    if line.chars().any(control) {
        return Err(Wrong::new(
            "the line has control characters",
            "take them out: `cat -v` shows them",
        ));
    }
    Ok(line)
}

fn read(line: &str) -> Result<Statement, Wrong> {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (word, rest) = line.split_at(end.unwrap_or(line.len()));
    let (keyword, argument) = (word.to_ascii_lowercase(), rest.trim());
    let is_apart = rest.is_empty() || rest.starts_with([' ', '\t']);
    match keyword.as_str() {
        "print" if is_apart => Ok(Statement::Print(Text::new(argument))),
        "local" if is_apart => Ok(Statement::Local(command(&keyword, argument)?)),
        "remote" if is_apart => Ok(Statement::Remote(command(&keyword, argument)?)),
        "jump" if argument.starts_with('(') => jump(argument),
        "showvars" if argument.starts_with('(') => showvars(argument),
        _ => match argument.strip_prefix('=') {
            Some(value) => assignment(word, value.trim()),
            None => Err(Wrong::new(
                format!("{:?} does not begin a statement", first_word(line)),
                FORMS,
            )),
        },
    }
}

fn first_word(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    crate::words::shown::short(word.as_bytes())
}

fn command(keyword: &str, argument: &str) -> Result<Text, Wrong> {
    if argument.is_empty() {
        let reason = format!("`{keyword}` has no command");
        return Err(Wrong::new(reason, format!("write `{keyword} cmd`")));
    }
    if argument.starts_with('=') {
        return Err(reserved(keyword));
    }
    Ok(Text::new(argument))
}

fn assignment(name: &str, value: &str) -> Result<Statement, Wrong> {
    if !is_name(name) {
        return Err(Wrong::new(
            format!(
                "{:?} is not a name",
                crate::words::shown::short(name.as_bytes())
            ),
            "a name has letters, digits and _, and does not begin with a digit",
        ));
    }
    if WORDS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(reserved(name));
    }
    if is_internal(name) {
        return Err(Wrong::new(
            format!("{name} is set by jump2nr itself"),
            "give your variable another name",
        ));
    }
    let name = name.to_owned();
    let Some(quoted) = value.strip_prefix('`') else {
        let value = Text::new(value);
        return Ok(Statement::Set { name, value });
    };
    match quoted.strip_suffix('`').map(str::trim) {
        Some(command) if !command.is_empty() && !command.contains('`') => {
            let command = Text::new(command);
            Ok(Statement::SetFromCommand { name, command })
        }
        _ => Err(Wrong::new(
            "the value begins with ` and is not one command between two of them",
            "write key=`cmd`, and join what several give in a line below: key=%a%%b%",
        )),
    }
}

fn reserved(name: &str) -> Wrong {
    Wrong::new(
        format!("a variable cannot be called {name:?}, which begins a statement"),
        "give it another name",
    )
}

fn jump(argument: &str) -> Result<Statement, Wrong> {
    const FORM: &str = "write jump(usepartition, swap), jump(usepartition, /dev/sda2) or either with a third: where to mount it";
    let inner = parenthesized(argument)
        .ok_or_else(|| Wrong::new("jump( has no ) at the end of its line", FORM))?;
    let words: Vec<&str> = inner.split(',').map(str::trim).collect();
    let [function, words @ ..] = words.as_slice() else {
        return Err(Wrong::new("jump() has nothing to do", FORM));
    };
    if !function.eq_ignore_ascii_case("usepartition") {
        let function = crate::words::shown::short(function.as_bytes());
        return Err(Wrong::new(
            format!("jump has no function {function:?}"),
            FORM,
        ));
    }
    match words {
        [partition, mount @ ..] if mount.len() < 2 && !partition.is_empty() && mount != [""] => {
            Ok(Statement::UsePartition {
                partition: Text::new(*partition),
                mount: mount.first().map(|mount| Text::new(*mount)),
            })
        }
        _ => Err(Wrong::new(
            "usepartition takes a partition and, if need be, where to mount it",
            FORM,
        )),
    }
}

fn showvars(argument: &str) -> Result<Statement, Wrong> {
    match parenthesized(argument).map(str::trim) {
        Some("") => Ok(Statement::ShowVariables),
        _ => Err(Wrong::new("Showvars takes nothing", "write Showvars()")),
    }
}

fn parenthesized(argument: &str) -> Option<&str> {
    argument.strip_prefix('(')?.strip_suffix(')')
}
