//! What stands in a tree where a directory may be needed: see [`jumpspec::image::obstacle`].

use std::collections::BTreeSet;

use jumpspec::image::kind::Kind;
use jumpspec::image::obstacle::{Obstacle, Obstacles, needed, with_parents};

use super::stored::Stored;

/// How deep mount points are looked for, besides on the way to what steps need.
const LEVELS: usize = 3;
/// How many of these the manifest has room for, those of the first levels first.
const MOST: usize = 128;

/// Those of a tree.
pub(crate) fn find(stored: &Stored<'_>, kind: Kind) -> Obstacles {
    let on_the_way = needed(kind).into_iter().flat_map(with_parents);
    let on_the_way: BTreeSet<String> = on_the_way.map(str::to_owned).collect();
    let mut obstacles = Obstacles::new();
    for path in &on_the_way {
        add(&mut obstacles, path, look(stored, path));
    }
    let mut level = vec![String::new()];
    for depth in 1..=LEVELS {
        let (mut below, mut found) = (Vec::new(), Vec::new());
        for path in level.iter().flat_map(|above| children(stored, above)) {
            match look(stored, &path) {
                Look::Directory => below.push(path),
                // Below the first level nobody expects a directory where there is a file.
                Look::Obstacle(Obstacle::File) if depth > 1 => {}
                other => found.push((path, other)),
            }
        }
        for (path, look) in found {
            if obstacles.len() < MOST {
                add(&mut obstacles, &path, look);
            }
        }
        level = below;
    }
    obstacles
}

fn children(stored: &Stored<'_>, above: &str) -> Vec<String> {
    let names = stored.names(above).into_iter();
    names
        .map(|name| format!("{above}/{name}").trim_start_matches('/').to_owned())
        .collect()
}

/// A name that no plan could name is in nobody's way.
fn add(obstacles: &mut Obstacles, path: &str, look: Look) {
    if let (Look::Obstacle(obstacle), Ok(path)) = (look, path.parse()) {
        obstacles.insert(path, obstacle);
    }
}

enum Look {
    Nothing,
    Directory,
    Obstacle(Obstacle),
}

/// What the image will hold at `path`.
fn look(stored: &Stored<'_>, path: &str) -> Look {
    let (tree, rules) = (stored.tree, stored.rules);
    let is_link = matches!(tree.read_link(path), Ok(Some(_)));
    if !is_link && tree.is_directory(path) {
        return if rules.leaves_out_directory(path) {
            Look::Nothing
        } else {
            Look::Directory
        };
    }
    if rules.leaves_out(path) || !matches!(tree.lstat(path), Ok(Some(_))) {
        return Look::Nothing;
    }
    let leads_to = stored.real(path).filter(|_| is_link);
    Look::Obstacle(match leads_to {
        Some(real) if tree.is_directory(&real) && !rules.leaves_out_directory(&real) => {
            Obstacle::Link
        }
        Some(real) if tree.is_directory(&real) || !exists(stored, &real) => Obstacle::Dangling,
        None if is_link => Obstacle::Dangling,
        _ => Obstacle::File,
    })
}

/// Whether the image will hold something there.
fn exists(stored: &Stored<'_>, path: &str) -> bool {
    matches!(stored.tree.lstat(path), Ok(Some(_))) && !stored.rules.leaves_out(path)
}

#[cfg(test)]
mod tests {
    use super::super::exclude::Rules;
    use super::super::mounts::Mounts;
    use super::*;
    use jumparchive::Tree;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// The obstacles of a target tree, and what its recipe leaves out.
    fn found(make: impl Fn(&std::path::Path), excludes: &[&str]) -> Vec<(String, Obstacle)> {
        let scratch = tempfile::tempdir().unwrap();
        make(scratch.path());
        let tree = Tree::open(scratch.path()).unwrap();
        let excludes: Vec<String> = excludes.iter().map(ToString::to_string).collect();
        let rules = Rules::new(&tree, &excludes, Mounts::default()).unwrap();
        let stored = Stored {
            tree: &tree,
            rules: &rules,
        };
        let found = find(&stored, Kind::Target).into_iter();
        found
            .map(|(path, obstacle)| (path.to_string(), obstacle))
            .collect()
    }

    #[test]
    fn links_are_told_by_where_they_lead() {
        let make = |root: &std::path::Path| {
            fs::create_dir_all(root.join("usr/bin")).unwrap();
            fs::create_dir_all(root.join("var/log/adm")).unwrap();
            fs::create_dir_all(root.join("etc")).unwrap();
            fs::write(root.join("usr/bin/sh"), "").unwrap();
            fs::write(root.join("sys"), "").unwrap();
            symlink("usr/bin", root.join("bin")).unwrap();
            symlink("/nowhere", root.join("dev")).unwrap();
            symlink("../usr/bin/sh", root.join("etc/ssh")).unwrap();
            symlink("log/adm", root.join("var/adm")).unwrap();
            symlink("loop", root.join("loop")).unwrap();
        };
        let wanted = [
            ("bin", Obstacle::Link),
            ("dev", Obstacle::Dangling),
            ("etc/ssh", Obstacle::File),
            ("loop", Obstacle::Dangling),
            ("sys", Obstacle::File),
            ("var/adm", Obstacle::Link),
        ];
        let wanted = wanted.map(|(path, obstacle)| (path.to_owned(), obstacle));
        assert_eq!(found(make, &[]), wanted);
    }

    #[test]
    fn a_link_to_what_is_left_out_leads_nowhere() {
        let make = |root: &std::path::Path| {
            fs::create_dir_all(root.join("data/log")).unwrap();
            fs::create_dir_all(root.join("var")).unwrap();
            symlink("/data/log", root.join("var/log")).unwrap();
        };
        let link = |obstacle| [("var/log".to_owned(), obstacle)];
        assert_eq!(found(make, &[]), link(Obstacle::Link));
        assert_eq!(found(make, &["/data"]), link(Obstacle::Dangling));
        assert_eq!(found(make, &["/data", "/var/log"]), []);
    }
}
