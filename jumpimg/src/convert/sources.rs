//! The files that a job is made of.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jumpspec::conversion::{Read, Source, Sources};
use jumpspec::nextrel::Config;

use super::args::ConvertArgs;
use crate::error::{Exit, Trouble};
use crate::jump2nr::cfg_file;

/// Bytes of the longest script, and of the longest hook that a job takes.
const LONGEST: u64 = 256 << 10;

/// The configuration file and the script, read; others are found beside the first.
pub(super) struct Files {
    name: String,
    statements: Config,
    text: String,
    script: Option<(String, String)>,
    read: Box<dyn Fn(&str) -> Read>,
}

impl Files {
    /// Reads what the command line names.
    pub(super) fn read(args: &ConvertArgs) -> Result<Self, Trouble> {
        let (statements, bytes) = cfg_file::read(&args.config)?;
        let script = args.script.as_deref().map(script).transpose()?;
        let beside = args.config.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self {
            name: name(&args.config),
            statements,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            script,
            read: Box::new(move |file| found(&beside, file)),
        })
    }

    /// The same, as a conversion takes it.
    pub(super) fn sources<'a>(&'a self, directory: &'a str) -> Sources<'a> {
        let script = self.script.as_ref();
        Sources {
            config: Source {
                name: &self.name,
                text: &self.text,
            },
            statements: &self.statements,
            script: script.map(|(name, text)| Source { name, text }),
            read: &*self.read,
            directory,
        }
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn script(path: &Path) -> Result<(String, String), Trouble> {
    let text = text(path).map_err(|why| {
        let message = format!("cannot read {}: {why}", path.display());
        Trouble::new(Exit::Usage, "script-file", message)
            .hint("name the shell script that the configuration file has as TARGET_SETUP")
    })?;
    Ok((name(path), text))
}

/// A file that a configuration file names.
fn found(beside: &Path, file: &str) -> Read {
    let path: PathBuf = beside.join(file);
    match text(&path) {
        Ok(text) => Read::Text(text),
        Err(why) => Read::No(format!("{}: {why}", path.display())),
    }
}

/// A text, or why there is none.
fn text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {} KiB", LONGEST >> 10));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.contains('\0') {
        return Err("it is no text".to_owned());
    }
    Ok(text)
}
