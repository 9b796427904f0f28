//! A configuration file of 2009, as a file of this host.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use jumpspec::nextrel::{Config, FILE, LineError};

use super::failure;
use crate::error::{Exit, Trouble};

/// Reads a file: its statements, and its bytes.
pub(crate) fn read(path: &Path) -> Result<(Config, Vec<u8>), Trouble> {
    let cannot = |error| {
        let message = format!("cannot read {}: {error}", path.display());
        Trouble::new(Exit::Usage, "cfg-file", message).hint("name a configuration file of jump2nr")
    };
    let (mut bytes, most) = (Vec::new(), FILE as u64 + 1);
    let file = File::open(path).map_err(cannot)?;
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    let config = Config::parse(&bytes).map_err(|errors| wrong(path, &errors))?;
    Ok((config, bytes))
}

/// A cause for each wrong line.
fn wrong(path: &Path, errors: &[LineError]) -> Trouble {
    let causes = errors
        .iter()
        .flat_map(|error| failure::wrong(path.display(), error.line, error.wrong.clone()).causes);
    Trouble {
        exit: Exit::Usage,
        causes: causes.collect(),
    }
}
