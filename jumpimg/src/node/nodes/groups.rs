//! ClusterShell's groups of nodes, by its own files: groups.conf, what that names, and programs.

use std::cell::OnceCell;

use nodeset::{IdRangeList, NodeSet, Parser, Resolver};

/// The groups of this host, read once they are asked for.
#[derive(Debug, Default)]
pub(super) struct Groups {
    found: OnceCell<Result<Resolver, String>>,
}

impl Groups {
    /// The nodes in the group `name`, without its `@`: `rack3`, `source:rack3`, `*`.
    ///
    /// # Errors
    /// When it is no group. The crate takes that for an empty one, and whoever excludes it by a slip of the
    /// hand would exclude nothing.
    pub(super) fn names_of(&self, name: &str) -> Result<NodeSet<IdRangeList>, String> {
        let found = self.found.get_or_init(|| {
            Resolver::from_config().map_err(|error| format!("ClusterShell's groups: {error}"))
        });
        let resolver = found.as_ref().map_err(Clone::clone)?;
        let nodes: NodeSet<IdRangeList> =
            Parser::with_resolver(resolver, Some(resolver.default_source()))
                .parse(&format!("@{name}"))
                .map_err(|error| format!("no such group, and no such file: {error}"))?;
        if nodes.is_empty() && !is_listed(resolver, name) {
            return Err("no such group, and no such file".to_owned());
        }
        Ok(nodes)
    }
}

/// Whether all groups that `name` names are among those that their source lists.
fn is_listed(resolver: &Resolver, name: &str) -> bool {
    let (source, group) = match name.split_once(':') {
        Some((source, group)) => (Some(source), group),
        None => (None, name),
    };
    let listed: NodeSet<IdRangeList> = resolver.list_groups(source);
    let listed: Vec<String> = listed.iter().collect();
    let wanted: Result<NodeSet<IdRangeList>, _> = Parser::default().parse(group);
    let are_there = |wanted: &NodeSet<IdRangeList>| wanted.iter().all(|it| listed.contains(&it));
    group == "*" || wanted.is_ok_and(|wanted| !wanted.is_empty() && are_there(&wanted))
}
