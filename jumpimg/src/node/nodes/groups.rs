//! ClusterShell's groups of nodes, by its own files: groups.conf, what that names, and programs.

use std::cell::OnceCell;

use nodeset::{IdRangeList, NodeSet, Parser, Resolver};

/// The groups of this host, read once they are asked for.
#[derive(Debug, Default)]
pub(super) struct Groups {
    found: OnceCell<Result<Resolver, String>>,
}

impl Groups {
    /// The names in the group `name`, without its `@`: `rack3`, `source:rack3`, `*`.
    pub(super) fn names_of(&self, name: &str) -> Result<NodeSet<IdRangeList>, String> {
        let found = self.found.get_or_init(|| {
            Resolver::from_config().map_err(|error| format!("ClusterShell's groups: {error}"))
        });
        let resolver = found.as_ref().map_err(Clone::clone)?;
        Parser::with_resolver(resolver, Some(resolver.default_source()))
            .parse(&format!("@{name}"))
            .map_err(|error| format!("no such group, and no such file: {error}"))
    }
}
