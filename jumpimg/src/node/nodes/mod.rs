//! Which nodes a command is for: names and node sets as ClusterShell writes them, from the command
//! line, from its groups, and from files.

mod expression;
pub(crate) mod fold;
mod groups;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;

use clap::Args;

use crate::error::{Exit, Trouble};
use expression::Reader;
use groups::Groups;

/// More nodes than one admin host can have anything to do with.
const MOST: usize = 100_000;
/// Bytes of a file with nodes; that many names have less.
const MOST_BYTES: u64 = 16 << 20;

/// The nodes of a command, as they are typed.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodeSetArgs {
    /// The nodes, as ssh knows them: names and node sets, such as node[01-40], @GROUP of
    /// ClusterShell's groups, or @FILE
    #[arg(value_name = "NODES")]
    named: Vec<String>,
    /// More of them
    #[arg(short = 'w', long = "nodes", value_name = "NODES")]
    wanted: Vec<String>,
    /// But not these
    #[arg(short = 'x', long = "exclude", value_name = "NODES")]
    excluded: Vec<String>,
}

/// Some of the nodes that a command is for anyway.
#[derive(Args, Clone, Debug)]
pub(crate) struct SomeNodesArgs {
    /// These alone: names and node sets, such as node[01-40], @GROUP of ClusterShell's groups, or @FILE
    #[arg(short = 'w', long = "nodes", value_name = "NODES")]
    wanted: Vec<String>,
    /// But not these
    #[arg(
        short = 'x',
        long = "exclude",
        value_name = "NODES",
        requires = "wanted"
    )]
    excluded: Vec<String>,
}

impl SomeNodesArgs {
    /// Those that are named, if any are.
    pub(crate) fn resolve(&self) -> Result<Option<Vec<String>>, Trouble> {
        if self.wanted.is_empty() {
            return Ok(None);
        }
        resolve(&[&self.wanted], &self.excluded).map(Some)
    }
}

impl NodeSetArgs {
    /// The nodes that are meant, each once, in the order in which they were named.
    pub(crate) fn resolve(&self) -> Result<Vec<String>, Trouble> {
        self.resolve_with(&[])
    }

    /// The same, and those that `words` name.
    pub(crate) fn resolve_with(&self, words: &[String]) -> Result<Vec<String>, Trouble> {
        resolve(&[&self.named, &self.wanted, words], &self.excluded)
    }
}

fn resolve(wanted: &[&[String]], excluded: &[String]) -> Result<Vec<String>, Trouble> {
    if wanted.iter().all(|words| words.is_empty()) {
        return Err(Trouble::new(Exit::Usage, "no-nodes", "no node is named")
            .hint("name nodes, such as node07, node[01-40] or @rack3; see --help"));
    }
    let groups = Groups::default();
    let of = |words: &mut dyn Iterator<Item = &String>| -> Result<Vec<String>, Trouble> {
        let mut names = Vec::new();
        for word in words {
            names.extend(word_names(word, &groups)?);
            ensure_few(names.len())?;
        }
        Ok(names)
    };
    let excluded: HashSet<String> = of(&mut excluded.iter())?.into_iter().collect();
    let mut named = of(&mut wanted.iter().copied().flatten())?;
    let mut met = HashSet::new();
    named.retain(|name| !excluded.contains(name) && met.insert(name.clone()));
    if named.is_empty() {
        let why = "no node is left of those that were named";
        return Err(Trouble::new(Exit::Usage, "no-nodes", why)
            .hint("groups may be empty, and -x may have taken all"));
    }
    Ok(named)
}

/// What one word of the command line names: a group before a file of the same name.
fn word_names(word: &str, groups: &Groups) -> Result<Vec<String>, Trouble> {
    let file = word.strip_prefix('@').filter(|path| is_file(path, groups));
    match file {
        Some(path) => file_names(path, groups),
        None => names(word, groups).map_err(|why| bad(word, &why)),
    }
}

