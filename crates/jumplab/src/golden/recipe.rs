//! The `[golden]` table of a recipe. The other tables are `jumpimg`'s and are passed over.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// How the root of a golden host is made.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Debian's code name, such as `bookworm`.
    pub suite: String,
    /// Packages on top of the essential ones.
    pub packages: Vec<String>,
    /// Paths that dpkg leaves out, as its `path-exclude` takes them.
    #[serde(default)]
    pub dpkg_excludes: Vec<String>,
    /// Shell patterns below the root, removed once all packages are configured: what only dpkg,
    /// Perl or a build needs.
    #[serde(default)]
    pub remove: Vec<String>,
    /// root's password; locked where it is absent.
    pub root_password: Option<String>,
}

#[derive(Deserialize)]
struct Recipe {
    golden: Golden,
}

pub(super) fn read(path: &Path) -> Result<Golden> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}\nhint: see images/", path.display()))?;
    parse(&text).with_context(|| format!("{}: no valid [golden] table", path.display()))
}

fn parse(text: &str) -> Result<Golden> {
    let recipe: Recipe = toml::from_str(text)?;
    Ok(recipe.golden)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn other_tables_are_passed_over() {
        let golden = parse(
            "name = \"x\"\n[budget]\ncompressed = \"1MiB\"\n[golden]\nsuite = \"trixie\"\npackages = [\"udev\"]\n",
        )
        .expect("a valid recipe");
        assert_eq!(
            (golden.suite.as_str(), golden.packages.len()),
            ("trixie", 1)
        );
        assert_eq!(golden.root_password, None);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = parse("[golden]\nsuite = \"trixie\"\npackages = []\npackage = []\n");
        assert!(error.is_err());
    }

    #[test]
    fn the_recipes_of_this_workspace_are_valid() {
        for name in [
            "bench-debian12",
            "jump-debian12",
            "legacy-debian12",
            "node-debian13",
            "old-debian12",
            "small-debian12",
        ] {
            let path = crate::workspace::image(name).join("recipe.toml");
            super::read(&path).expect("a valid recipe");
        }
    }
}
