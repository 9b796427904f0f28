//! What a build is to do: recipe and command line, worked out once.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jumpspec::image::kind::Kind;
use jumpspec::image::manifest::Budget;
use jumpspec::image::recipe::{Compression, Mounts, Recipe};
use jumpspec::words::size::Size;

use crate::error::{Exit, Trouble};
use crate::image::output;

const EXAMPLES: &str = "\
Examples:
  jumpimg build --kind jump -o jump.tar.zst
  jumpimg build --recipe images/node/recipe.toml --root /srv/node -o node.tar.zst
  jumpimg build --kind target --budget 400MiB --exclude /srv --exclude '*.log' --dry-run

An exclude that begins with / is a path from the root and all below it, others are file names;
both can have * and ?.";

/// What fits the smallest usual swap partition, next to the jump system.
const BUDGET: Size = Size::mib(290);

/// Options of `build`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BuildArgs {
    /// The golden tree.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// What the image is for.
    #[arg(long, required_unless_present = "recipe")]
    kind: Option<KindName>,
    /// Store what is mounted here, too.
    #[arg(long, value_name = "MOUNTPOINT")]
    cross: Vec<String>,
    /// Store only an empty directory for what is mounted here, on purpose.
    #[arg(long, value_name = "MOUNTPOINT")]
    leave: Vec<String>,
    #[command(flatten)]
    pub(crate) image: ImageArgs,
}

/// Options of everything that builds an image.
#[derive(Args, Debug)]
pub(crate) struct ImageArgs {
    /// How to build: name, kind, excludes, budget (TOML).
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// The image to write.
    #[arg(short, long, value_name = "FILE", required_unless_present = "dry_run")]
    pub(crate) output: Option<PathBuf>,
    /// Its permission bits, octal; an image holds password hashes and keys.
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = mode)]
    mode: u32,
    /// How to write it; by the output's name if not given, where .tgz and .tar.gz are tgz.
    #[arg(long)]
    format: Option<Format>,
    /// The image's name; the output's, if there is no recipe.
    #[arg(long)]
    name: Option<String>,
    /// The most that the image may take, 290MiB if there is no recipe.
    #[arg(long, value_name = "SIZE")]
    budget: Option<Size>,
    /// Leave this out as well.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// How hard to compress; 3 if there is no recipe.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=19))]
    level: Option<i32>,
    /// The static jumpinit for a jump image; the one beside jumpimg if not given.
    #[arg(long, value_name = "FILE")]
    jumpinit: Option<PathBuf>,
    /// Refuse sockets and what changes while it is read, instead of telling.
    #[arg(long)]
    strict: bool,
    /// Only say what would be stored and what left out.
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How an image is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Frames of zstd, with manifest and index: what jump pushes.
    Zst,
    /// A plain .tgz, with its manifest beside it.
    Tgz,
}

impl Format {
    fn of(output: &Path) -> Self {
        let name = output.file_name().unwrap_or_default().as_encoded_bytes();
        let tgz = name.ends_with(b".tgz") || name.ends_with(b".tar.gz");
        if tgz { Self::Tgz } else { Self::Zst }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindName {
    /// The small system that runs while the rest is replaced.
    Jump,
    /// The new system.
    Target,
}

/// What a build is to do.
pub(crate) struct Settings {
    pub(crate) recipe: Recipe,
    pub(crate) root: PathBuf,
    pub(crate) output: Option<PathBuf>,
    /// Permission bits of what is written.
    pub(crate) mode: u32,
    pub(crate) format: Format,
    pub(crate) jumpinit: Option<PathBuf>,
    pub(crate) strict: bool,
    pub(crate) dry_run: bool,
    pub(crate) json: bool,
}

impl Settings {
    /// Settings of `build`.
    pub(crate) fn resolve(args: &BuildArgs) -> Result<Self, Trouble> {
        let kind = args.kind.map(Kind::from);
        let mut settings = Self::new(&args.image, kind, args.root.clone())?;
        let mounts = &mut settings.recipe.mounts;
        mounts.cross.extend(args.cross.iter().cloned());
        mounts.leave.extend(args.leave.iter().cloned());
        Ok(settings)
    }

    /// Reads the recipe; the command line goes before it.
    pub(crate) fn new(
        args: &ImageArgs,
        kind: Option<Kind>,
        root: PathBuf,
    ) -> Result<Self, Trouble> {
        let mut recipe = match &args.recipe {
            Some(path) => read_recipe(path)?,
            None => default_recipe(args.output.as_deref()),
        };
        recipe.kind = kind.unwrap_or(recipe.kind);
        recipe.name = args.name.clone().unwrap_or(recipe.name);
        recipe.budget.compressed = args.budget.or(recipe.budget.compressed);
        recipe.compression.level = args.level.unwrap_or(recipe.compression.level);
        recipe.excludes.extend(args.exclude.iter().cloned());
        let by_name = || args.output.as_deref().map_or(Format::Zst, Format::of);
        Ok(Self {
            recipe,
            root,
            output: args.output.as_deref().map(output::place).transpose()?,
            mode: args.mode,
            format: args.format.unwrap_or_else(by_name),
            jumpinit: args.jumpinit.clone(),
            strict: args.strict,
            dry_run: args.dry_run,
            json: args.json,
        })
    }
}

impl From<KindName> for Kind {
    fn from(kind: KindName) -> Self {
        match kind {
            KindName::Jump => Self::Jump,
            KindName::Target => Self::Target,
        }
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| mode & !0o777 == 0)
        .ok_or_else(|| "not permission bits such as 0640".to_owned())
}

fn read_recipe(path: &Path) -> Result<Recipe, Trouble> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the recipe {shown}"))?;
    toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        let message = format!("{shown}:{line}: {}", error.message());
        Trouble::new(Exit::Usage, "bad-recipe", message)
    })
}

fn default_recipe(output: Option<&Path>) -> Recipe {
    let stem = output
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let name = stem
        .as_deref()
        .and_then(|name| name.split('.').next())
        .unwrap_or("image");
    Recipe {
        name: name.to_owned(),
        kind: Kind::Target,
        excludes: Vec::new(),
        budget: Budget {
            compressed: Some(BUDGET),
            unpacked: None,
        },
        compression: Compression::default(),
        mounts: Mounts::default(),
        golden: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outputs_name_says_how_it_is_written() {
        for (name, format) in [
            ("a/old.tgz", Format::Tgz),
            ("old.tar.gz", Format::Tgz),
            ("new.tar.zst", Format::Zst),
            ("tgz", Format::Zst),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }
}
