//! Many names as one short text: `node[01-40,42],login`.

use nodeset::{IdRangeList, NodeSet, Parser};

/// The names as a node set, which reads back as those names.
pub(crate) fn folded<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let (sets, mut alone): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| reads(name));
    let set: Result<NodeSet<IdRangeList>, _> = Parser::default().parse(&sets.join(","));
    let mut parts = Vec::new();
    match set {
        Ok(set) if !sets.is_empty() => parts.push(set.to_string()),
        Ok(_) => {}
        Err(_) => alone.extend(sets),
    }
    alone.sort_unstable();
    alone.dedup();
    parts.extend(alone.into_iter().map(str::to_owned));
    parts.join(",")
}

/// Whether the crate reads it as this name and nothing else.
fn reads(name: &str) -> bool {
    if name.contains(['[', ']', '(', ')', '@', ',', '!', '&', '^']) {
        return false;
    }
    let set: Result<NodeSet<IdRangeList>, _> = Parser::default().parse(name);
    set.is_ok_and(|set| set.len() == 1 && set.iter().eq([name]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_those_that_are_no_sets_stand_behind() {
        let names = ["n1", "n3", "root@n9", "login", "n2", "n2", "n01", "::1"];
        assert_eq!(folded(names), "::1,login,n[1-3,01],root@n9");
        assert_eq!(folded([]), "");
        assert_eq!(folded(["@all", "a,b", "n[1-9/0]"]), "@all,a,b,n[1-9/0]");
    }

    #[test]
    fn what_does_not_fold_is_all_there() {
        let names: Vec<String> = (0..500).map(|n| format!("x{:x}", n * 7919)).collect();
        let folded = folded(names.iter().map(String::as_str));
        let groups = super::super::groups::Groups::default();
        let mut again = super::super::expression::Reader::new(&folded, &groups)
            .read()
            .unwrap();
        let mut names = names;
        names.sort();
        again.sort();
        assert_eq!(again, names);
    }
}
