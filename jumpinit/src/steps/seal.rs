//! What is secret and has to wait on the landing partition is sealed. The key is in one sector
//! behind the journal, written before any sealed byte; who erases it has erased the secrets.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use jumparchive::{Image, ReadAt, WriteAt};
use jumpspec::disk::SECTOR;
use jumpspec::places;
use jumpspec::run::journal::{KEY_OFFSET, RESERVED_BYTES};
use jumpsys::files::sealed::{Key, KeySector, Reader, Writer};

use crate::run::context::Context;

/// A sealed file that is being written. Whoever has finished writing calls [`Sealing::finish`].
#[derive(Clone)]
pub(crate) struct Sealing(Arc<Writer>);

impl Sealing {
    /// Begins the sealed file at `place` (see [`jumpspec::places`]) with a new key: what the key
    /// before this one has sealed can be read by nobody any more.
    pub(crate) fn begin(cx: &Context, place: &str) -> Result<Self> {
        let key = Key::random()?;
        key_sector(cx)
            .write(&key)
            .context("cannot keep the key of the saved files")?;
        Self::with(cx, place, &key)
    }

    /// Begins the sealed file at `place` with the key of what was sealed last, which stays readable.
    pub(crate) fn beside(cx: &Context, place: &str) -> Result<Self> {
        let key = key_sector(cx)
            .read()
            .context("cannot read the key of the saved files")?;
        Self::with(cx, place, &key)
    }

    fn with(cx: &Context, place: &str, key: &Key) -> Result<Self> {
        let path = cx.on_landing(place);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(Arc::new(Writer::new(file, &path, key)?)))
    }

    /// The file is whole, and on disk.
    pub(crate) fn finish(&self) -> Result<()> {
        Ok(self.0.finish()?)
    }
}

impl WriteAt for Sealing {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        Ok(self.0.write_all_at(bytes, offset)?)
    }
}

/// A sealed file that is read.
#[derive(Debug)]
struct Unsealed(Reader);

impl ReadAt for Unsealed {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.length())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        Ok(self.0.read_exact_at(buffer, offset)?)
    }
}

/// Opens the sealed archive at `place`. It is opened where it lies: what is read of it is in
/// memory only, and was found to be what was sealed.
pub(crate) fn open(cx: &Context, place: &str) -> Result<Image> {
    let path = cx.on_landing(place);
    let key = key_sector(cx)
        .read()
        .with_context(|| format!("cannot open {}", path.display()))?;
    let reader = Reader::open(&path, &key)?;
    Image::open(Unsealed(reader)).with_context(|| path.display().to_string())
}

/// Erases the key.
pub(crate) fn erase_key(cx: &Context) -> Result<()> {
    Ok(key_sector(cx).erase()?)
}

fn key_sector(cx: &Context) -> KeySector {
    if cx.plan.landing.is_in_memory() {
        return KeySector::new(&cx.on_kept(places::KEPT_JOURNAL), KEY_OFFSET);
    }
    let end = cx.plan.landing.sectors * SECTOR;
    KeySector::new(&cx.landing_device(), end - RESERVED_BYTES + KEY_OFFSET)
}
