//! `/etc/crypttab`: what is opened at boot. Source of the format: crypttab(5), systemd's and Debian's.

/// Where udev has devices by what they are called.
const BY_NAME: [(&str, &str); 5] = [
    ("UUID=", "by-uuid"),
    ("PARTUUID=", "by-partuuid"),
    ("LABEL=", "by-label"),
    ("PARTLABEL=", "by-partlabel"),
    ("ID=", "by-id"),
];

/// A volume that is opened at boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is called once it is open.
    pub name: String,
    /// The volume's device, as the line has it: `UUID=…`, or a path.
    pub source: String,
    /// Whether a TPM has the key, in the volume's header or beside it (`tpm2-device=`), or a script
    /// that is called so asks it.
    pub by_tpm: bool,
}

impl Line {
    /// The path at which udev has the device.
    pub fn path(&self) -> String {
        let tagged = BY_NAME.iter().find_map(|(tag, folder)| {
            let name = self.source.strip_prefix(tag)?.trim_matches('"');
            Some(format!("/dev/disk/{folder}/{name}"))
        });
        tagged.unwrap_or_else(|| self.source.clone())
    }
}

/// The volumes that are opened at boot; those with `noauto` wait for somebody.
pub fn lines(text: &str) -> Vec<Line> {
    text.lines().filter_map(line).collect()
}

fn line(text: &str) -> Option<Line> {
    let mut fields = text.split_whitespace();
    let name = fields.next().filter(|name| !name.starts_with('#'))?;
    let source = fields.next()?;
    let options: Vec<&str> = fields.nth(1).unwrap_or_default().split(',').collect();
    let line = Line {
        name: name.to_owned(),
        source: source.to_owned(),
        by_tpm: options.iter().any(|option| option.contains("tpm")),
    };
    (!options.contains(&"noauto")).then_some(line)
}
