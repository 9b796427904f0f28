//! Node sets with their operators, from left to right as ClusterShell has them: `,` and blanks add,
//! `!` takes away, `&` leaves what is in both, `^` what is in one of both.
//!
//! What stands between them is read by the crate `nodeset`. Its own operators are not used: `&` of two
//! names without a number is nothing there, and it knows no names such as `root@node07`.

use std::collections::HashSet;

use nodeset::{IdRangeList, NodeSet, Parser};

use super::MOST;
use super::groups::Groups;

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 64;

/// Reads an expression.
pub(super) struct Reader<'t> {
    rest: &'t str,
    groups: &'t Groups,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// A reader of `text`.
    pub(super) fn new(text: &'t str, groups: &'t Groups) -> Self {
        Self {
            rest: text,
            groups,
            depth: 0,
        }
    }

    /// The names that all of it comes to. Names may come twice.
    pub(super) fn read(mut self) -> Result<Vec<String>, String> {
        let names = self.sum()?;
        match self.rest.chars().next() {
            Some(c) => Err(format!("unexpected {c:?}")),
            None => Ok(names),
        }
    }

    /// Terms with operators between them, up to the end or a closing parenthesis.
    fn sum(&mut self) -> Result<Vec<String>, String> {
        let mut names = self.term()?;
        while let Some(operator) = self.operator() {
            let more = self.term()?;
            apply(operator, &mut names, more);
            if names.len() > MOST {
                return Err(format!("more than {MOST} nodes"));
            }
        }
        Ok(names)
    }

    fn term(&mut self) -> Result<Vec<String>, String> {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('(') {
            (self.rest, self.depth) = (rest, self.depth + 1);
            if self.depth > DEEPEST {
                return Err("parentheses stand too deep in each other".to_owned());
            }
            let names = self.sum()?;
            self.rest = self.rest.strip_prefix(')').ok_or("a ) is missing")?;
            self.depth -= 1;
            return Ok(names);
        }
        let end = operand_end(self.rest);
        let (operand, rest) = self.rest.split_at(end);
        self.rest = rest;
        operand_names(operand, self.groups)
    }

    /// The next operator; blanks alone are one.
    fn operator(&mut self) -> Option<char> {
        let rest = self.rest.trim_start();
        let blank = rest.len() < self.rest.len();
        self.rest = rest;
        let next = rest.chars().next()?;
        if matches!(next, ',' | '!' | '&' | '^') {
            self.rest = &rest[1..];
            return Some(next);
        }
        (blank && next != ')').then_some(',')
    }
}

/// Where the operand at the beginning of `text` ends. Commas in brackets are its own.
fn operand_end(text: &str) -> usize {
    let mut in_brackets = false;
    let ends = |(_, c): &(usize, char)| {
        match c {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            _ => {}
        }
        !in_brackets && (c.is_whitespace() || matches!(c, ',' | '!' | '&' | '^' | '(' | ')'))
    };
    text.char_indices()
        .find(ends)
        .map_or(text.len(), |(at, _)| at)
}

/// The names of a group, of a set, or the one name that it is.
fn operand_names(text: &str, groups: &Groups) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Err("a node is missing".to_owned());
    }
    let set = if let Some(group) = text.strip_prefix('@') {
        groups.names_of(group)?
    } else if text.contains(['[', ']']) {
        ensure_ranges(text)?;
        set(text)?
    } else {
        return Ok(vec![text.to_owned()]);
    };
    if set.len() > MOST {
        return Err(format!("more than {MOST} nodes"));
    }
    Ok(set.iter().collect())
}

fn set(text: &str) -> Result<NodeSet<IdRangeList>, String> {
    let parsed = Parser::default().parse(text);
    parsed.map_err(|error| error.to_string())
}