/// Whether what follows an `@` is a file: a path, or a name that no group has.
fn is_file(path: &str, groups: &Groups) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_dir())
        && (path.contains('/') || groups.names_of(path).is_err())
}

/// Names and sets of a file, some a line; what follows a `#` is for people.
fn file_names(path: &str, groups: &Groups) -> Result<Vec<String>, Trouble> {
    let unread = |why: String| {
        Trouble::new(
            Exit::Usage,
            "nodes-file",
            format!("cannot read {path}: {why}"),
        )
    };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| unread(error.to_string()))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(unread("it is too large for a list of nodes".to_owned()));
    }
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let at = format!("{path}, line {}", number + 1);
        all.extend(names(line, groups).map_err(|why| bad(&at, &why))?);
        ensure_few(all.len())?;
    }
    Ok(all)
}

/// The names that an expression comes to.
fn names(expression: &str, groups: &Groups) -> Result<Vec<String>, String> {
    let names = Reader::new(expression, groups).read()?;
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("{name:?} is no host name")),
        None => Ok(names),
    }
}

/// Whether ssh takes it as a host.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn ensure_few(count: usize) -> Result<(), Trouble> {
    if count > MOST {
        let why = format!("these are more than {MOST} nodes");
        return Err(Trouble::new(Exit::Usage, "too-many-nodes", why));
    }
    Ok(())
}

fn bad(what: &str, why: &str) -> Trouble {
    let shown = jumpspec::words::shown::line(what);
    Trouble::new(Exit::Usage, "bad-node-set", format!("{shown}: {why}"))
        .hint("node sets are written as in ClusterShell: node[01-40,42], rack[1-3]n[1-8], @group")
}

/// A node's name, where a command is for one.
pub(crate) fn node_name(text: &str) -> Result<String, String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("not a host name".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(named: &[&str], excluded: &[&str]) -> Result<Vec<String>, Trouble> {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let args = NodeSetArgs {
            named: owned(named),
            wanted: Vec::new(),
            excluded: owned(excluded),
        };
        args.resolve()
    }

    fn code(result: Result<Vec<String>, Trouble>) -> String {
        result.unwrap_err().causes[0].code.clone()
    }

    #[test]
    fn options_of_ssh_are_not_node_names() {
        assert!(node_name("-oProxyCommand=x").is_err());
        assert!(node_name("root@node07").is_ok());
        assert_eq!(code(resolved(&["a,-oProxyCommand=x"], &[])), "bad-node-set");
    }

    #[test]
    fn a_name_twice_is_one_node_and_the_order_is_the_admins() {
        let nodes = resolved(&["b", "n[1-3]", "a", "n2,b"], &["n3"]).unwrap();
        assert_eq!(nodes, ["b", "n1", "n2", "a"]);
        assert_eq!(code(resolved(&["n[1-2]"], &["n[1-9]"])), "no-nodes");
    }

    #[test]
    fn a_file_has_some_names_a_line_and_says_where_one_is_wrong() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("nodes");
        fs::write(&path, "# rack 1\nn[1-2], n4  # the spare\n\nroot@n9\n").unwrap();
        let word = format!("@{}", path.display());
        let nodes = resolved(&[&word], &["n2"]).unwrap();
        assert_eq!(nodes, ["n1", "n4", "root@n9"]);
        fs::write(&path, "n1\nn[2-\n").unwrap();
        let trouble = resolved(&[&word], &[]).unwrap_err();
        assert!(trouble.causes[0].message.contains("line 2"), "{trouble:?}");
        assert_eq!(code(resolved(&["@/no/such"], &[])), "bad-node-set");
    }

    #[test]
    fn more_nodes_than_there_can_be_are_refused_before_memory_is_full() {
        for many in [
            "n[1-100001]",
            "n[0-4000000000]",
            "a[1-999]b[1-999]",
            "@/dev/zero",
        ] {
            assert!(resolved(&[many], &[]).is_err(), "{many}");
        }
        assert_eq!(resolved(&["n[1-100000]"], &[]).unwrap().len(), MOST);
    }
}
