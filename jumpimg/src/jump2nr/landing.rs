//! `jump(usepartition, …)` on a node: a look, the decision of [`jumpspec::nextrel`], and its script.

use std::time::Duration;

use jumpspec::nextrel::{Landing, Look, Request};

use super::failure::Failure;
use super::node::Node;
use super::teller::Teller;

/// For a look: blkid reads the beginning of every disk.
const LOOK: Duration = Duration::from_mins(1);

/// Makes the jump system's file system on the partition that is asked for, and mounts it.
pub(super) fn make(
    node: &Node,
    request: &Request,
    teller: &mut Teller<'_>,
) -> Result<Landing, Failure> {
    let landing = request.choose(&look(node, request)?)?;
    teller.note(&format!("{} becomes the jump system's", landing.device()));
    node.script(&landing.make_script(), teller)?;
    Ok(landing)
}

/// Finds what was made before, and mounts it if it is not.
pub(super) fn recall(
    node: &Node,
    request: &Request,
    teller: &mut Teller<'_>,
) -> Result<Landing, Failure> {
    let landing = request.find_again(&look(node, request)?)?;
    teller.note(&format!(
        "{} is found again, and is not formatted",
        landing.device()
    ));
    if let Some(script) = landing.mount_script() {
        node.script(&script, teller)?;
    }
    Ok(landing)
}

fn look(node: &Node, request: &Request) -> Result<Look, Failure> {
    let said = node.session.run(&Look::script(request.named()), LOOK);
    Ok(Look::read(&said.map_err(Failure::Ssh)?))
}
