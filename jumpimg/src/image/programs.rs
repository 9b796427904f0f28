//! Which programs an image holds, by its index alone: nothing of its content is read.

use std::collections::{HashMap, HashSet};

use jumparchive::{Image, Result};

/// More links than these lead in a circle, as for the kernel (path_resolution(7)).
const MOST_LINKS: usize = 40;
/// Tar's type flags of files, hard links and symlinks.
const FILE: [u8; 2] = [b'0', b'1'];
const SYMLINK: u8 = b'2';

/// What may be started in an image, and the symlinks that lead there.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    files: HashSet<String>,
    links: HashMap<String, String>,
}

impl Programs {
    /// The image's. Names that are no text are nobody's interpreter.
    pub(crate) fn of(image: &Image) -> Result<Self> {
        let mut programs = Self::default();
        for entry in image.entries()? {
            let entry = entry?;
            let Ok(path) = String::from_utf8(entry.path) else {
                continue;
            };
            if FILE.contains(&entry.kind) && entry.mode & 0o111 != 0 {
                programs.files.insert(path);
            } else if entry.kind == SYMLINK
                && let Ok(target) = String::from_utf8(entry.link.unwrap_or_default())
            {
                programs.links.insert(path, target);
            }
        }
        Ok(programs)
    }

    /// Whether there is a program at that absolute path, links followed as if the image were `/`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let mut left: Vec<String> = components(path);
        let (mut here, mut links) = (Vec::<String>::new(), 0);
        while let Some(name) = left.pop() {
            if name == ".." {
                here.pop();
                continue;
            }
            here.push(name);
            let Some(target) = self.links.get(&here.join("/")) else {
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return false;
            }
            here.pop();
            if target.starts_with('/') {
                here.clear();
            }
            left.extend(components(target));
        }
        self.files.contains(&here.join("/"))
    }
}

/// The names in a path, the last one first.
fn components(path: &str) -> Vec<String> {
    let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
    names.rev().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs() -> Programs {
        let links = [
            ("bin", "usr/bin"),
            ("usr/bin/sh", "dash"),
            ("usr/bin/awk", "/etc/alternatives/awk"),
            ("etc/alternatives/awk", "/usr/bin/mawk"),
            ("usr/local/bin", "../bin"),
            ("usr/bin/a", "b"),
            ("usr/bin/b", "a"),
        ];
        Programs {
            files: ["usr/bin/dash", "usr/bin/mawk"].map(str::to_owned).into(),
            links: links
                .map(|(path, to)| (path.to_owned(), to.to_owned()))
                .into(),
        }
    }

    #[test]
    fn links_are_followed_inside_the_image() {
        for path in [
            "/bin/sh",
            "/usr/bin/dash",
            "/bin/awk",
            "/usr/local/bin/sh",
            "//bin/../bin/sh",
        ] {
            assert!(programs().has(path), "{path}");
        }
    }

    #[test]
    fn what_is_not_there_or_leads_in_a_circle_is_no_program() {
        for path in ["/bin/bash", "/usr/bin", "/bin/a", "/", ""] {
            assert!(!programs().has(path), "{path}");
        }
    }
}
