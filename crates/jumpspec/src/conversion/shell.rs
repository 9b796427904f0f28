//! A shell script, line by line: which lines belong together, and which branch they stand in.
//!
//! This is no shell. It knows quotes, comments, here-documents and what opens and closes a compound
//! command, which is enough to tell where a statement ends; what it cannot tell is an error, never a
//! guess.

use super::scanner::Scanner;
use super::words::squeezed;

/// The branch of a script, by its first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    /// On the old system, first.
    Prep,
    /// On the old system, once the jump system is unpacked.
    Save,
    /// On the jump system.
    Restore,
}

impl Branch {
    /// The argument.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Prep => "prep",
            Self::Save => "save",
            Self::Restore => "restore",
        }
    }
}

/// A line of a file, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// As it was written.
    pub(super) text: &'a str,
}

impl Line<'_> {
    /// Whether nothing is done by it.
    pub(super) fn is_comment(&self) -> bool {
        let text = self.text.trim_start();
        text.is_empty() || text.starts_with('#')
    }
}

/// A statement: lines that belong together; a comment or a blank line is one by itself.
pub(super) type Chunk<'a> = Vec<Line<'a>>;

/// A script as its branches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shell<'a> {
    /// What stands outside of the branches.
    pub(super) top: Vec<Chunk<'a>>,
    /// The branches, in the order of the file; a branch can be there more than once.
    pub(super) branches: Vec<(Branch, Body<'a>)>,
}

/// A branch's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Body<'a> {
    /// Its `if` and its `fi`.
    pub(super) frame: [Line<'a>; 2],
    /// What stands between.
    pub(super) chunks: Vec<Chunk<'a>>,
}

/// That lines cannot be told apart: the line where that begins, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclear(pub(super) usize);

impl<'a> Shell<'a> {
    /// Reads a script.
    ///
    /// # Errors
    /// Something is not closed, or closed twice.
    pub(super) fn read(text: &'a str) -> Result<Self, Unclear> {
        let lines: Vec<Line<'a>> = (1..)
            .zip(text.lines())
            .map(|(number, text)| Line { number, text })
            .collect();
        let mut shell = Self::default();
        for chunk in chunks(&lines)? {
            match chunk.first().and_then(|line| branch(line.text)) {
                Some(branch) => shell.branches.push((branch, body(&chunk)?)),
                None => shell.top.push(chunk),
            }
        }
        Ok(shell)
    }
}

/// The branch that a line begins: `if [ "$1" = "prep" ]; then`, quotes and blanks apart.
fn branch(line: &str) -> Option<Branch> {
    let line = squeezed(&line.replace(['"', '\''], "")).replace(" ;", ";");
    let condition = line.strip_prefix("if ")?.strip_suffix("; then")?;
    let forms = [("[ ", " ]"), ("[[ ", " ]]"), ("test ", "")];
    let inner = forms
        .iter()
        .find_map(|(open, close)| condition.strip_prefix(open)?.strip_suffix(close))?;
    let argument = inner
        .strip_prefix("$1 == ")
        .or_else(|| inner.strip_prefix("$1 = "))?;
    [Branch::Prep, Branch::Save, Branch::Restore]
        .into_iter()
        .find(|branch| branch.name() == argument)
}

fn body<'a>(chunk: &[Line<'a>]) -> Result<Body<'a>, Unclear> {
    let [first, inner @ .., last] = chunk else {
        return Err(Unclear(chunk.first().map_or(1, |line| line.number)));
    };
    if last.text.trim() != "fi" {
        return Err(Unclear(last.number));
    }
    let chunks = chunks(inner)?;
    let other = |chunk: &&Chunk<'_>| {
        let word = chunk[0].text.split_whitespace().next();
        matches!(word, Some("else" | "elif"))
    };
    match chunks.iter().find(other) {
        Some(other) => Err(Unclear(other[0].number)),
        None => Ok(Body {
            frame: [*first, *last],
            chunks,
        }),
    }
}

/// Lines, as statements.
fn chunks<'a>(lines: &[Line<'a>]) -> Result<Vec<Chunk<'a>>, Unclear> {
    let (mut chunks, mut chunk) = (Vec::new(), Chunk::new());
    let mut scanner = Scanner::default();
    for line in lines {
        chunk.push(*line);
        if !scanner.line(line.text) {
            return Err(Unclear(line.number));
        }
        if scanner.is_complete() {
            chunks.push(std::mem::take(&mut chunk));
        }
    }
    match chunk.first() {
        Some(line) => Err(Unclear(line.number)),
        None => Ok(chunks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines at which statements begin.
    fn begins(text: &str) -> Result<Vec<usize>, Unclear> {
        let shell = Shell::read(text)?;
        Ok(shell.top.iter().map(|chunk| chunk[0].number).collect())
    }

    #[test]
    fn statements_end_where_the_shell_ends_them() {
        let cases: [(&str, &[usize]); 14] = [
            ("a\nb\n", &[1, 2]),
            ("a \\\nb\nc", &[1, 3]),
            ("a |\nb\nc", &[1, 3]),
            ("a &&\nb\nc", &[1, 3]),
            ("for f in a; do\n x\ndone\nb", &[1, 4]),
            ("if a; then b; fi\nc", &[1, 2]),
            ("if a\nthen\n while b; do c; done\nelse\n d\nfi\ne", &[1, 7]),
            ("case $1 in\n a) x;;\n (b) y;;\nesac\nz", &[1, 5]),
            ("f() {\n a\n}\nf", &[1, 4]),
            ("function f {\n a\n}\nf", &[1, 4]),
            ("(a\nb)\nc", &[1, 3]),
            ("cat <<'E' >x\nif\nE\nb", &[1, 4]),
            ("echo 'a\nfi'\necho \"if\" # if (\nx=${y#z}", &[1, 3, 4]),
            ("echo if done; echo `perl -e 'x(' y`\nb", &[1, 2]),
        ];
        for (text, wanted) in cases {
            assert_eq!(begins(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_not_closed_is_not_guessed_at() {
        let cases = [
            ("a\nif b; then\nc", 2),
            ("fi", 1),
            ("a\n'x", 2),
            ("cat <<E\nx", 1),
            ("if [ \"$1\" = prep ]; then\na\nelse\nb\nfi", 3),
            ("if [ \"$1\" = prep ]; then\na\nfi; x", 3),
        ];
        for (text, line) in cases {
            assert_eq!(begins(text), Err(Unclear(line)), "{text}");
        }
    }

    #[test]
    fn branches_are_known_by_their_argument() {
        for line in [
            "if [ \"$1\" = \"prep\" ]; then",
            "if [ $1 == prep ] ; then",
            "if [[ \"$1\"  == 'prep' ]]; then",
            "if test \"$1\" = prep; then",
        ] {
            assert_eq!(branch(line), Some(Branch::Prep), "{line}");
        }
        for line in ["if [ \"$2\" = prep ]; then", "if [ \"$1\" = other ]; then"] {
            assert_eq!(branch(line), None, "{line}");
        }
    }
}
