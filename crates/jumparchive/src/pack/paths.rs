//! Packs some paths of a tree, such as files that are to be saved.

use jumpspec::words::relpath::RelPath;

use super::{PackOptions, Packed, Packer};
use crate::error::{Error, Result};
use crate::image::medium::WriteAt;
use crate::tree::root::Tree;
use crate::tree::walk::{Decision, Node};

/// Packs `paths` and all that is below them, without their parents and without
/// following symlinks, into `out`: an image without a manifest. Paths that do not
/// exist are passed over.
pub fn pack_paths(tree: &Tree, paths: &[RelPath], out: impl WriteAt + 'static) -> Result<Packed> {
    let packer = Packer::new(out, &PackOptions::default()).map_err(Error::Output)?;
    let wanted: Vec<&[u8]> = paths.iter().map(|path| path.as_str().as_bytes()).collect();
    let filter = |node: &Node| decide_by_paths(&wanted, &node.path);
    packer.pack(tree, &filter, None, &|_| ())
}

fn decide_by_paths(wanted: &[&[u8]], path: &[u8]) -> Decision {
    if wanted.iter().any(|wanted| is_within(path, wanted)) {
        Decision::Store
    } else if wanted.iter().any(|wanted| is_within(wanted, path)) {
        Decision::Pass
    } else {
        Decision::Skip
    }
}

/// Whether `path` is `top` or below it.
fn is_within(path: &[u8], top: &[u8]) -> bool {
    match path.strip_prefix(top) {
        Some(rest) => top.is_empty() || rest.is_empty() || rest[0] == b'/',
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saves_what_is_below_the_paths_and_passes_their_parents() {
        let wanted: [&[u8]; 1] = [b"etc/ssh"];
        let decide = |path: &str| decide_by_paths(&wanted, path.as_bytes());
        assert_eq!(decide(""), Decision::Pass);
        assert_eq!(decide("etc"), Decision::Pass);
        assert_eq!(decide("etc/ssh/key"), Decision::Store);
        assert_eq!(decide("etc/sshd"), Decision::Skip);
    }
}