/// The crate writes every number of a range into memory, and divides by its step.
fn ensure_ranges(text: &str) -> Result<(), String> {
    let inner = text
        .split('[')
        .skip(1)
        .filter_map(|part| part.split(']').next());
    for range in inner.flat_map(|inner| inner.split(',')) {
        let (ends, step) = range.split_once('/').unwrap_or((range, "1"));
        let Some((first, last)) = ends.split_once('-') else {
            continue;
        };
        let number = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| format!("{range} is no range"))
        };
        let (first, last, step) = (number(first)?, number(last)?, number(step)?);
        if step == 0 {
            return Err(format!("{range} does not get on"));
        }
        if last.saturating_sub(first) / step >= u32::try_from(MOST).unwrap_or(u32::MAX) {
            return Err(format!("more than {MOST} nodes"));
        }
    }
    Ok(())
}

fn apply(operator: char, names: &mut Vec<String>, more: Vec<String>) {
    if operator == ',' {
        return names.extend(more);
    }
    let other: HashSet<String> = more.iter().cloned().collect();
    if operator == '&' {
        return names.retain(|name| other.contains(name));
    }
    let before: HashSet<String> = names.iter().cloned().collect();
    names.retain(|name| !other.contains(name));
    if operator == '^' {
        names.extend(more.into_iter().filter(|name| !before.contains(name)));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[expect(clippy::disallowed_macros, reason = "a test says that it is skipped")]
    fn skipped() {
        println!("skipped: sets_are_what_clustershell_takes_them_for: no nodeset");
    }

    fn names(text: &str) -> Result<Vec<String>, String> {
        Reader::new(text, &Groups::default()).read()
    }

    const SETS: [&str; 22] = [
        "node[1-3]",
        "node[1-3]&node[2-9]",
        "login&login",
        "a,b&b",
        "node[01-03],node1",
        "node[1-3,3-5]",
        "10.0.0.[1-3]",
        "n[1-3]-ib0.example.com",
        "node[099-101]",
        "node[9-10]",
        "node[1-20/4]",
        "a[1-2]b[1-2]",
        "a[1-2]!a2",
        "a[1-3],a[2-5]!a[3-4]",
        "root@n1,root@n2!root@n1",
        "node[0-1]0",
        "node0[1-2]",
        "node[1-100]^node[50-150]",
        "x^x,y",
        "r[1-2]sw[1-2]-port[1-2]",
        "node12345678901",
        "node[1-3],node[2-4]&node[3-9]^node4",
    ];

    #[test]
    fn sets_are_what_clustershell_takes_them_for() {
        let mut nodeset = Command::new("nodeset");
        if nodeset.arg("--version").output().is_err() {
            return skipped();
        }
        for text in SETS {
            let theirs = Command::new("nodeset")
                .args(["-e", "-S,", text])
                .output()
                .unwrap();
            let theirs = String::from_utf8(theirs.stdout).unwrap();
            let theirs: HashSet<&str> = theirs.trim().split(',').collect();
            let ours = names(text).unwrap();
            let ours: HashSet<&str> = ours.iter().map(String::as_str).collect();
            assert_eq!(ours, theirs, "{text}");
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in [
            "",
            ",",
            "a,",
            "n[",
            "n]",
            "n[]",
            "n[1-",
            "n[5-1]",
            "n[1-9/0]",
            "n[01-3]",
            "n[1-2",
            "a)",
            "(a",
            "n[1-3]]",
            "n[[1-3]]",
            "n[a-b]",
            "n[1--2]",
            "a,,b",
            "n[1-99999999999]",
        ] {
            assert!(names(text).is_err(), "{text:?}: {:?}", names(text));
        }
        let deep = "(".repeat(100_000);
        assert!(names(&deep).is_err());
    }

    #[test]
    fn parentheses_come_first() {
        assert_eq!(names("a,b,c!(b,c)").unwrap(), ["a"]);
        assert_eq!(names("(a b)&(b c)").unwrap(), ["b"]);
    }
}
