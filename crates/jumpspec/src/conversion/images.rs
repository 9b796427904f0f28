//! The two archives, and the images that are made of them.

use super::words::quoted;

/// An archive with its image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// As the configuration file names it.
    pub(super) archive: Option<String>,
    /// The image's name, beside the job file.
    pub(super) name: String,
}

/// Both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Images {
    pub(super) jump: Image,
    pub(super) target: Image,
}

impl Images {
    /// The images of two archives.
    pub(super) fn of(jump: Option<&str>, target: Option<&str>) -> Self {
        let image = |archive: Option<&str>, name: &str| Image {
            archive: archive.map(str::to_owned),
            name: archive.map_or_else(|| name.to_owned(), image_name),
        };
        let (jump, mut target) = (image(jump, "jump.tar.zst"), image(target, "target.tar.zst"));
        if target.name == jump.name {
            target.name.insert_str(0, "target-");
        }
        Self { jump, target }
    }

    /// The commands that make them, in `directory`.
    pub(super) fn commands(&self, directory: &str) -> Vec<String> {
        let output = |image: &Image| {
            quoted(&format!(
                "{}/{}",
                directory.trim_end_matches('/'),
                image.name
            ))
        };
        let adopt = |image: &Image, kind: &str| {
            let archive = image.archive.as_deref().unwrap_or("ARCHIVE.tgz");
            format!(
                "jumpimg adopt {} --kind {kind} -o {}",
                quoted(archive),
                output(image)
            )
        };
        vec![adopt(&self.jump, "jump"), adopt(&self.target, "target")]
    }
}

/// `target.tar.zst` of `/srv/target.tgz`.
fn image_name(archive: &str) -> String {
    let base = archive.rsplit('/').next().unwrap_or(archive);
    let ends = [".tgz", ".tar.gz", ".tar.xz", ".txz", ".tar.zst", ".tar"];
    let stem = ends
        .iter()
        .find_map(|end| base.strip_suffix(end))
        .unwrap_or(base);
    format!("{stem}.tar.zst")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_called_after_their_archives() {
        let images = Images::of(Some("/srv/jump.system.tgz"), Some("it's.tar.gz"));
        assert_eq!(
            images.commands("out/"),
            [
                "jumpimg adopt /srv/jump.system.tgz --kind jump -o out/jump.system.tar.zst",
                r"jumpimg adopt 'it'\''s.tar.gz' --kind target -o 'out/it'\''s.tar.zst'",
            ]
        );
        let same = Images::of(Some("a/x.tgz"), Some("b/x.tgz"));
        assert_eq!(
            (same.jump.name, same.target.name),
            ("x.tar.zst".to_owned(), "target-x.tar.zst".to_owned())
        );
        assert_eq!(Images::of(None, None).target.name, "target.tar.zst");
    }
}
